#include "diffusion/ode_solve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Dormand & Prince 1980, table 2: the seventh stage is the first of the next step, and ERROR is the
 * fifth-order solution less the fourth-order one. */
enum { STAGES = 7 };
static const double NODE[STAGES] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
static const double WEIGHT[STAGES][STAGES - 1] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
static const double ERROR[STAGES] = {
    -71.0 / 57600, 0, 71.0 / 16695, -71.0 / 1920, 17253.0 / 339200, -22.0 / 525, 1.0 / 40,
};

static const double SAFETY = 0.9, SHRINK_MOST = 0.2, GROW_MOST = 10, ORDER = 5;

/* Fewer values than this are one thread's work. */
enum { PARALLEL_FROM = 4096 };

/* Where an image stands. */
typedef struct {
    double time;
    double size;   /* of the next step, without sign */
    double length; /* of the step being tried, with sign */
    double arrival;
    bool retry; /* the last step was refused */
    OdeCost cost;
} Control;

typedef struct {
    const OdeProblem *problem;
    double direction;
    int rows;
    OdeRow row[ODE_GROUP];
    Control control[ODE_GROUP];
    double *y, *trial, *k[STAGES];
} Group;

static bool in_parallel(const Group *g)
{
    return (size_t)g->rows * g->problem->dims >= PARALLEL_FROM;
}

/* dy from y at the rows' times, counted for each image. */
static bool evaluate(Group *g, const double *y, double *dy, Err *err)
{
    const OdeProblem *p = g->problem;
    for (int r = 0; r < g->rows; r++) g->control[r].cost.calls++;
    return p->derivative(p->context, g->rows, g->row, y, dy, err);
}

static double scale_of(const OdeProblem *p, double y)
{
    return p->atol + p->rtol * fabs(y);
}

/* Root mean square of (a - b) / scale(y); b may be NULL. */
static double scaled_norm(const OdeProblem *p, const double *a, const double *b, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < p->dims; i++) {
        double value = (b ? a[i] - b[i] : a[i]) / scale_of(p, y[i]);
        sum += value * value;
    }
    return sqrt(sum / (double)p->dims);
}

/* A first guess of the step, from the sizes of y and dy/dt (II.4, step a and b). */
static void guess_step(Group *g, int r)
{
    const OdeProblem *p = g->problem;
    size_t at = (size_t)r * p->dims;
    const double *y = g->y + at, *k = g->k[0] + at;
    double state = scaled_norm(p, y, NULL, y), slope = scaled_norm(p, k, NULL, y);
    double size = state < 1e-5 || slope < 1e-5 ? 1e-6 : 0.01 * state / slope;
    size = fmin(size, fabs(p->to - p->from));
    g->control[r].size = size;
    g->row[r].time = p->from + g->direction * size;
    for (size_t i = 0; i < p->dims; i++) g->trial[at + i] = y[i] + g->direction * size * k[i];
}

/* Corrected by the size of the second derivative, which one Euler step shows (II.4, steps c to f). */
static void correct_guess(Group *g, int r)
{
    const OdeProblem *p = g->problem;
    size_t at = (size_t)r * p->dims;
    double size = g->control[r].size;
    double slope = scaled_norm(p, g->k[0] + at, NULL, g->y + at);
    double bend = scaled_norm(p, g->k[1] + at, g->k[0] + at, g->y + at) / size;
    double most = fmax(slope, bend);
    double better = most <= 1e-15 ? fmax(1e-6, size * 1e-3) : pow(0.01 / most, 1 / ORDER);
    g->control[r].size = fmin(100 * size, better);
}

static bool begin(Group *g, int first, int rows, const double *y, Err *err)
{
    const OdeProblem *p = g->problem;
    g->rows = rows;
    g->direction = p->to > p->from ? 1 : -1;
    for (int r = 0; r < rows; r++) {
        g->row[r] = (OdeRow){.image = first + r, .step = 1, .time = p->from};
        g->control[r] = (Control){.time = p->from};
    }
    memcpy(g->y, y, (size_t)rows * p->dims * sizeof *y);
    if (!evaluate(g, g->y, g->k[0], err)) return false;
#pragma omp parallel for schedule(static) if (in_parallel(g))
    for (int r = 0; r < rows; r++) guess_step(g, r);
    if (!evaluate(g, g->trial, g->k[1], err)) return false;
#pragma omp parallel for schedule(static) if (in_parallel(g))
    for (int r = 0; r < rows; r++) correct_guess(g, r);
    return true;
}

static bool say_unfinished(const Group *g, int r, const char *why, Err *err)
{
    const OdeProblem *p = g->problem;
    long calls = g->control[r].cost.calls;
    char time[64];
    if (p->name_time)
        p->name_time(p->context, g->control[r].time, time, sizeof time);
    else
        snprintf(time, sizeof time, "time %g", g->control[r].time);
    return err_set(err, ERR_LIMIT,
                   "%s: image %d of the batch has come to %s with %ld network call%s and tolerance "
                   "%g, and %s; a larger tolerance or a larger limit of calls may finish it",
                   p->name, g->row[r].image, time, calls, calls == 1 ? "" : "s", p->rtol, why);
}

