/* Where the finished images of `diffc sample` go: a picture of all, a folder of single pictures, an
 * .npz file, or several of them. Points go to a scatter plot, a table, or both. */
#ifndef DIFFC_CLI_SAMPLE_OUTPUT_H
#define DIFFC_CLI_SAMPLE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fsio.h"
#include "cli/cli.h"
#include "data/data_config.h"
#include "data/scatter.h"
#include "io/diffusers/model_folder.h"
#include "io/sample_part.h"
#include "net/net.h"

typedef struct {
    const char *grid, *folder, *npz, *csv; /* NULL: not wanted */
    const char *film, *frames;             /* of sample_film.h; NULL: not wanted */
    int moments;                           /* of the films; 0: as many as is usual */
    bool show;                             /* the picture goes to the terminal too */
    char stem[PATH_BYTES]; /* of a picture without a name: STEM-1.png or the next free; else "" */
    char name[PATH_BYTES]; /* that one */
    int replaced;          /* files of the folder */
    bool made;             /* the folder was not there before */
    bool points;           /* of a network for points, from the distribution `toy` */
    ToyKind toy;
    Shape image;
    int count, columns; /* columns: of the picture, 0: near square */
    uint64_t first_seed;
    bool between; /* two seeds: images are numbered from 0, and first_seed is 0 */
    const ModelConfig *model;
    int *labels; /* [count] the class of each image, freed when it closes; NULL: no classes */
    char parameters[1024]; /* how all images were made; kept with the seed in the PNG files */
    bool lasting;          /* what is finished stays after an interruption */
    bool go_on;            /* --continue */
    const char *settings;  /* JSON: what the images depend on */
    SamplePart part;       /* of a folder or an .npz */
    unsigned char *kept;   /* [count] 1: finished before an interruption */
    int kept_count;
    const unsigned char
        *beside; /* [beside_count, H, W, C]: images before the others in the picture of all */
    int beside_count, in_row; /* images in a row of that picture, 0: as `columns` says */
    int round;                /* the most images that are made together (shared_work.h), */
    int round_first;          /* and the first of those that are being made */
    unsigned char *room;      /* beside, then */
    unsigned char *pixels;    /* [count, H, W, C] by seed; of a folder alone [round, H, W, C] */
    float *xy;                /* points: [count, 2] */
    size_t outside;           /* points that the picture does not show, when it is written */
} SampleOutput;

/* What --out-dir will write. */
NamedOutput sample_output_folder(const SampleOutput *o);
/* Checks, before hours of work, that the formats can hold what is made and the files can be made. Process 0 writes
 * them; in the others no file is wanted after this but the films, which all processes help to make. */
bool sample_output_check(SampleOutput *o, Err *err);
/* Makes the folder, takes memory and finds what --continue goes on with. */
bool sample_output_open(SampleOutput *o, Err *err);
/* Image or point `index` of the round is finished: x [H, W, C], of an image in [-1, 1]. */
void sample_output_put(SampleOutput *o, int index, const double *x);
/* The round is finished, `count` images from o->round_first on, of which each process has put its share: all processes
 * get all of them, and each image's own file is written if there is a folder. */
bool sample_output_end_round(SampleOutput *o, int count, Err *err);
/* All are finished: writes the picture, the .npz and the table, and shows the picture. */
bool sample_output_finish(SampleOutput *o, Err *err);
/* keep: images are finished, and --continue may go on with them; else no trace of them is left. */
void sample_output_close(SampleOutput *o, bool keep);

/* The text in the PNG file of an image: the seed of the image itself, so that the file does not depend on the images
 * made with it, and its class. And that of a picture of all: the first seed, and the classes of the rows or of the
 * first images, until they begin anew. */
enum { SAMPLE_TEXT_BYTES = sizeof((SampleOutput *)0)->parameters + 4096 };
const char *sample_output_text(const SampleOutput *o, int index, char text[SAMPLE_TEXT_BYTES]);
const char *sample_output_text_all(const SampleOutput *o, char text[SAMPLE_TEXT_BYTES]);
/* What a scatter plot of the finished points shows: the axes of the toy, so that pictures compare; without one those
 * of the points. */
ScatterView sample_output_view(const SampleOutput *o);

#endif
