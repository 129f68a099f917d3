#include "train/update_speed.h"

#include <math.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/parallel.h"
#include "train/trainer.h"

enum { NOISE_IMAGES = 64 };

UpdateTime update_time(double clock, double quickest, double processor, double waited, double cpus)
{
    static const double MUCH_LONGER = 1.3;
    /* What threads slept while others of them worked, they would sleep on a machine of their own too. */
    double alone = fmax(fmin(quickest, processor / cpus), clock - waited);
    return (UpdateTime){.clock = clock, .alone = clock > MUCH_LONGER * alone ? alone : clock};
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

static bool measure(Trainer *t, double budget, UpdateTime *out, Err *err)
{
    double start = clock_seconds(), used = clock_processor_seconds(), quickest, last = 0;
    double waited = machine_waited_seconds("");
    int n = 1;
    if (!timed_update(t, &quickest, err)) return false;
    if (quickest < budget) {
        start = clock_seconds();
        used = clock_processor_seconds();
        waited = machine_waited_seconds("");
        for (n = 0, quickest = (double)INFINITY; n == 0 || clock_seconds() - start < budget; n++) {
            if (!timed_update(t, &last, err)) return false;
            quickest = fmin(quickest, last);
        }
    }
    *out =
        update_time((clock_seconds() - start) / n, quickest, (clock_processor_seconds() - used) / n,
                    (machine_waited_seconds("") - waited) / n, parallel_usable_cpus());
    return true;
}

bool update_speed(const Config *c, int classes, double budget, UpdateTime *out, Err *err)
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
    bool ok = measure(t, budget, out, err);
    trainer_close(t);
    return ok;
}
