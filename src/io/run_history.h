/* What the log of a run tells over time, as tables of numbers: updates, validations, noise levels, distances,
 * scores, saves. */
#ifndef DIFFC_RUN_HISTORY_H
#define DIFFC_RUN_HISTORY_H

#include "io/stats_lines.h"

typedef enum {
    HISTORY_UPDATES,     /* of "step" */
    HISTORY_VALIDATIONS, /* of "validation" */
    HISTORY_LEVELS,      /* the elements of its "levels": one row each */
    HISTORY_DISTANCES,   /* of "distance" */
    HISTORY_SCORES,      /* the elements of "scores": one row each */
    HISTORY_SAVES,       /* of "checkpoint" */
    HISTORY_TABLES
} HistoryKind;

/* Columns. The first of every table is the step; run_history.c has the keys. */
enum { OF_STEP };
enum {
    UPDATE_IMAGES = 1,
    UPDATE_LOSS,
    UPDATE_GRAD_NORM,
    UPDATE_RATE,
    UPDATE_SPEED,
    UPDATE_SECONDS,
    UPDATE_SCORES_SUM,
    UPDATE_SCORES_ENTROPY,
    UPDATE_MASK_STEPS
};
enum { VALIDATION_LOSS = 1, VALIDATION_CROSS_ENTROPY, VALIDATION_SQUARED_ERROR };
enum { LEVEL_FROM = 1, LEVEL_TO, LEVEL_LOSS };
enum { DISTANCE_SLICED = 1, DISTANCE_ERROR, DISTANCE_OTHERS };
enum { SCORE_PLACE = 1, SCORE_MEAN };
enum { SAVE_IMAGES = 1, SAVE_SECONDS };

/* Rows of numbers [rows, columns], by rising steps; NAN: not in the line, or not finite. */
typedef struct {
    double *cells;
    size_t rows, room;
    int columns;
} HistoryTable;

/* A process that worked on the run: the last step that the log has from before it (0: none), and what its first line
 * says of its machine ("" and 0 where an older version wrote it). */
typedef struct {
    double after;
    char version[32], level[200], cpu[128];
    int threads;
} HistoryStart;

/* A save that failed. */
typedef struct {
    double step;
    char part[32], reason[512];
} HistoryFailure;
enum { HISTORY_MOST_FAILURES = 20 };

typedef struct {
    HistoryTable table[HISTORY_TABLES];
    HistoryStart *start;
    size_t starts, start_room;
    HistoryFailure failure[HISTORY_MOST_FAILURES]; /* the last ones */
    size_t failures;                               /* all */
    uint64_t lines;                                /* that are objects */
    uint64_t bad;                                  /* that are none (stats_lines.h) */
    uint64_t redone; /* rows left out because the run went back and did their updates again */
    double last_step;
} RunHistory;

/* Reads the log at `path`. A run that was resumed behind its log's end goes back in its steps: what stands
 * before of the steps that are done again is left out. ERR_IO, ERR_MEMORY; *h is then empty. */
bool run_history_read(RunHistory *h, const char *path, Err *err);
void run_history_free(RunHistory *h);

static inline double history_cell(const HistoryTable *t, size_t row, int column)
{
    return t->cells[row * (size_t)t->columns + (size_t)column];
}

#endif
