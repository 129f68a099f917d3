#include "train/update_speed.h"

#include <stdlib.h>

#include "base/clock.h"
#include "train/trainer.h"

enum { NOISE_IMAGES = 64, MOST_TIMINGS = 200 };

static int compare_seconds(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool timed_update(Trainer *t, double *seconds, Err *err)
{
    TrainUpdate update;
    double start = clock_seconds();
    if (!trainer_update(t, &update, err)) return false;
    *seconds = clock_seconds() - start;
    return !interrupt_requested() ||
           err_set(err, ERR_INTERRUPTED, "interrupted while measuring the speed of training");
}

static bool measure(Trainer *t, double budget, double *seconds, Err *err)
{
    double timings[MOST_TIMINGS], start = clock_seconds();
    int n = 0;
    if (!timed_update(t, seconds, err)) return false;
    if (*seconds >= budget) return true;
    while (n < MOST_TIMINGS && (n == 0 || clock_seconds() - start < budget))
        if (!timed_update(t, &timings[n++], err)) return false;
    qsort(timings, (size_t)n, sizeof *timings, compare_seconds);
    *seconds = timings[n / 2];
    return true;
}

bool update_speed(const Config *c, int classes, double budget, double *seconds, Err *err)
{
    Dataset noise;
    Trainer *t;
    Config timed = *c; /* its betas stay the caller's */
    DataOptions wanted = {.config = c->data, .seed = c->train.seed};
    wanted.config.limit = NOISE_IMAGES;
    wanted.config.validation = 0;
    timed.train.init[0] = '\0';
    timed.train.eval_every = 0;
    timed.train.minutes = 0;
    timed.train.steps = INT32_MAX; /* every update is one of the first */
    if (!dataset_open_noise(&noise, &wanted, c->model.class_conditional ? classes : 0, err) ||
        !trainer_open_on(&t, &timed, &noise, err))
        return false;
    bool ok = measure(t, budget, seconds, err);
    trainer_close(t);
    return ok;
}
