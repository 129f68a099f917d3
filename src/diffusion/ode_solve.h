/* Ordinary differential equations dy/dt = F(t, y) of many images at once, by the adaptive
 * Runge-Kutta pair of Dormand & Prince 1980, 5(4), with the step control of Hairer, Norsett &
 * Wanner (Solving ODEs I, II.4) as scipy's RK45 has it. Images share calls of F and nothing else:
 * each has its own time, step and error norm, so its bits do not depend on its batch mates, and an
 * image that has arrived leaves the batch. */
#ifndef DIFFC_ODE_SOLVE_H
#define DIFFC_ODE_SOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Whose state one row of a call is. */
typedef struct {
    int image;   /* its number in ode_solve's y */
    int step;    /* steps tried, this one included: from 1 */
    double time; /* where F is asked for */
} OdeRow;

typedef struct {
    const char *name; /* who solves, for messages: "sampler ode" */
    void *context;
    size_t dims; /* values per image */
    /* dy[count, dims] = F(time, y[count, dims]) of each row. False stops with *err, which it set. */
    bool (*derivative)(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                       Err *err);
    /* A time in the words of a message, "timestep 700"; NULL: "time" and its value. */
    void (*name_time)(const void *context, double time, char *text, size_t size);
    double from, to; /* in either direction, not equal */
    /* An image's step holds when the root mean square, over its own values, of
     * error / (atol + rtol max(|y|, |y_new|)) is at most 1. Both above 0. */
    double rtol, atol;
    long call_limit;  /* calls of F that an image may take, */
    long calls_kept;  /* less those that the caller will make afterwards */
    long *most_calls; /* out: what the image that took most took; may be NULL */
} OdeProblem;

/* What an image took: calls = 2 + 6 (accepted + rejected). */
typedef struct {
    long calls;
    int accepted, rejected;
} OdeCost;

/* y[count, dims] at time `from` becomes y at time `to`. scratch: ode_scratch doubles. cost[count] out,
 * or NULL. ERR_LIMIT, naming image, time, calls and tolerance, where an image would need more calls
 * than the limit or steps too small for its time; else what derivative reports. */
bool ode_solve(const OdeProblem *p, int count, double *y, double *scratch, OdeCost *cost, Err *err);

/* Images are solved in groups of at most so many; the state, seven derivatives and a trial state of
 * a group are kept. */
enum { ODE_GROUP = 256, ODE_ARRAYS = 9 };
static inline size_t ode_scratch(int count, size_t dims)
{
    return ODE_ARRAYS * dims * (size_t)(count < ODE_GROUP ? count : ODE_GROUP);
}

#endif