/* Lays out the next step of each image; false where one may not go on. */
static bool plan_steps(Group *g, Err *err)
{
    const OdeProblem *p = g->problem;
    for (int r = 0; r < g->rows; r++) {
        Control *c = &g->control[r];
        double least = 10 * fabs(nextafter(c->time, p->to) - c->time);
        if (c->cost.calls + STAGES - 1 > p->call_limit - p->calls_kept) {
            char why[80];
            snprintf(why, sizeof why, "the limit of %ld call%s allows no further step",
                     p->call_limit, p->call_limit == 1 ? "" : "s");
            return say_unfinished(g, r, why, err);
        }
        if (c->size < least)
            return say_unfinished(g, r, "no step is small enough to keep to it", err);
        c->arrival = c->time + g->direction * c->size;
        if (g->direction * (c->arrival - p->to) > 0) c->arrival = p->to;
        c->length = c->arrival - c->time;
        g->row[r].step = c->cost.accepted + c->cost.rejected + 1;
    }
    return true;
}

/* trial = y + length * sum of WEIGHT[stage][j] k_j */
static void fill_trial(Group *g, int r, int stage)
{
    size_t at = (size_t)r * g->problem->dims, end = at + g->problem->dims;
    double h = g->control[r].length;
    for (size_t i = at; i < end; i++) {
        double slope = 0;
        for (int j = 0; j < stage; j++) slope += WEIGHT[stage][j] * g->k[j][i];
        g->trial[i] = g->y[i] + h * slope;
    }
    g->row[r].time =
        stage >= STAGES - 2 ? g->control[r].arrival : g->control[r].time + NODE[stage] * h;
}

static double error_norm(const Group *g, int r)
{
    const OdeProblem *p = g->problem;
    size_t at = (size_t)r * p->dims, end = at + p->dims;
    double h = g->control[r].length, sum = 0;
    for (size_t i = at; i < end; i++) {
        double slope = 0;
        for (int j = 0; j < STAGES; j++) slope += ERROR[j] * g->k[j][i];
        double value = h * slope / scale_of(p, fmax(fabs(g->y[i]), fabs(g->trial[i])));
        sum += value * value;
    }
    return sqrt(sum / (double)p->dims);
}

/* Takes the tried step or refuses it, and sets the size of the next. A norm that is not finite
 * refuses. */
static void judge(Group *g, int r)
{
    const OdeProblem *p = g->problem;
    Control *c = &g->control[r];
    size_t at = (size_t)r * p->dims;
    double norm = error_norm(g, r);
    double factor = norm == 0 ? GROW_MOST : SAFETY * pow(norm, -1 / ORDER);
    if (!(norm < 1)) {
        c->size = fabs(c->length) * fmax(SHRINK_MOST, factor);
        c->retry = true;
        c->cost.rejected++;
        return;
    }
    c->size = fabs(c->length) * fmin(c->retry ? 1 : GROW_MOST, factor);
    c->retry = false;
    c->time = c->arrival;
    c->cost.accepted++;
    memcpy(g->y + at, g->trial + at, p->dims * sizeof *g->y);
    memcpy(g->k[0] + at, g->k[STAGES - 1] + at, p->dims * sizeof *g->y);
}

static bool try_steps(Group *g, Err *err)
{
    if (!plan_steps(g, err)) return false;
    for (int stage = 1; stage < STAGES; stage++) {
#pragma omp parallel for schedule(static) if (in_parallel(g))
        for (int r = 0; r < g->rows; r++) fill_trial(g, r, stage);
        if (!evaluate(g, g->trial, g->k[stage], err)) return false;
    }
#pragma omp parallel for schedule(static) if (in_parallel(g))
    for (int r = 0; r < g->rows; r++) judge(g, r);
    return true;
}

/* Hands out the images that have arrived; the others close ranks. */
static void release(Group *g, double *y, OdeCost *cost)
{
    const OdeProblem *p = g->problem;
    size_t bytes = p->dims * sizeof *y;
    int kept = 0;
    for (int r = 0; r < g->rows; r++) {
        size_t from = (size_t)r * p->dims, to = (size_t)kept * p->dims;
        int image = g->row[r].image;
        if (cost) cost[image] = g->control[r].cost;
        if (p->most_calls && g->control[r].cost.calls > *p->most_calls)
            *p->most_calls = g->control[r].cost.calls;
        if (g->control[r].time == p->to) {
            memcpy(y + (size_t)image * p->dims, g->y + from, bytes);
            continue;
        }
        if (kept < r) {
            memcpy(g->y + to, g->y + from, bytes);
            memcpy(g->k[0] + to, g->k[0] + from, bytes);
            g->row[kept] = g->row[r];
            g->control[kept] = g->control[r];
        }
        kept++;
    }
    g->rows = kept;
}

bool ode_solve(const OdeProblem *p, int count, double *y, double *scratch, OdeCost *cost, Err *err)
{
    CHECK(p->rtol > 0 && p->atol > 0 && isfinite(p->from) && isfinite(p->to) && p->from != p->to);
    if (p->most_calls) *p->most_calls = 0;
    for (int first = 0; first < count; first += ODE_GROUP) {
        int rows = count - first < ODE_GROUP ? count - first : ODE_GROUP;
        size_t values = (size_t)rows * p->dims;
        Group g = {.problem = p, .y = scratch, .trial = scratch + values};
        for (int stage = 0; stage < STAGES; stage++)
            g.k[stage] = scratch + (size_t)(2 + stage) * values;
        if (!begin(&g, first, rows, y + (size_t)first * p->dims, err)) return false;
        release(&g, y, cost);
        while (g.rows > 0) {
            if (!try_steps(&g, err)) return false;
            release(&g, y, cost);
        }
    }
    return true;
}
