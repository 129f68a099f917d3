/* U-Nets against diffusers and PyTorch. */
#include "base/mem.h"
#include "unet_case.h"
#include "unet_rule.h"

/* ---- conformance vectors ---- */

typedef struct {
    int size, tensors;
    size_t parameters;
    float t;
    double sum, sum_abs, first[6], last[2];
} Vector;

/* The sums of the values and of their sizes, to 1e-5 of the latter. */
static void expect_sums(const float *y, size_t n, double sum, double sum_abs)
{
    double got = 0, got_abs = 0;
    for (size_t i = 0; i < n; i++) {
        got += (double)y[i];
        got_abs += fabs((double)y[i]);
    }
    EXPECT_NEAR(got, sum, 1e-5 * sum_abs);
    EXPECT_NEAR(got_abs, sum_abs, 1e-5 * sum_abs);
}

static void expect_vector(const UNetConfig *u, const Vector *v)
{
    NetCase c;
    declare(&c, u, 1, v->size, false);
    EXPECT_INT(c.table->count, v->tensors);
    EXPECT_INT((long long)c.table->parameters, (long long)v->parameters);
    case_begin(&c, NET_INFER);
    fill_by_rule(c.table, c.weights, 0.0);
    fill_wave(c.net, c.x, net_value(c.net, c.x), sin, 0.1, 0.0);
    net_value(c.net, c.t)[0] = v->t;
    net_forward(c.net, c.weights);
    float *y = test_floats(c.y_floats);
    to_nchw(c.net, c.y, y, net_value(c.net, c.y));
    expect_sums(y, c.y_floats, v->sum, v->sum_abs);
    double scale = v->sum_abs / (double)c.y_floats; /* the size of one value */
    for (int i = 0; i < 6; i++)
        EXPECT_NEAR((double)y[i], v->first[i], 1e-5 * fmax(scale, fabs(v->first[i])));
    for (int i = 0; i < 2; i++)
        EXPECT_NEAR((double)y[c.y_floats - 2 + (size_t)i], v->last[i],
                    1e-5 * fmax(scale, fabs(v->last[i])));
    case_end(&c);
}

TEST(output_matches_diffusers_for_a_default_configuration)
{
    const Vector v = {8,
                      144,
                      45259,
                      10.0f,
                      -84.985389,
                      287.556890,
                      {-0.322788, -0.868698, -1.399261, -1.776119, -1.892551, -1.706983},
                      {-0.835239, -0.531319}};
    UNetConfig u = tiny();
    expect_vector(&u, &v);
}

TEST(output_matches_diffusers_for_a_configuration_like_googles)
{
    const Vector v = {16,
                      268,
                      103875,
                      500.0f,
                      -36.596497,
                      586.818194,
                      {0.557162, 0.911012, 1.010674, 0.934995, 0.797174, 0.655773},
                      {0.618458, 0.408801}};
    UNetConfig u = tiny();
    u.levels = 3;
    u.block_channels[2] = 16;
    u.layers_per_block = 2;
    u.up_attention[0] = false;
    u.up_attention[1] = true;
    u.groups = 8;
    u.eps = 1e-6;
    u.head_dim = 0;
    u.downsample_padding = 0;
    u.flip_sin_to_cos = false;
    u.freq_shift = 1.0;
    expect_vector(&u, &v);
}

/* ---- against PyTorch ---- */

static void golden_config(const char *name, UNetConfig *u)
{
    *u = tiny();
    if (strcmp(name, "google") == 0) {
        u->head_dim = 0;
        u->eps = 1e-6;
        u->downsample_padding = 0;
        u->flip_sin_to_cos = false;
        u->freq_shift = 1.0;
        u->layers_per_block = 2;
        u->down_attention[0] = u->up_attention[1] = true;
        u->down_attention[1] = u->up_attention[0] = false;
    } else if (strcmp(name, "rich") == 0) {
        u->in_channels = 1;
        u->out_channels = 2;
        u->head_dim = 3;
        u->attn_groups = 2;
        u->mid_scale = 1.41421356237;
        u->center_input = true;
        u->time_kind = TIME_FOURIER;
        u->scale_shift = true;
        u->classes = 3;
    } else if (strcmp(name, "normless") == 0) {
        u->levels = 1;
        u->down_attention[1] = u->up_attention[0] = false;
        u->scale_shift = true;
        u->groups = 2;
    } else if (strcmp(name, "bare") == 0) {
        u->mid_block = false;
        u->down_attention[1] = u->up_attention[0] = false;
    }
}

