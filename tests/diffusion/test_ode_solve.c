/* The adaptive solver against equations with known solutions, and against the published numbers of
 * calls of the same pair with the same step control. */

#include "diffusion/ode_solve.h"
#include "diffusion/process.h"
#include "processes.h"
#include "test.h"

static bool solve(const OdeProblem *p, int count, double *y, OdeCost *cost, Err *err)
{
    double *scratch = malloc(ode_scratch(count, p->dims) * sizeof *scratch);
    bool ok = ode_solve(p, count, y, scratch, cost, err);
    free(scratch);
    return ok;
}

/* A turning wheel whose speed is the image's number + 1, times 1 + t: the angle at t is
 * (image + 1) (t + t^2/2). */
static bool wheel(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                  Err *err)
{
    (void)err;
    const int *first = context;
    for (int r = 0; r < count; r++) {
        double speed = (rows[r].image + (first ? *first : 0) + 1) * (1 + rows[r].time);
        dy[2 * r] = -speed * y[2 * r + 1];
        dy[2 * r + 1] = speed * y[2 * r];
    }
    return true;
}

static OdeProblem wheels(double from, double to, double tolerance)
{
    return (OdeProblem){.name = "wheel",
                        .dims = 2,
                        .derivative = wheel,
                        .from = from,
                        .to = to,
                        .rtol = tolerance,
                        .atol = tolerance,
                        .call_limit = 100000};
}

static void wheels_at(double time, int count, double *y)
{
    for (int i = 0; i < count; i++) {
        double angle = (i + 1) * (time + time * time / 2);
        y[2 * i] = cos(angle);
        y[2 * i + 1] = sin(angle);
    }
}

TEST(solutions_are_right_to_the_tolerance_in_both_directions)
{
    enum { COUNT = 7 };
    double last = 1;
    for (double tolerance = 1e-3; tolerance > 1e-12; tolerance /= 10) {
        double y[2 * COUNT], end[2 * COUNT], worst = 0;
        OdeProblem there = wheels(0, 1, tolerance), back = wheels(1, 0, tolerance);
        wheels_at(0, COUNT, y);
        EXPECT(solve(&there, COUNT, y, NULL, NULL));
        wheels_at(1, COUNT, end);
        for (int i = 0; i < 2 * COUNT; i++) worst = test_larger(worst, fabs(y[i] - end[i]));
        EXPECT(worst < 30 * tolerance);
        EXPECT(worst < last / 3); /* a fifth-order method: about 10 */
        last = worst;
        EXPECT(solve(&back, COUNT, end, NULL, NULL));
        wheels_at(0, COUNT, y);
        for (int i = 0; i < 2 * COUNT; i++) EXPECT_NEAR(end[i], y[i], 30 * tolerance);
    }
}

TEST(calls_are_counted_and_grow_with_the_work_of_each_image)
{
    enum { COUNT = 5 };
    double y[2 * COUNT];
    OdeCost cost[COUNT];
    OdeProblem p = wheels(0, 1, 1e-6);
    wheels_at(0, COUNT, y);
    EXPECT(solve(&p, COUNT, y, cost, NULL));
    for (int i = 0; i < COUNT; i++) {
        EXPECT_INT(cost[i].calls, 2 + 6 * (cost[i].accepted + cost[i].rejected));
        if (i > 0) EXPECT(cost[i].calls > cost[i - 1].calls);
    }
}

/* Probability flow and its likelihood, as the state (x, ln p), of data N(0.5, 0.0625) from time
 * 1e-5 to 1. */
static bool flow(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                 Err *err)
{
    (void)err;
    const Process *process = context;
    for (int r = 0; r < count; r++) {
        NoiseLevel level = process_level(process, rows[r].time);
        Drift d = process_drift(process, rows[r].time);
        double variance = level.alpha * level.alpha * 0.0625 + level.sigma * level.sigma;
        double score = -(y[2 * r] - 0.5 * level.alpha) / variance;
        dy[2 * r] = d.f * y[2 * r] - 0.5 * d.g2 * score;
        dy[2 * r + 1] = d.f + 0.5 * d.g2 / variance;
    }
    return true;
}

