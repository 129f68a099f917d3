/* The MLP: its formula, its four passes, its names. */
#include "net/mlp.h"

#include "base/parallel.h"
#include "net_case.h"

static void declare(NetCase *c, ParamTable *table, const MlpConfig *m, int batch)
{
    *table = (ParamTable){0};
    Net *net = net_new(table, batch);
    *c = (NetCase){.table = table, .net = net, .label = -1};
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
        ParamTable table;
        NetCase c;
        declare(&c, &table, &m, 5);
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
        ParamTable table;
        NetCase c;
        declare(&c, &table, &m, 3);
        case_begin(&c, NET_SECOND);
        float *grads = test_floats(table.block_floats), *second = test_floats(table.block_floats);
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
    ParamTable table;
    NetCase c, alone;
    declare(&c, &table, &m, 37);
    case_begin(&c, NET_INFER);
    alone = (NetCase){.table = &table, .net = net_new(&table, 1), .label = -1};
    alone.x = net_input(alone.net, 1, 1, 2, true);
    alone.t = net_input(alone.net, 1, 1, 1, false);
    alone.y = mlp_declare(alone.net, &m, alone.x, alone.t);
    net_set_output(alone.net, alone.y);
    Err err = {0};
    EXPECT(net_plan(alone.net, NET_INFER, &err));
    FOR_THREADS(threads)
    {
        EXPECT(threads > 0);
        net_forward(c.net, c.weights);
        for (int n = 0; n < 37; n++) {
            memcpy(net_value(alone.net, alone.x), net_value(c.net, c.x) + 2 * n, 2 * sizeof(float));
            net_value(alone.net, alone.t)[0] = net_value(c.net, c.t)[n];
            net_forward(alone.net, c.weights);
            EXPECT_SAME(net_value(alone.net, alone.y), net_value(c.net, c.y) + 2 * n,
                        2 * sizeof(float));
        }
    }
    net_free(alone.net);
    case_end(&c);
}

TEST(a_fresh_network_says_zero_and_has_the_parameters_of_the_formula)
{
    MlpConfig m = small(TIME_FOURIER);
    m.zero_init = true;
    ParamTable table;
    NetCase c;
    declare(&c, &table, &m, 2);
    case_begin(&c, NET_INFER);
    params_init(&table, c.weights, 3);
    net_forward(c.net, c.weights);
    for (int i = 0; i < 4; i++) EXPECT(net_value(c.net, c.y)[i] == 0.0f);
    int time = 5 + 2 * (10 * 10 + 10), modulation = 2 * (10 * 20 + 20);
    EXPECT_INT((long long)table.parameters,
               time + modulation + (2 * 10 + 10) + (10 * 10 + 10) + (10 * 2 + 2));
    case_end(&c);
}

TEST(settings_out_of_range_are_refused_by_name)
{
    MlpConfig good = small(TIME_POSITIONAL), m;
    Err err = {0};
    EXPECT(mlp_config_check(&good, &err));
    m = good;
    m.dims = 0;
    EXPECT(!mlp_config_check(&m, &err));
    EXPECT_TEXT(err.text, "an MLP's dims must be in 1..1024, got 0");
    m = good;
    m.width = 4098;
    EXPECT(!mlp_config_check(&m, &err));
    EXPECT_TEXT(err.text, "an MLP's width must be in 1..4096, got 4098");
    m = good;
    m.layers = -1;
    EXPECT_FAILS(mlp_config_check(&m, &err), err, "layers must be in 1..64, got -1");
    m = good;
    m.fourier_scale = (double)NAN;
    EXPECT_FAILS(mlp_config_check(&m, &err), err,
                 "fourier_scale must be above 0 and at most 1000, got nan");
    EXPECT_INT(err.kind, ERR_USAGE);
}
