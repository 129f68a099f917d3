/* How long an update of a training takes on this machine. */
#ifndef DIFFC_UPDATE_SPEED_H
#define DIFFC_UPDATE_SPEED_H

#include "io/config.h"

/* *seconds: the median time of an update (trainer_update) of this configuration, made for about `budget` seconds
 * on images of noise of data.size and data.channels, which must be set, with so many classes. The first update,
 * which touches the memory, counts only where it alone takes that long. ERR_INTERRUPTED; the errors of trainer_open. */
bool update_speed(const Config *c, int classes, double budget, double *seconds, Err *err);

#endif
