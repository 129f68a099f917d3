/* Limits shared by rooms that may not include each other. */
#ifndef DIFFC_LIMITS_H
#define DIFFC_LIMITS_H

enum {
    IMAGE_MAX_SIDE = 8192,
    IMAGE_MAX_CHANNELS = 4,
    STEPS_MAX = 100000, /* noise levels of a chain, and so betas in a list */
};

#endif