TEST(calls_and_steps_are_those_of_the_published_solver)
{
    static const struct {
        ProcessKind kind;
        double log_density;
        int calls, rejected;
    } rows[] = {{PROCESS_VP, 0.149982, 50, 0}, {PROCESS_SUBVP, 0.149967, 68, 2}};
    for (int k = 0; k < 2; k++) {
        NoiseConfig config = {
            .kind = rows[k].kind, .beta_min = 0.1, .beta_max = 20, .time_min = 1e-5};
        Process process = process_of(&config);
        OdeProblem p = {.name = "flow",
                        .context = &process,
                        .dims = 2,
                        .derivative = flow,
                        .from = 1e-5,
                        .to = 1,
                        .rtol = 1e-5,
                        .atol = 1e-5,
                        .call_limit = 1000};
        double y[2] = {0.3, 0};
        OdeCost cost;
        EXPECT(solve(&p, 1, y, &cost, NULL));
        double prior = -0.5 * (y[0] * y[0] + log(8 * atan(1)));
        EXPECT_NEAR(prior + y[1], rows[k].log_density, 6e-7);
        EXPECT_INT(cost.calls, rows[k].calls);
        EXPECT_INT(cost.rejected, rows[k].rejected);
    }
}

/* An equation with two narrow places, where steps are refused. */
static bool bumps(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                  Err *err)
{
    (void)context, (void)err;
    for (int r = 0; r < count; r++) {
        double t = rows[r].time, narrow = (t - 0.5) / 0.02, near = t - 0.8;
        dy[2 * r] = -y[2 * r] * (1 + 50 * exp(-narrow * narrow) * sin(40 * t));
        dy[2 * r + 1] = y[2 * r] * cos(3 * t) / (0.01 + near * near);
    }
    return true;
}

/* The rows are scipy 1.17's, solve_ivp with RK45. */
TEST(calls_steps_and_values_are_those_of_scipy_where_steps_are_refused)
{
    static const struct {
        double tolerance, from;
        int calls, accepted, rejected;
        double y[2];
    } rows[] = {
        {1e-3, 0, 86, 9, 5, {0.09269492963184868, -0.8088729017893433}},
        {1e-3, 1, 56, 6, 3, {2.68017672546487, 17.22308709081227}},
        {1e-5, 0, 140, 17, 6, {0.0926534147345844, -0.7799171234318109}},
        {1e-5, 1, 170, 21, 7, {10.793545538319472, 10.775186806151893}},
        {1e-8, 0, 452, 60, 15, {0.09265250232730446, -0.7798637524578625}},
        {1e-8, 1, 482, 67, 13, {10.793016386951269, 10.775686126485889}},
    };
    for (int r = 0; r < 6; r++) {
        OdeProblem p = {.name = "bumps",
                        .dims = 2,
                        .derivative = bumps,
                        .from = rows[r].from,
                        .to = 1 - rows[r].from,
                        .rtol = rows[r].tolerance,
                        .atol = rows[r].tolerance,
                        .call_limit = 1000};
        double y[2] = {1, 0.2};
        OdeCost cost;
        EXPECT(solve(&p, 1, y, &cost, NULL));
        EXPECT_INT(cost.calls, rows[r].calls);
        EXPECT_INT(cost.accepted, rows[r].accepted);
        EXPECT_INT(cost.rejected, rows[r].rejected);
        for (int i = 0; i < 2; i++) EXPECT_NEAR(y[i], rows[r].y[i], 1e-10 * fabs(rows[r].y[i]));
    }
}

TEST(image_is_solved_the_same_alone_in_a_batch_and_with_any_threads)
{
    enum { COUNT = 2 * ODE_GROUP + 3 };
    static double batch[2 * COUNT], y[2 * COUNT];
    OdeProblem p = wheels(0, 0.05, 1e-5);
    FOR_THREADS(threads)
    {
        wheels_at(0, COUNT, y);
        EXPECT(solve(&p, COUNT, y, NULL, NULL));
        if (threads == 1) memcpy(batch, y, sizeof y);
        EXPECT_SAME(y, batch, sizeof y);
    }
    for (int image = 0; image < COUNT; image += 103) {
        double alone[2];
        wheels_at(0, 1, alone);
        p.context = &image;
        EXPECT(solve(&p, 1, alone, NULL, NULL));
        EXPECT_SAME(alone, batch + 2 * (size_t)image, sizeof alone);
    }
}

/* Threads share loops over images only from some size on. */
static bool decay(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                  Err *err)
{
    (void)context, (void)err;
    for (int r = 0; r < count; r++)
        for (int i = 0; i < 300; i++) {
            int at = 300 * r + i;
            dy[at] = -y[at] * (1 + rows[r].image % 5) * sin(rows[r].time + i);
        }
    return true;
}