/* One tensor against the line NORM DOT FIRST LAST of the golden file. */
static void expect_line(const char *kind, const char *name, const float *g, size_t n,
                        const double want[4], double floor)
{
    double dot = 0, norm = sqrt(test_dot(g, g, n));
    for (size_t i = 0; i < n; i++) dot += (double)g[i] * cos(0.37 * (double)i + 0.1);
    double tolerance = 2e-5 * fmax(want[0], floor);
    bool ok = EXPECT_NEAR(norm, want[0], tolerance);
    ok = EXPECT_NEAR(dot, want[1], tolerance * 3) && ok;
    ok = EXPECT_NEAR((double)g[0], want[2], tolerance) && ok;
    ok = EXPECT_NEAR((double)g[n - 1], want[3], tolerance) && ok;
    if (!ok) printf("  in %s %s of %zu values\n", kind, name, n);
}

typedef struct {
    NetCase c;
    float *grad, *second, *dx, *mx; /* dx and mx in [N,C,H,W] */
} Golden;

static void golden_begin(Golden *g, const char *name)
{
    UNetConfig u;
    golden_config(name, &u);
    const double square = 0.37;
    NetCase *c = &g->c;
    declare(c, &u, 2, 8, true);
    case_begin(c, NET_SECOND);
    fill_by_rule(g->c.table, c->weights, square);
    fill_wave(c->net, c->x, net_value(c->net, c->x), sin, 0.1, square);
    fill_wave(c->net, c->x, c->r, cos, 0.23, square);
    fill_wave(c->net, c->y, c->ly, cos, 0.17, square);
    fill_wave(c->net, c->y, c->my, sin, 0.29, square);
    bool fourier = u.time_kind == TIME_FOURIER;
    net_value(c->net, c->t)[0] = fourier ? 3.5f : 10.0f;
    net_value(c->net, c->t)[1] = fourier ? 0.25f : 731.0f;
    if (c->label >= 0) {
        net_value(c->net, c->label)[0] = 2.0f;
        net_value(c->net, c->label)[1] = 0.0f;
    }
    g->grad = test_floats(g->c.table->block_floats);
    g->second = test_floats(g->c.table->block_floats);
    g->dx = test_floats(c->x_floats);
    g->mx = test_floats(c->x_floats);
    case_backward(c, c->weights, g->grad);
    to_nchw(c->net, c->x, g->dx, net_gradient(c->net, c->x));
    case_backward2(c, c->weights, g->second);
    to_nchw(c->net, c->x, g->mx, net_gradient2(c->net, c->x));
}

static void golden_line(Golden *g, const char *kind, const char *name, const double want[4])
{
    bool first = strcmp(kind, "grad") == 0;
    const float *block = first ? g->grad : g->second;
    if (strcmp(name, "input") == 0) {
        expect_line(kind, name, first ? g->dx : g->mx, g->c.x_floats, want, 0.0);
        return;
    }
    int index = params_find(g->c.table, name);
    if (!EXPECT(index >= 0)) {
        printf("  %s is missing\n", name);
        return;
    }
    const ParamInfo *p = &g->c.table->info[index];
    float *disk = test_floats(p->count);
    params_to_disk(p, disk, block + p->offset);
    /* A shift of all keys of an image changes nothing: the exact gradient is zero. */
    double floor = strstr(name, "to_k.bias") ? 1.0 : 0.0;
    expect_line(kind, name, disk, p->count, want, floor);
}

TEST(gradients_of_both_orders_match_pytorch)
{
    FILE *file = fopen("tests/golden/unet_grads.txt", "r");
    if (!EXPECT(file)) return;
    char line[512], kind[16], name[128];
    Golden g = {0};
    int configs = 0, checked = 0, tensors = 0;
    while (fgets(line, sizeof line, file)) {
        double v[4];
        if (sscanf(line, "config %127s", name) == 1) {
            if (configs++) case_end(&g.c);
            golden_begin(&g, name);
            for (int i = 0; i < g.c.table->count; i++) tensors += 2 * g.c.table->info[i].trainable;
            tensors += 2;
        } else if (sscanf(line, "output %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]) == 4) {
            float *y = test_floats(g.c.y_floats);
            to_nchw(g.c.net, g.c.y, y, net_value(g.c.net, g.c.y));
            expect_sums(y, g.c.y_floats, v[0], v[1]);
            EXPECT_NEAR((double)y[0], v[2], 1e-4 * fabs(v[2]));
            EXPECT_NEAR((double)y[g.c.y_floats - 1], v[3], 1e-4 * fabs(v[3]));
        } else if (EXPECT(sscanf(line, "%15s %127s %lf %lf %lf %lf", kind, name, &v[0], &v[1],
                                 &v[2], &v[3]) == 6)) {
            golden_line(&g, kind, name, v);
            checked++;
        }
    }
    fclose(file);
    if (configs) case_end(&g.c);
    EXPECT_INT(configs, 5);
    EXPECT_INT(checked, tensors);
}
