/* The U-Net: diffusers' names and numbers, gradients against PyTorch's, configuration messages. */
#include "base/mem.h"
#include "base/parallel.h"
#include "net/networks.h"

#include "net_case.h"
#include "small_unet.h"
#include "unet_rule.h"

/* ---- declaring ---- */

static void declare(NetCase *c, const UNetConfig *u, int batch, int size, bool x_wants)
{
    Net *net = case_new(c, batch, NULL);
    c->x = net_input(net, size, size, u->in_channels, x_wants);
    c->t = u->noise_classes ? -1 : net_input(net, 1, 1, 1, false);
    c->label = u->classes ? net_input(net, 1, 1, 1, false) : -1;
    Err err = {0};
    EXPECT_OK(unet_config_check(u, size, size, &err), err);
    c->y = unet_declare(net, u, c->x, c->t, c->label);
    net_set_output(net, c->y);
}

static UNetConfig tiny(void)
{
    return two_level_unet(8, 0, 3);
}

/* The network at labels t, its weights drawn as training draws them. Result in `out`. */
static size_t run_at(TimeFeatureKind kind, float scale, const float t[2], float *out)
{
    enum { ROOM = 2 * 3 * 8 * 8 };
    UNetConfig u = tiny();
    u.time_kind = kind;
    u.fourier_scale = (double)scale;
    NetCase c;
    declare(&c, &u, 2, 8, false);
    case_begin(&c, NET_INFER);
    memcpy(net_value(c.net, c.t), t, 2 * sizeof *t);
    net_forward(c.net, c.weights);
    size_t n = c.y_floats;
    if (EXPECT(n == ROOM)) memcpy(out, net_value(c.net, c.y), n * sizeof *out);
    case_end(&c);
    return n;
}

/* At sigma = e^t the two kinds of features are the same, and only one divides by sigma. */
TEST(linear_fourier_features_are_those_of_the_exponential_and_nothing_is_divided)
{
    const float t[2] = {0.25f, 0.75f}, sigma[2] = {expf(0.25f), expf(0.75f)};
    float plain[384], divided[384];
    size_t n = run_at(TIME_FOURIER_LINEAR, 1.0f, t, plain);
    run_at(TIME_FOURIER, 1.0f, sigma, divided);
    double moved = 0;
    for (size_t i = 0; i < n; i++) {
        double back = (double)divided[i] * (double)sigma[i / (n / 2)];
        EXPECT_NEAR((double)plain[i], back, 2e-5);
        moved = test_larger(moved, fabs((double)plain[i] - (double)divided[i]));
    }
    EXPECT(moved > 0.01);
}

TEST(fourier_frequencies_are_drawn_with_the_scale_asked_for)
{
    float drawn[2][8];
    for (int k = 0; k < 2; k++) {
        UNetConfig u = tiny();
        u.time_kind = k ? TIME_FOURIER_LINEAR : TIME_FOURIER;
        if (k) u.fourier_scale = 4.0;
        NetCase c;
        declare(&c, &u, 1, 8, false);
        float *weights = test_floats(c.table->block_floats);
        params_init(c.table, weights, 3);
        int at = params_find(c.table, "time_proj.weight");
        if (!EXPECT(at >= 0 && c.table->info[at].count == 8 && !c.table->info[at].trainable))
            return;
        memcpy(drawn[k], weights + c.table->info[at].offset, sizeof drawn[k]);
        case_end(&c);
    }
    for (int i = 0; i < 8; i++) EXPECT_NEAR((double)drawn[0][i], 4 * (double)drawn[1][i], 1e-5);
    EXPECT(drawn[0][0] != 0);
}

/* ---- names and shapes ---- */

static UNetConfig cifar10(void)
{
    UNetConfig u;
    unet_config_defaults(&u);
    u.levels = 4;
    u.block_channels[0] = 128;
    for (int i = 1; i < 4; i++) u.block_channels[i] = 256;
    u.down_attention[1] = u.up_attention[2] = true;
    u.downsample_padding = 0;
    u.flip_sin_to_cos = false;
    u.freq_shift = 1.0;
    u.eps = 1e-6;
    u.head_dim = 0;
    return u;
}

