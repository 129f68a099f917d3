/* What the commands share. */
#ifndef DIFFC_CLI_CLI_H
#define DIFFC_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/parallel.h"
#include "cli/nll_images.h"
#include "cli/options.h"
#include "data/image.h"
#include "io/json.h"
#include "model/model.h"
#include "net/net.h"

extern const Command command_train, command_sample, command_nll, command_info, command_bench,
    command_denoise, command_restore, command_eval, command_help, command_report;

/* Rows that several commands have. */
#define OPTION_ROW_MODEL                                                                           \
    OPTION("model", TEXT, "Model", .letter = 'm', .metavar = "PATH",                               \
           .otherwise = "the newest run under runs/",                                              \
           .help =                                                                                 \
               "run folder, model folder in the layout of diffusers, or a checkpoint of a run, "   \
               "RUN/checkpoints/step-N.safetensors")
#define OPTION_ROW_WEIGHTS                                                                         \
    OPTION("weights", CHOICE, "Model", .words = weights_words, .fallback = "average",              \
           .help = "the moving average, or the weights that training reached last: of a "          \
                   "checkpoint, of a run's newest one, or of unet beside unet_ema")
#define OPTION_ROW_LABEL(words)                                                                    \
    OPTION("label", TEXT, "Model", .metavar = "CLASS",                                             \
           .otherwise = "with --data each image's own; else none where the model can do without",  \
           .help = words ", by name or number, for models with classes")
/* The images of a data set that a command scores. */
#define OPTION_ROW_PART                                                                            \
    OPTION("part", CHOICE, "Images", .metavar = "NAME", .words = part_words,                       \
           .otherwise = "test, where there is one", .help = "part of the data set")
#define OPTION_ROW_SCORED(words)                                                                   \
    OPTION("count", INT, "Images", .letter = 'n', .low = 1, .high = 1e9, .otherwise = "all",       \
           .help = "images of the data set" words)
#define OPTION_ROW_RESIZE                                                                          \
    OPTION("resize", FLAG, "Images",                                                               \
           .help = "make images of another size or another number of channels fit")
#define OPTION_ROW_THREADS                                                                         \
    OPTION("threads", INT, "General", .low = 1, .high = PARALLEL_MOST_THREADS,                     \
           .otherwise = "OMP_NUM_THREADS, or one per CPU that diffc may use; one per core, where " \
                        "a second CPU of the core adds nothing (--version shows it)",              \
           .help = "threads; the results do not depend on it")
#define OPTION_ROW_JSON OPTION("json", FLAG, "General", .help = "results as one JSON object a line")
#define OPTION_ROW_QUIET                                                                           \
    OPTION("quiet", FLAG, "General", .letter = 'q', .help = "no narration and no progress")

/* What a command needs of a model. */
typedef struct {
    bool images, points;     /* makes them; neither set: either will do */
    const NllImages *scored; /* makes such images as these; NULL: the command takes none */
    Shape image; /* of this size; H or C 0: any. open_model fills it in from the two beside it */
    const char
        *as_large_as;    /* makes images of the size of this file's, if it is one; NULL: of any */
    bool density;        /* gives its own density (cdm) */
    bool finds_noise;    /* finds out how strong noise is (cdm) */
    bool levels;         /* has numbered noise levels, which SDEs have not */
    bool classes;        /* is of images with classes */
    bool no_classes;     /* need not know a class: nobody says of which the images are */
    bool guidance;       /* can be guided (train.label_dropout) */
    WeightsKind weights; /* with these weights */
} ModelNeeds;

/* Opens the model of a command and notes its warnings. path (PATH_BYTES) becomes what --model names, or the
 * newest run under runs/ that meets the needs; a note names that run and newer ones that were passed over.
 * Where no run meets all needs, the newest that makes images (points) is taken, so that the command can
 * explain what is wrong and what would help. height, width: model_open's. A model of points is ERR_USAGE for
 * a command that takes images. */
bool open_model(Model *m, char *path, const OptionValue *given, ModelNeeds *needs, int height,
                int width, Err *err);

/* Its path alone. */
bool choose_model(const OptionValue *given, const ModelNeeds *needs, char *path, Err *err);

/* *label: the class that --label gives, model_choose_label. A note says which, where its name is another's number. */
bool take_label(Model *m, const OptionValue *given, bool needed, int *label, Err *err);

