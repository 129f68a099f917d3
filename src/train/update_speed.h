/* How long an update of a training takes on this machine. */
#ifndef DIFFC_UPDATE_SPEED_H
#define DIFFC_UPDATE_SPEED_H

#include "io/config.h"

/* How long an update takes. */
typedef struct {
    double clock; /* the mean, which other programs make longer that want the same CPUs */
    double
        alone; /* what it takes without them: the quickest update, or where that is less the processor time of its
                     threads over their number; `clock` where that is not much longer */
} UpdateTime;

/* Times updates (trainer_update) of this configuration for about `budget` seconds on images of noise of data.size and
 * data.channels, which must be set, with so many classes. The first update, which touches the memory, counts only where
 * it alone takes that long. ERR_INTERRUPTED; the errors of trainer_open. */
bool update_speed(const Config *c, int classes, double budget, UpdateTime *out, Err *err);
/* clock, quickest: of updates; processor: of one, by all its threads. */
UpdateTime update_time(double clock, double quickest, double processor, int threads);

#endif
