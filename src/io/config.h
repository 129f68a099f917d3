/* The configuration: one table of fields (config.c) makes the JSON reader, --set, the help, the
 * resolved file and the error messages. After reading, no code sees JSON. */
#ifndef DIFFC_CONFIG_H
#define DIFFC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/data_config.h"
#include "diffusion/sample_config.h"
#include "io/json.h"
#include "methods/method_config.h"
#include "net/network_config.h"
#include "train/train_config.h"

enum { CONFIG_MAX_KEYS = 256 };

/* The sections of the file, each as the code that reads it takes it. Keys: config_fields.c. */
typedef struct {
    DataConfig data;
    NetworkConfig model;
    MethodConfig method;
    TrainConfig train;
    SampleConfig sample;
} Config;

void config_defaults(Config *c);
void config_free(Config *c); /* betas */
bool config_copy(Config *to, const Config *from, Err *err);

/* Reads a file over the defaults. Unknown and duplicate keys, wrong types and values out of range
 * are ERR_USAGE with the file, the dotted key, the value, what would be right and the nearest known
 * key. A file that cannot be read is ERR_IO. */
bool config_load(Config *c, const char *path, Err *err);
/* The same from memory; `name` stands for the file in messages. After a failure fields that were
 * read before it are changed; config_free is still right. */
bool config_parse(Config *c, const char *text, size_t size, const char *name, Err *err);

/* Applies "section.key=value" (value as JSON; a bare word counts as a string, and for a path or a
 * seed anything does). ERR_USAGE; the configuration is then unchanged. */
bool config_set(Config *c, const char *assignment, Err *err);

/* Rules between fields (betas given when schedule is betas, ...). ERR_USAGE. */
bool config_check(const Config *c, Err *err);

/* Puts what the program chooses in the place of each "auto" (or 0) that the configuration alone decides.
 * What only the data decide (sigma_max, levels, size, ...) stays.
 *   model.type           mlp for toys, unet for images
 *   model.time           what the method's row says
 *   model.fourier_scale  16 for a unet (Song et al. 2021). 0.25 for an mlp: levels that differ by a few
 *                        percent then look alike to it, and the few points of each teach it the others
 *   model.groups         min(32, channels of the first level / 4), rounded down to a divisor */
void config_resolve(Config *c);

/* Share of a run that is done after so many updates and seconds, by train.steps or by train.minutes, whichever is
 * further. */
double config_progress(const Config *c, int64_t step, double seconds);

/* A key in which two configurations differ. */
typedef struct {
    int row;       /* of the table of keys, below CONFIG_MAX_KEYS */
    char name[80]; /* "method.steps"; "method.betas[17]" for the first place where lists differ */
    bool identity; /* it says what a run is, so resuming cannot change it */
    JsonDifference values;
} ConfigDifference;

/* Calls `use` for every key whose values in `before` and `after` differ, in the order of the table; keys
 * that the methods of neither read are left out.
 * Compare resolved configurations, or "auto" differs from what it stands for. ERR_MEMORY. */
typedef void (*ConfigDifferenceUse)(void *context, const ConfigDifference *difference);
bool config_diff(const Config *before, const Config *after, ConfigDifferenceUse use, void *context,
                 Err *err);

/* All sections, into the open object. */
void config_put(JsonWriter *w, const Config *c);
/* The resolved configuration as indented JSON that config_load reads back to the same struct. NULL
 * when memory is short; free with mem_free. */
char *config_to_json(const Config *c);

/* Line `field` of the help: key, what it is for, default and range. Returns false at the end of
 * the table. */
bool config_describe(size_t field, char *out, size_t size);

#endif