TEST(the_cifar10_model_has_the_tensors_of_the_published_one)
{
    UNetConfig u = cifar10();
    NetCase c;
    declare(&c, &u, 1, 32, false);
    EXPECT_INT((long long)c.table->parameters, 35746307);
    EXPECT_INT(c.table->count, 328);
    FILE *file = fopen("tests/golden/cifar10_tensors.txt", "r");
    if (!EXPECT(file)) return;
    char name[128], shape[64];
    int lines = 0;
    for (; fscanf(file, "%127s %63s", name, shape) == 2; lines++) {
        int index = params_find(c.table, name);
        if (!EXPECT(index >= 0)) {
            printf("  %s is missing\n", name);
            continue;
        }
        const ParamInfo *p = &c.table->info[index];
        char ours[64] = "";
        for (int i = 0, at = 0; i < p->rank; i++)
            at += snprintf(ours + at, sizeof ours - (size_t)at, i ? "x%d" : "%d", p->shape[i]);
        EXPECT_TEXT(ours, shape);
    }
    fclose(file);
    EXPECT_INT(lines, 328);
    case_end(&c);
}

TEST(the_train_unconditional_default_has_its_published_size)
{
    UNetConfig u;
    unet_config_defaults(&u);
    const int channels[6] = {128, 128, 256, 256, 512, 512};
    u.levels = 6;
    for (int i = 0; i < 6; i++) u.block_channels[i] = channels[i];
    u.down_attention[4] = u.up_attention[1] = true;
    NetCase c;
    declare(&c, &u, 1, 64, false);
    EXPECT_INT((long long)c.table->parameters, 113673219);
    EXPECT_INT(c.table->count, 450);
    case_end(&c);
}

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

/* ---- properties of a whole network ---- */

static void expect_four_passes_of(const UNetConfig *u)
{
    NetCase c;
    declare(&c, u, 2, 8, true);
    case_begin(&c, NET_SECOND);
    net_set_dropout(c.net, true, 3, 4);
    float *grads = test_floats(c.table->block_floats);
    case_backward(&c, c.weights, grads);
    case_tangent(&c, c.weights);
    case_expect_adjoint(&c, 0.0);
    /* One direction through all weights at once. */
    float *direction = test_random(c.table->block_floats, 8, 0.05f);
    for (int i = 0; i < c.table->count; i++)
        if (!c.table->info[i].trainable)
            memset(direction + c.table->info[i].offset, 0, c.table->info[i].count * sizeof(float));
    double got = test_dot(grads, direction, c.table->block_floats);
    double slope = case_slope(&c, case_loss, c.weights, direction, c.table->block_floats, 0.02);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    memset(grads, 0, c.table->block_floats * sizeof *grads);
    case_backward2(&c, c.weights, grads);
    got = test_dot(grads, direction, c.table->block_floats);
    slope = case_slope(&c, case_second_loss, c.weights, direction, c.table->block_floats, 0.02);
    EXPECT_NEAR(got, slope, 1e-3 * fabs(slope));
    case_end(&c);
}

TEST(dropout_in_a_unet_keeps_all_four_passes_consistent)
{
    UNetConfig u = tiny();
    u.dropout = 0.2;
    expect_four_passes_of(&u);
}

static UNetConfig classifier(void)
{
    UNetConfig u = tiny();
    u.noise_classes = 9;
    return u;
}

TEST(a_classifier_of_noise_levels_keeps_all_four_passes_consistent_under_dropout)
{
    UNetConfig u = classifier();
    u.dropout = 0.2;
    expect_four_passes_of(&u);
}

TEST(a_classifier_of_noise_levels_has_a_head_and_no_time_layers)
{
    UNetConfig u = classifier();
    NetCase c;
    declare(&c, &u, 2, 8, false);
    Shape s = net_shape(c.net, c.y);
    EXPECT(s.H == 1 && s.W == 1 && s.C == 9);
    for (int i = 0; i < c.table->count; i++) EXPECT(!strstr(c.table->info[i].name, "time"));
    EXPECT(params_find(c.table, "conv_out.weight") < 0);
    const ParamInfo *conv = &c.table->info[params_find(c.table, "classifier.conv.weight")];
    EXPECT(conv->shape[0] == 16 && conv->shape[1] == 8 && conv->shape[2] == 3);
    const ParamInfo *linear = &c.table->info[params_find(c.table, "classifier.linear.weight")];
    EXPECT(linear->shape[0] == 9 && linear->shape[1] == 16);
    /* The logits of a level are the sum of the linear layer's outputs up to it: with no weights
     * but its bias, of the bias. */
    case_begin(&c, NET_INFER);
    memset(c.weights, 0, c.table->block_floats * sizeof *c.weights);
    float *bias = c.weights + c.table->info[params_find(c.table, "classifier.linear.bias")].offset;
    for (int k = 0; k < 9; k++) bias[k] = (float)(k + 1);
    net_forward(c.net, c.weights);
    for (int k = 0; k < 9; k++)
        EXPECT_NEAR((double)net_value(c.net, c.y)[k], (k + 1) * (k + 2) / 2.0, 0);
    case_end(&c);
}

