/* The divergence of a flow by random probes. */
#include "diffusion/protocol.h"
#include "processes.h"
#include "test.h"

static LikelihoodRun flow(const Process *p, double tolerance)
{
    return (LikelihoodRun){
        .process = p, .probes = 1, .draws = 1, .tolerance = tolerance, .call_limit = 10000};
}

/* ---- probes ---- */

/* Data N(0, A), A with eigenvalues `spread` along (c, s) and `narrow` across. */
typedef struct {
    double c, s, spread, narrow;
} Rotated;

/* The Jacobian of eps at a level: sigma (alpha^2 A + sigma^2 I)^-1. */
static void rotated_jacobian(const Rotated *a, NoiseLevel l, double j[2][2])
{
    double noise = l.sigma * l.sigma, power = l.alpha * l.alpha;
    double along = l.sigma / (power * a->spread + noise);
    double across = l.sigma / (power * a->narrow + noise);
    j[0][0] = along * a->c * a->c + across * a->s * a->s;
    j[1][1] = along * a->s * a->s + across * a->c * a->c;
    j[0][1] = j[1][0] = (along - across) * a->c * a->s;
}

static bool rotated_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, const double *v, double *eps, double *jtv, Err *err)
{
    (void)err;
    for (int i = 0; i < count; i++) {
        double j[2][2];
        rotated_jacobian(context, levels[i * stride], j);
        for (int k = 0; k < 2; k++) {
            eps[2 * i + k] = j[k][0] * x[2 * i] + j[k][1] * x[2 * i + 1];
            jtv[2 * i + k] = j[0][k] * v[2 * i] + j[1][k] * v[2 * i + 1];
        }
    }
    return true;
}

/* Of random signs, e^T J e = trace J + 2 e1 e2 J12: in the plane it takes two values, one with each
 * probability, whose mean is the trace. So a solve's ln p is one of two, and their distance is
 * fixed by the integral of the off-diagonal element. */
TEST(probes_are_unbiased_and_have_the_variance_of_the_off_diagonal_elements)
{
    enum { PROBES = 800, PARTS = 20000 };
    Rotated a = {.c = 0.8, .s = 0.6, .spread = 0.25, .narrow = 0.01};
    Denoiser d = {.context = &a, .dims = 2, .predict_vjp = rotated_vjp};
    Process p = process_of(&every_process[PROCESS_VP]);
    LikelihoodRun run = flow(&p, 1e-8);
    run.probes = PROBES;
    double x[2] = {0.3, -0.2}, log_p[PROBES], off = 0;
    uint64_t seed = 3, draw = 0;
    EXPECT(flow_log_density(&run, &d, 1, x, &seed, &draw, log_p, NULL, NULL));
    /* The midpoint rule in ln t, where the velocity is spread evenly. */
    double first = log(p.time_min), h = -first / PARTS;
    for (int i = 0; i < PARTS; i++) {
        double t = exp(first + (i + 0.5) * h), j[2][2];
        NoiseLevel level = process_level(&p, t);
        rotated_jacobian(&a, level, j);
        off += h * t * 0.5 * process_drift(&p, t).g2 / level.sigma * j[0][1];
    }
    double start[2] = {0.3, -0.2}, u[2], along = a.c * start[0] + a.s * start[1];
    double across = a.c * start[1] - a.s * start[0];
    u[0] = along / sqrt(a.spread), u[1] = across / sqrt(a.narrow);
    double truth = gaussian_log_density(u, 2, 1) - 0.5 * log(a.spread * a.narrow);
    double mean = 0, square = 0;
    for (int i = 0; i < PROBES; i++) {
        EXPECT_NEAR(fabs(log_p[i] - truth), fabs(2 * off), 0.02);
        mean += log_p[i] / PROBES;
        square += (log_p[i] - truth) * (log_p[i] - truth) / PROBES;
    }
    EXPECT(fabs(off) > 0.5);
    EXPECT_NEAR(mean, truth, 4 * fabs(2 * off) / sqrt(PROBES) + 0.02);
    /* 2 sum over i != j of J_ij^2 is, in the plane, (2 J12)^2. */
    EXPECT_NEAR(square / (4 * off * off), 1, 0.02);
}

TEST(signs_are_fair_and_differ_by_seed_draw_and_probe)
{
    enum { N = 10000 };
    static double e[5][N];
    probe_signs(e[0], N, 1, 0, 0);
    probe_signs(e[1], N, 2, 0, 0);
    probe_signs(e[2], N, 1, 1, 0);
    probe_signs(e[3], N, 1, 0, 1);
    probe_signs(e[4], 333, 1, 0, 0);
    EXPECT_SAME(e[4], e[0], 333 * sizeof(double));
    for (int a = 0; a < 4; a++) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            EXPECT(e[a][i] == 1 || e[a][i] == -1);
            sum += e[a][i];
        }
        EXPECT_NEAR(sum / N, 0, 5 / sqrt(N));
        for (int b = 0; b < a; b++) {
            double product = 0;
            for (int i = 0; i < N; i++) product += e[a][i] * e[b][i];
            EXPECT_NEAR(product / N, 0, 5 / sqrt(N));
        }
    }
}
