/* How long an update of a training takes on this machine. */
#ifndef DIFFC_UPDATE_SPEED_H
#define DIFFC_UPDATE_SPEED_H

#include "io/config.h"

/* How long an update takes. */
typedef struct {
    double clock; /* the mean, which other programs make longer that want the same CPUs */
    double alone; /* without them (update_time); `clock` where that is not much longer */
} UpdateTime;

/* Times updates (trainer_update) of this configuration for about `budget` seconds on images of noise of data.size and
 * data.channels, which must be set, with so many classes. The first update, which touches the memory, counts only where
 * it alone takes that long. ERR_INTERRUPTED; the errors of trainer_open. */
bool update_speed(const Config *c, int classes, double budget, UpdateTime *out, Err *err);
/* clock, quickest: the mean time of updates and the least; processor, waited: how long the threads of one computed and
 * waited for a CPU, summed over them; cpus: how many they can have at once. Alone an update takes clock - waited at
 * least, and processor / cpus unless a quicker one was seen. */
UpdateTime update_time(double clock, double quickest, double processor, double waited, double cpus);

#endif
