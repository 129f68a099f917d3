/* diffc train DATA: a person's own pictures, without a configuration. */
#ifndef DIFFC_TRAIN_ON_DATA_H
#define DIFFC_TRAIN_ON_DATA_H

#include "train/config_for_data.h"

/* Whether a word stands for data rather than for a configuration: a folder that is no run, a file that is not
 * named .json and does not begin as JSON does, or the name of a data set that has two places. */
bool word_is_data(const char *word);
/* DATA as the configuration keeps it: "." and other words of dots and slashes, which mean something else in every
 * folder, become the whole path; others stay. ERR_USAGE where it is too long. */
bool keep_data_path(const char *word, char out[DATA_PATH_BYTES], Err *err);

typedef struct {
    const char *path;            /* DATA */
    DataWishes wishes;           /* of the options */
    const char *const *settings; /* [setting_count] of --set, which win over what is chosen */
    int setting_count;
    /* Puts all options into a configuration, settings too. */
    bool (*apply)(const void *context, Config *c, Err *err);
    const void *context;
} DataRequest;

/* Looks at the data, measures, chooses, and says what and why on stderr. *c, zeroed or with the defaults,
 * becomes the configuration, options applied. */
bool choose_config(const DataRequest *request, Config *c, Err *err);

#endif