TEST(large_states_do_not_depend_on_the_number_of_threads)
{
    enum { VALUES = 300 * 20 };
    static double first[VALUES], y[VALUES];
    OdeProblem p = {.name = "decay",
                    .dims = 300,
                    .derivative = decay,
                    .from = 0,
                    .to = 2,
                    .rtol = 1e-6,
                    .atol = 1e-6,
                    .call_limit = 1000};
    FOR_THREADS(threads)
    {
        for (int i = 0; i < VALUES; i++) y[i] = 1 + i % 7;
        EXPECT(solve(&p, 20, y, NULL, NULL));
        if (threads == 1) memcpy(first, y, sizeof y);
        EXPECT_SAME(y, first, sizeof y);
    }
    for (int at = 0; at < VALUES; at += 61) {
        int image = at / 300, i = at % 300;
        double want = (1 + at % 7) * exp((1 + image % 5) * (cos(2 + i) - cos(i)));
        EXPECT_NEAR(first[at] / want, 1, 1e-4);
    }
}

/* Falls from 0, and is not to be asked beyond `context`. */
static bool bounded(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                    Err *err)
{
    (void)y, (void)err;
    const double *end = context;
    for (int r = 0; r < count; r++) {
        EXPECT(rows[r].time >= 0 && rows[r].time <= *end);
        dy[r] = -1 - rows[r].time;
    }
    return true;
}

TEST(equation_is_asked_for_only_between_its_ends)
{
    for (double end = 1e-9; end < 1e4; end *= 100) {
        OdeProblem p = {.name = "bounded",
                        .context = &end,
                        .dims = 1,
                        .derivative = bounded,
                        .from = 0,
                        .to = end,
                        .rtol = 1e-4,
                        .atol = 1e-4,
                        .call_limit = 1000};
        double y[1] = {0};
        EXPECT(solve(&p, 1, y, NULL, NULL));
        EXPECT_NEAR(y[0], -end - end * end / 2, 1e-12 * (end + end * end));
    }
}

TEST(work_beyond_the_limit_of_calls_is_an_error_that_names_the_image)
{
    double y[4];
    Err err = {0};
    OdeProblem p = wheels(0, 1, 1e-6);
    OdeCost cost[2];
    wheels_at(0, 2, y);
    EXPECT(solve(&p, 2, y, cost, NULL));
    EXPECT(cost[1].calls > cost[0].calls);
    p.call_limit = cost[1].calls;
    wheels_at(0, 2, y);
    EXPECT(solve(&p, 2, y, NULL, NULL));
    p.call_limit = cost[1].calls - 1;
    wheels_at(0, 2, y);
    EXPECT_REFUSED(solve(&p, 2, y, NULL, &err), err, ERR_LIMIT, "wheel: image 1 of the batch");
    EXPECT_CONTAINS(err.text, "tolerance 1e-06");
    EXPECT_CONTAINS(err.text, "time 0.");
    char limit[64];
    snprintf(limit, sizeof limit, "limit of %ld calls", p.call_limit);
    EXPECT_CONTAINS(err.text, limit);
    EXPECT_INT(err_exit_code(err.kind), 1);
}

/* y' = y^2 leaves for infinity at time 1. */
static bool explode(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                    Err *err)
{
    (void)context, (void)rows, (void)err;
    for (int r = 0; r < count; r++) dy[r] = y[r] * y[r];
    return true;
}

static void name_in_hours(const void *context, double time, char *text, size_t size)
{
    (void)context;
    snprintf(text, size, "%.3f hours", time);
}

TEST(solution_that_ends_before_the_goal_is_an_error_that_names_the_time)
{
    OdeProblem p = {.name = "explosion",
                    .dims = 1,
                    .derivative = explode,
                    .name_time = name_in_hours,
                    .from = 0,
                    .to = 2,
                    .rtol = 1e-6,
                    .atol = 1e-6,
                    .call_limit = 1000000};
    double y[1] = {1};
    Err err = {0};
    EXPECT_REFUSED(solve(&p, 1, y, NULL, &err), err, ERR_LIMIT,
                   "explosion: image 0 of the batch has come to 1.000 hours");
    EXPECT_CONTAINS(err.text, "no step is small enough");
}

static bool fails_late(void *context, int count, const OdeRow *rows, const double *y, double *dy,
                       Err *err)
{
    (void)context;
    for (int r = 0; r < count; r++) {
        dy[r] = -y[r];
        if (rows[r].step == 3)
            return err_set(err, ERR_DIVERGED, "image %d fails in step 3", rows[r].image);
    }
    return true;
}

TEST(errors_of_the_derivative_come_through)
{
    OdeProblem p = {.name = "failure",
                    .dims = 1,
                    .derivative = fails_late,
                    .from = 0,
                    .to = 5,
                    .rtol = 1e-6,
                    .atol = 1e-6,
                    .call_limit = 1000};
    double y[2] = {1, 2};
    Err err = {0};
    EXPECT(!solve(&p, 2, y, NULL, &err));
    EXPECT_INT(err.kind, ERR_DIVERGED);
    EXPECT_TEXT(err.text, "image 0 fails in step 3");
    EXPECT(!solve(&p, 2, y, NULL, NULL));
}
