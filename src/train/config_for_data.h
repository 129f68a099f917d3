/* The configuration that is chosen for a person's pictures: from facts about them, from a few wishes, and from the
 * speed of the network that is meant. Pure functions: the speed is asked of a callback. */
#ifndef DIFFC_CONFIG_FOR_DATA_H
#define DIFFC_CONFIG_FOR_DATA_H

#include "data/data_facts.h"
#include "io/config.h"

typedef enum { EFFORT_SMALL, EFFORT_MEDIUM, EFFORT_LARGE } EffortKind;
extern const char *const effort_words[];

/* A row of the one dial. */
typedef struct {
    int width; /* channels of levels of 17 to 32 pixels; coarser ones have twice as many, finer ones half */
    int blocks;     /* residual blocks a level */
    int attention;  /* levels of at most so many pixels have it */
    double minutes; /* of training */
    double
        least_updates; /* fewer make no pictures: a size with which the time allows fewer is too large */
} Effort;
extern const Effort efforts[];

enum {
    OWN_LEAST_IMAGES = 10,
    OWN_LEAST_SIDE = 8,
    OWN_MOST_SIDE = 256,
    OWN_USUAL_SIDE = 64 /* larger ones only where they are asked for */
};

/* What the user asked for; 0 where nothing. */
typedef struct {
    EffortKind effort;
    MethodKind method;
    SdeKind sde;
    int height, width;
    int channels;
    double minutes;
    int64_t steps; /* updates in place of a time: the speed then decides nothing */
    bool classes;
} DataWishes;

/* Seconds that an update of this configuration takes. */
typedef bool (*UpdateSeconds)(void *context, const Config *c, double *seconds, Err *err);

/* What was chosen and why. */
typedef struct {
    Config config;  /* data.path is "" */
    double seconds; /* of an update, as measured; 0: not asked */
    double updates; /* expected */
    int too_slow; /* the height that was wanted, where the speed allows only a smaller one; 0: none */
    double slow_updates; /* that the time would allow with it */
} ChosenConfig;

/* How often a U-Net for images of these sides is halved plus one: until the shorter side is at most 8, at
 * least once. 0: one of them cannot be halved so often. */
int own_levels(int height, int width);

/* The side of square images nearest to `side` that can be; of two as near the smaller. */
int own_nearest_side(int side);

/* Whether there are enough images, large enough, with the labels that are wished for, and a wished size that
 * can be. ERR_USAGE. `name` starts the sentence. */
bool config_for_data_check(const DataFacts *facts, const DataWishes *wishes, const char *name,
                           Err *err);

/* The configuration for images of one size, of which `updates` are expected. The recipe is that of
 * configs/fashion-ddpm.json.
 *   data       channels 1 where all pictures are grey; a tenth held out, 2 to 1,000 images; flips for colour pictures
 *              but IDX, since digits and letters are grey or IDX
 *   method     cosine schedule, predicts v, as far as the wished method has these
 *   model      own_levels; the effort's width, blocks and attention
 *   train      batch 64, 32 above 32 pixels or below 1,000 images, 16 below 100; muon, rate 0.005, warm-up over a
 *              tenth of the updates, 10 to 100; average 0.999, 0.995 below 1,000 updates; six checkpoints; with classes
 *              a tenth of the labels dropped, for guidance
 *   sample     ddpm, which redraws what goes wrong on the way, in 100 calls */
void config_for_size(Config *c, const DataFacts *facts, const DataWishes *wishes, int height,
                     int width, double minutes, double updates);

/* Chooses the size, and the rest by config_for_size: the wished size; else the one size of all images where it is
 * at most 64 and can be; else the largest of 64, 48, 32, 16 and 8 that the middle one of the shorter sides carries. A
 * size with which the minutes allow fewer updates than the effort's least gives way to the next of the list, down to
 * 32; where that, or a wished or a smaller one, is too slow, minutes that were not wished for grow. Errors are those of
 * `seconds`. */
bool config_for_data(ChosenConfig *out, const DataFacts *facts, const DataWishes *wishes,
                     UpdateSeconds seconds, void *context, Err *err);

#endif
