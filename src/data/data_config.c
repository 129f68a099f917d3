#include "data/data_config.h"

#include <stddef.h>

const char *const data_kind_words[] = {[DATA_AUTO] = "auto",
                                       [DATA_IDX] = "idx",
                                       [DATA_CIFAR10] = "cifar10",
                                       [DATA_FOLDER] = "folder",
                                       NULL};
const char *const toy_words[] = {[TOY_NONE] = "none",
                                 [TOY_TWO_MODES] = "two-modes",
                                 [TOY_RING] = "ring",
                                 [TOY_SWISS_ROLL] = "swiss-roll",
                                 [TOY_CHECKERBOARD] = "checkerboard",
                                 NULL};
