/* The parameter table: names, shapes and places of a network's parameters in one block of floats.
 * Values, gradients, Adam moments and EMA are blocks of the same layout, so the optimiser, clipping,
 * EMA and checkpoints are flat loops. Built by declaring a network (net.h). */
#ifndef DIFFC_PARAMS_H
#define DIFFC_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    LAYOUT_PLAIN,  /* memory = disk */
    LAYOUT_CONV,   /* disk [K,C,R,S], memory [R,S,C,K] */
    LAYOUT_LINEAR, /* disk [K,C], memory [C,K] */
} ParamLayout;

typedef enum {
    INIT_ZERO,
    INIT_ONE,
    INIT_FAN_IN, /* uniform in +-1/sqrt(fan_in), as PyTorch's layers; also for their biases */
    INIT_NORMAL, /* N(0, scale^2) */
} ParamInit;

enum { PARAM_NAME_BYTES = 128 };

typedef struct {
    char name[PARAM_NAME_BYTES]; /* diffusers' name */
    int rank;                    /* 1 .. 4 */
    int shape[4];                /* as on disk */
    ParamLayout layout;
    ParamInit init;
    float init_scale;
    int fan_in;
    bool trainable; /* false: Fourier frequencies; gradients stay zero, EMA copies */
    size_t offset;  /* in floats, a multiple of 16 */
    size_t count;   /* product of shape */
} ParamInfo;

typedef struct {
    ParamInfo *info; /* in order of declaration */
    int count;
    size_t block_floats; /* size of a block, padding included; padding is always zero */
    size_t parameters;   /* sum of counts */
    size_t room;
    bool sealed; /* after the first complete declaration: a new name is a bug */
} ParamTable;

void params_free(ParamTable *table);
/* Adds a parameter to the table or finds it there; `wanted` gives everything but offset and count.
 * A sealed table knows every name. -1 when memory is short. */
int params_declare(ParamTable *table, const ParamInfo *wanted);
/* Index of a name, -1 when absent. */
int params_find(const ParamTable *table, const char *name);
/* The count of the largest parameter. */
size_t params_largest(const ParamTable *table);
/* Fills a block with fresh values; tensor i draws from (seed, stream RNG_INIT i). */
void params_init(const ParamTable *table, float *block, uint64_t seed);
/* Between the block's layout and the disk's, one tensor of info.count floats. */
void params_to_disk(const ParamInfo *info, float *disk, const float *block);
void params_from_disk(const ParamInfo *info, float *block, const float *disk);

#endif