TEST(a_unet_has_the_same_bits_for_any_number_of_threads)
{
    UNetConfig u = tiny();
    u.dropout = 0.1;
    float *y = NULL, *first = NULL;
    FOR_THREADS(threads)
    {
        (void)threads;
        NetCase c;
        declare(&c, &u, 3, 16, false);
        case_begin(&c, NET_TRAIN);
        net_set_dropout(c.net, true, 3, 4);
        float *grads = test_floats(c.table->block_floats);
        case_backward(&c, c.weights, grads);
        if (!y) y = test_copy(net_value(c.net, c.y), c.y_floats), first = grads;
        EXPECT_SAME(net_value(c.net, c.y), y, c.y_floats * sizeof *y);
        EXPECT_SAME(grads, first, c.table->block_floats * sizeof *grads);
        case_end(&c);
    }
}

TEST(an_image_through_a_unet_does_not_see_its_batch)
{
    UNetConfig u = tiny();
    NetCase c, one;
    declare(&c, &u, 3, 16, false);
    case_begin(&c, NET_INFER);
    declare(&one, &u, 1, 16, false);
    case_begin(&one, NET_INFER);
    net_forward(c.net, c.weights);
    for (size_t n = 0; n < 3; n++) {
        case_take_image(&one, &c, n);
        EXPECT_SAME(case_forward(&one, c.weights), net_value(c.net, c.y) + n * one.y_floats,
                    one.y_floats * sizeof(float));
    }
    case_end(&one);
    case_end(&c);
}

TEST(sampling_needs_less_memory_than_training_and_no_allocation)
{
    UNetConfig u = tiny();
    NetCase c;
    declare(&c, &u, 32, 16, false);
    EXPECT(3 * net_plan_bytes(c.net, NET_INFER, parallel_threads()) <
           net_plan_bytes(c.net, NET_TRAIN, parallel_threads()));
    case_begin(&c, NET_TRAIN);
    float *grads = test_floats(c.table->block_floats);
    mem_seal("a training step");
    case_backward(&c, c.weights, grads);
    mem_seal(NULL);
    case_end(&c);
}

TEST(zero_initialisation_makes_a_fresh_network_say_zero)
{
    UNetConfig u = tiny();
    u.zero_init = true;
    NetCase c;
    declare(&c, &u, 1, 8, false);
    case_begin(&c, NET_INFER);
    params_init(c.table, c.weights, 1);
    net_forward(c.net, c.weights);
    for (size_t i = 0; i < c.y_floats; i++) EXPECT(net_value(c.net, c.y)[i] == 0.0f);
    static const char *const zeros[] = {
        "conv_out.weight", "conv_out.bias", "mid_block.resnets.0.conv2.weight",
        "down_blocks.1.attentions.0.to_out.0.weight", "up_blocks.1.resnets.1.conv2.bias"};
    int count = 0;
    for (int i = 0; i < c.table->count; i++) count += c.table->info[i].init == INIT_ZERO;
    for (size_t k = 0; k < sizeof zeros / sizeof *zeros; k++) {
        int index = params_find(c.table, zeros[k]);
        EXPECT(index >= 0 && c.table->info[index].init == INIT_ZERO);
    }
    /* Norm biases; and weight and bias of 8 second convolutions, 4 attentions, conv_out. */
    EXPECT_INT(count, 21 + 2 * (8 + 4 + 1));
    case_end(&c);
}

/* ---- configuration ---- */

static const char *message(const UNetConfig *u, int H, int W)
{
    static Err err;
    err = (Err){0};
    if (unet_config_check(u, H, W, &err)) return "";
    EXPECT(err.kind == ERR_USAGE);
    return err.text;
}

TEST(sizes_that_cannot_be_halved_are_refused_with_sizes_that_can)
{
    UNetConfig u = tiny();
    EXPECT_TEXT(message(&u, 28, 28), "");
    EXPECT_TEXT(message(&u, 6, 28), "");
    u.levels = 3;
    u.block_channels[2] = 16;
    EXPECT_TEXT(message(&u, 30, 30),
                "images of 30x30 cannot be halved 2 times; heights and widths must be multiples "
                "of 4 (28 or 32 would do)");
    EXPECT_CONTAINS(message(&u, 28, 30), "(28x28 or 28x32 would do)");
    EXPECT_CONTAINS(message(&u, 2, 2), "(4 would do)");
    EXPECT_CONTAINS(message(&u, 0, 8), "image height is 0");
}

