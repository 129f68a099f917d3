/* What a person's pictures are, found by a look at some of them: what a configuration can be chosen from
 * (train/config_for_data.h). */
#ifndef DIFFC_DATA_FACTS_H
#define DIFFC_DATA_FACTS_H

#include "data/dataset.h"

enum {
    DATA_FACTS_SEEN = 200,
    /* By how much the colours of a pixel may differ that still counts as grey: JPEG rounds them apart. */
    GREY_SPREAD = 3
};

typedef struct {
    DataKind kind;  /* IDX, CIFAR10 or FOLDER */
    uint64_t count; /* images that there are, or as many of them as data.limit allows */
    int seen; /* of these were looked at: at most DATA_FACTS_SEEN, in folders spread over all */
    int height, width;          /* the one size of those seen; 0: they have several */
    int sides[DATA_FACTS_SEEN]; /* [seen] the shorter side of each, in rising order */
    bool colour;                /* one of them has a pixel of colour */
    int classes;                /* 0: no labels */
    char class_list[160];       /* "bag, boot, coat, ..."; "": the classes have no names */
    char no_labels[400];        /* classes is 0: why, as it ends a sentence */
} DataFacts;

/* Looks at the images at options->path. Of options->config kind, limit and skip_bad count. Errors are
 * dataset_open's. */
bool data_facts_read(DataFacts *facts, const DataOptions *options, DataProgress progress,
                     void *context, Err *err);

/* The median of the shorter sides (of an even number the lower of the two in the middle), so that at least
 * half of the images have a side as long. */
int data_facts_side(const DataFacts *facts);
/* How many of those seen have a shorter side below `side`. */
int data_facts_smaller(const DataFacts *facts, int side);

/* "60,000 grey pictures of 28x28 (idx)"; "1,680 colour pictures (folder), shorter sides of 64 to 400 pixels, the
 * middle one 96; 200 of them were looked at". */
void data_facts_describe(const DataFacts *facts, char *out, size_t size);

#endif