/* ERR_USAGE for a folder in the place of CONFIG.json. Of a run, its config.json is suggested, or the
 * words `alternative`, not empty, and the folder after them. */
bool check_config_file(const char *path, const char *alternative, Err *err);

/* ERR_USAGE for the path of --OPTION (NULL: not given) when it is a folder or, but for a device or
 * a pipe, has another ending than `end`, "png" or such; ERR_IO when no file can be made there. For before the work.
 * Of several processes (world.h) process 0 writes the files and looks. */
bool check_output_file(const char *option, const char *path, const char *end, Err *err);
/* ERR_IO for the folder of an output (NULL: not given) when it is a file, or is there and no file can be created in it.
 * For before the work; process 0 looks. */
bool check_output_folder(const char *path, Err *err);

/* What --OPTION writes: the file `path`, or in the folder `path` a file for each number, called by `name`. */
enum { NUMBERED_NAME_BYTES = 32 };
typedef struct {
    const char *option, *path;                                    /* path NULL: not given */
    void (*name)(char out[NUMBERED_NAME_BYTES], uint64_t number); /* NULL: a file */
    uint64_t first, count;                                        /* numbers of a folder */
} NamedOutput;
/* ERR_USAGE, before the work, where one would replace a file that the command reads (NULL: none), or two are one file.
 * Process 0 looks. */
bool check_outputs(const NamedOutput *outputs, size_t count, const char *const *inputs,
                   size_t input_count, Err *err);
/* ERR_USAGE where the path of --OPTION (NULL: not given) is a file that is there already in a folder whose images are
 * read, so that it may be one of them; with `takes_all` (every picture in the folder is read) also where it is new, so
 * that the next call would read it. Process 0 looks. */
bool check_not_among(const char *option, const char *path, const char *folder, bool takes_all,
                     Err *err);

/* out (PATH_BYTES): the first of STEM-1.END, STEM-2.END, ... that is free. */
bool free_file_name(const char *stem, const char *end, char *out, Err *err);

/* Whether there is a file that writing to `path` replaces (a device or pipe is none), and the note
 * about it, for after the writing. path NULL: no. */
bool file_is_there(const char *path);
void note_replaced(const char *path, bool replaced);

/* image_save_png to a path that the user named: symbolic links are followed. */
bool output_picture(const char *path, const Image *picture, const char *text, Err *err);

/* What the program was called by; main gives it once, others pass NULL. */
const char *program_name(const char *called);

/* A result on stdout, sent at once so that a reader sees it. The first failure is remembered. */
void output_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether an output `path` (NULL: not given) is the standard output: /dev/stdout, /dev/fd/1, the pipe it goes to. Lines
 * printed as well would be mixed with the output's data. */
bool file_is_stdout(const char *path);
/* The paths of files that were written (NULL: none), as results, unless one of them is the standard output. */
void output_names(const char *const *paths, int count);
/* A result as one JSON object: opens it, and ends it as one line and frees the writer. */
void output_begin(JsonWriter *w);
bool output_json(JsonWriter *w, Err *err);
/* False when something written to stdout was lost: ERR_IO, with an empty text when the reader
 * closed its end. */
bool output_close(Err *err);

/* What every command that computes begins with: --quiet, a note when DIFFC_CPU is below what the CPU has,
 * and --threads (choose_threads). */
void begin_work(const OptionValue *quiet, const OptionValue *threads);

/* Of a command that several processes share: all take the lowest of their levels, which a note says. ERR_USAGE where one
 * has not got it, or another BLAS: the bits of a result would depend on who computed what. */
bool share_level(Err *err);

/* Sets the number of threads to that of --threads (not given, or NULL: the default); says (as narration)
 * when fewer run than were asked for. */
void choose_threads(const OptionValue *asked);

/* parallel_describe, and for several threads what they compute together: "2; together they compute 1.97 times as much
 * as one", measured in 20 ms. Returns that number (thread_gain); 0: one thread, or the user has bound the threads. */
double describe_threads(char *out, size_t size);

/* "1.25 GFLOP", "830 MFLOP", without a unit "1.25 G", "396". */
enum { AMOUNT_BYTES = 24 };
void format_amount(char out[AMOUNT_BYTES], double value, const char *unit);

/* A speed without an exponent: "0.123", "45.6", "3205". */
void format_speed(char out[AMOUNT_BYTES], double per_second);

/* The median of n > 0 values; sorts them. */
double median(double *values, int n);

#endif
