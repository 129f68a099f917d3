/* The MLP: its formula, its four passes, its names. */
#include "net/networks.h"

#include "base/parallel.h"
#include "net_case.h"

static void declare(NetCase *c, const MlpConfig *m, int batch, const NetCase *first)
{
    Net *net = case_new(c, batch, first);
    c->x = net_input(net, 1, 1, m->dims, true);
    c->t = net_input(net, 1, 1, 1, false);
    Err err = {0};
    EXPECT_OK(mlp_config_check(m, &err), err);
    c->y = mlp_declare(net, m, c->x, c->t);
    net_set_output(net, c->y);
}

static MlpConfig small(TimeFeatureKind kind)
{
    MlpConfig m;
    mlp_config_defaults(&m);
    m.dims = 2;
    m.width = 10;
    m.layers = 2;
    m.time_kind = kind;
    m.zero_init = false;
    return m;
}

/* out[k] = bias[k] + sum_c weight[c][k] in[c], by the parameter's name. */
static void reference_linear(const NetCase *c, const char *name, const double *in, double *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    int w = params_find(c->table, full);
    snprintf(full, sizeof full, "%s.bias", name);
    int b = params_find(c->table, full);
    if (!EXPECT(w >= 0 && b >= 0)) abort();
    int K = c->table->info[w].shape[0], C = c->table->info[w].shape[1];
    for (int k = 0; k < K; k++) {
        out[k] = (double)c->weights[c->table->info[b].offset + (size_t)k];
        for (int i = 0; i < C; i++)
            out[k] += (double)c->weights[c->table->info[w].offset + (size_t)(i * K + k)] * in[i];
    }
}

static void reference_silu(double *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = x[i] / (1 + exp(-x[i]));
}

/* The header's formula for one point. */
static void reference(const NetCase *c, const MlpConfig *m, const float *x, double t, double *y)
{
    enum { MOST = 64 };
    double e[MOST], f[MOST], h[MOST], u[MOST], scale_shift[2 * MOST];
    int half = m->width / 2;
    int frequencies = params_find(c->table, "time.features.weight");
    for (int i = 0; i < half; i++) {
        double angle = t * exp(-log(10000.0) * i / half);
        if (m->time_kind == TIME_FOURIER)
            angle = 2 * 3.14159265358979323846 * log(t) *
                    (double)c->weights[c->table->info[frequencies].offset + (size_t)i];
        f[i] = sin(angle);
        f[half + i] = cos(angle);
    }
    reference_linear(c, "time.linear_1", f, e);
    reference_silu(e, m->width);
    reference_linear(c, "time.linear_2", e, f);
    reference_silu(f, m->width);
    for (int d = 0; d < m->dims; d++) h[d] = (double)x[d];
    for (int l = 0; l < m->layers; l++) {
        char name[64];
        snprintf(name, sizeof name, "layers.%d.linear", l);
        reference_linear(c, name, h, u);
        snprintf(name, sizeof name, "layers.%d.time", l);
        reference_linear(c, name, f, scale_shift);
        for (int i = 0; i < m->width; i++)
            u[i] = u[i] * (1 + scale_shift[i]) + scale_shift[m->width + i];
        reference_silu(u, m->width);
        for (int i = 0; i < m->width; i++) h[i] = l == 0 ? u[i] : u[i] + h[i];
    }
    reference_linear(c, "output", h, y);
    for (int d = 0; d < m->dims; d++)
        if (m->time_kind == TIME_FOURIER) y[d] /= t;
}

TEST(forward_is_the_formula)
{
    for (int kind = 0; kind < 2; kind++) {
        MlpConfig m = small(kind ? TIME_FOURIER : TIME_POSITIONAL);
        NetCase c;
        declare(&c, &m, 5, NULL);
        case_begin(&c, NET_INFER);
        float expected[10];
        for (int n = 0; n < 5; n++) {
            double y[2];
            reference(&c, &m, net_value(c.net, c.x) + 2 * n, (double)net_value(c.net, c.t)[n], y);
            for (int d = 0; d < 2; d++) expected[2 * n + d] = (float)y[d];
        }
        net_forward(c.net, c.weights);
        EXPECT_CLOSE(net_value(c.net, c.y), expected, 10, 2e-6);
        case_end(&c);
    }
}

TEST(all_four_passes_are_right)
{
    for (int kind = 0; kind < 2; kind++) {
        MlpConfig m = small(kind ? TIME_FOURIER : TIME_POSITIONAL);
        NetCase c;
        declare(&c, &m, 3, NULL);
        case_begin(&c, NET_SECOND);
        float *grads = test_floats(c.table->block_floats),
              *second = test_floats(c.table->block_floats);
        case_backward(&c, c.weights, grads);
        case_tangent(&c, c.weights);
        case_expect_adjoint(&c, 0);
        case_expect_gradients(&c, case_loss, grads, 1e-3);
        case_backward2(&c, c.weights, second);
        case_expect_gradients(&c, case_second_loss, second, 1e-3);
        case_end(&c);
    }
}

TEST(a_point_has_the_same_bits_in_every_batch_and_with_every_number_of_threads)
{
    MlpConfig m = small(TIME_FOURIER);
    m.width = 64;
    parallel_set_threads(8);
    NetCase c, alone;
    declare(&c, &m, 37, NULL);
    case_begin(&c, NET_INFER);
    declare(&alone, &m, 1, &c);
    case_begin(&alone, NET_INFER);
    FOR_THREADS(threads)
    {
        EXPECT(threads > 0);
        net_forward(c.net, c.weights);
        for (size_t n = 0; n < 37; n++) {
            case_take_image(&alone, &c, n);
            EXPECT_SAME(case_forward(&alone, c.weights), net_value(c.net, c.y) + 2 * n,
                        2 * sizeof(float));
        }
    }
    case_end(&alone);
    case_end(&c);
}

TEST(a_fresh_network_says_zero_and_has_the_parameters_of_the_formula)
{
    MlpConfig m = small(TIME_FOURIER);
    m.zero_init = true;
    NetCase c;
    declare(&c, &m, 2, NULL);
    case_begin(&c, NET_INFER);
    params_init(c.table, c.weights, 3);
    net_forward(c.net, c.weights);
    for (int i = 0; i < 4; i++) EXPECT(net_value(c.net, c.y)[i] == 0.0f);
    int time = 5 + 2 * (10 * 10 + 10), modulation = 2 * (10 * 20 + 20);
    EXPECT_INT((long long)c.table->parameters,
               time + modulation + (2 * 10 + 10) + (10 * 10 + 10) + (10 * 2 + 2));
    case_end(&c);
}

TEST(settings_out_of_range_are_refused_by_name)
{
    MlpConfig good = small(TIME_POSITIONAL), m[4] = {good, good, good, good};
    static const char *const words[4] = {"dims is 0; it must be 1 to 1024",
                                         "width is 4098; it must be 1 to 4096",
                                         "number of layers is -1; it must be 1 to 64",
                                         "fourier_scale is nan; it must be above 0 and at most"};
    Err err = {0};
    EXPECT(mlp_config_check(&good, &err));
    m[0].dims = 0;
    m[1].width = 4098;
    m[2].layers = -1;
    m[3].fourier_scale = (double)NAN;
    for (int i = 0; i < 4; i++)
        EXPECT_REFUSED(mlp_config_check(&m[i], &err), err, ERR_USAGE, words[i]);
}