TEST(groups_that_do_not_divide_are_refused_with_groups_that_do)
{
    UNetConfig u = tiny();
    u.block_channels[1] = 20;
    u.groups = 8;
    EXPECT_TEXT(message(&u, 8, 8),
                "the norms' 8 groups do not divide the 20 channels of down_blocks.1.resnets.0."
                "norm2; 4 groups would divide all widths of this network");
    u.groups = 4;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.block_channels[1] = 16;
    u.groups = 0;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.attn_groups = 3;
    EXPECT_CONTAINS(message(&u, 8, 8), "3 groups do not divide its 16 channels");
}

/* `base` with one other value. */
#define REFUSED(base, change, words)                                                               \
    do {                                                                                           \
        UNetConfig other = base();                                                                 \
        other.change;                                                                              \
        EXPECT_CONTAINS(message(&other, 8, 8), words);                                             \
    } while (0)

TEST(every_other_bad_value_is_refused_by_name)
{
    REFUSED(tiny, head_dim = 17, "heads of 17 channels do not fit the 16 channels of level 1");
    REFUSED(tiny, layers_per_block = 13, "layers per block is 13; it must be 1 to 12");
    REFUSED(tiny, eps = 0.0, "eps is 0");
    REFUSED(tiny, dropout = 1.0, "dropout is 1");
    REFUSED(tiny, dropout = (double)NAN, "dropout is nan");
    REFUSED(tiny, mid_scale = 0.0, "scale factor is 0");
    REFUSED(tiny, downsample_padding = 2, "downsample padding is 2; it must be 0 to 1");
    REFUSED(classifier, noise_classes = 2, "number of noise levels is 2; it must be 3 to");
    REFUSED(classifier, classifier_channels = -1, "channels of the classifier is -1");
    REFUSED(classifier, scale_shift = true, "without an embedding, which scale_shift needs");
    REFUSED(classifier, classes = 3, "without an embedding, which a class label needs");
    REFUSED(tiny, freq_shift = 4.0, "freq_shift is 4; with 8 channels");
    REFUSED(tiny, levels = 9, "number of levels is 9");
    REFUSED(tiny, block_channels[1] = 0, "channel count of a level is 0");
    REFUSED(tiny, input_fouriers = 9, "number of input frequencies is 9");
    UNetConfig u = tiny();
    u.head_dim = 16;
    EXPECT_TEXT(message(&u, 8, 8), "");
    u.input_fouriers = 2;
    u.input_fourier[1] = 13;
    EXPECT_CONTAINS(message(&u, 8, 8), "exponent of an input frequency is 13; it must be 0 to 12");
}

TEST(input_frequencies_widen_the_first_convolution_alone)
{
    NetCase c;
    UNetConfig u = tiny();
    declare(&c, &u, 1, 8, false);
    size_t plain = c.table->parameters;
    case_end(&c);
    u.input_fouriers = 2;
    u.input_fourier[0] = 3;
    u.input_fourier[1] = 7;
    declare(&c, &u, 1, 8, true);
    EXPECT_INT((long long)(c.table->parameters - plain), 9 * 8 * 4 * u.in_channels);
    case_begin(&c, NET_TRAIN);
    /* A hundredth of a level of grey shows where 2^7 pi x turns fastest. */
    memset(net_value(c.net, c.x), 0, c.x_floats * sizeof(float));
    float *before = test_copy(case_forward(&c, c.weights), c.y_floats);
    net_value(c.net, c.x)[0] = 0.01f * 2 / 255;
    EXPECT(memcmp(before, case_forward(&c, c.weights), c.y_floats * sizeof(float)) != 0);
    case_end(&c);
}

TEST(the_deepest_network_that_passes_the_check_fits_the_graph)
{
    UNetConfig u = tiny();
    u.levels = UNET_MAX_LEVELS;
    u.layers_per_block = UNET_MAX_LAYERS;
    u.scale_shift = true;
    u.dropout = 0.1;
    for (int i = 0; i < u.levels; i++) {
        u.block_channels[i] = 8 + 8 * (i % 2); /* every block needs a shortcut */
        u.down_attention[i] = u.up_attention[i] = true;
    }
    NetCase c;
    declare(&c, &u, 1, 128, false);
    EXPECT(net_plan_bytes(c.net, NET_INFER, parallel_threads()) > 0);
    case_end(&c);
}
