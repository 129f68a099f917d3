/* What a net that only runs forward saves must not show in its results: the same net planned for
 * training is the reference. */

#include "base/parallel.h"
#include "net_case.h"

enum { SIDE = 5, CHANNELS = 48 };

/* x + out(attention(q h, k h, v h)), h = norm(x), twice; so that the second is not the output: a
 * scale follows. */
typedef struct {
    int batch, heads;
    bool k_read_twice, v_reads_x; /* forms that cannot be folded */
    bool ends;                    /* the output is the last out itself: so this one is not folded */
} Form;

static int attend(Net *net, int x, const Form *f, const char *const *names)
{
    int h = net_groupnorm(net, x, 4, 1e-5f, false, names[0]);
    int q = net_linear(net, h, CHANNELS, false, names[1]);
    int k = net_linear(net, h, CHANNELS, false, names[2]);
    int v = net_linear(net, f->v_reads_x ? x : h, CHANNELS, false, names[3]);
    h = net_attention(net, q, k, v, f->heads);
    h = net_linear(net, h, CHANNELS, false, names[4]);
    if (f->ends) return h;
    h = net_add(net, x, h);
    return f->k_read_twice ? net_add(net, k, h) : h;
}

static void declare(NetCase *c, const Form *f)
{
    static const char *const first[] = {"n1", "q1", "k1", "v1", "o1"};
    static const char *const second[] = {"n2", "q2", "k2", "v2", "o2"};
    Net *net = case_new(c, f->batch, NULL);
    c->x = net_input(net, SIDE, SIDE, CHANNELS, false);
    c->t = net_input(net, 1, 1, 1, false);
    int features = net_time_features(net, c->t, CHANNELS, TIME_POSITIONAL, false, 1, 0, "time");
    Form inner = *f;
    inner.ends = false;
    int y = attend(net, net_shift(net, c->x, features), f->ends ? f : &inner, first);
    if (!f->ends) y = net_affine(net, attend(net, y, &inner, second), 0.5f, 0);
    c->y = y;
    net_set_output(net, c->y);
}

/* The values of y, planned as `mode`. */
static float *values(const Form *f, NetMode mode)
{
    NetCase c;
    declare(&c, f);
    case_begin(&c, mode);
    float *y = test_copy(case_forward(&c, c.weights), c.y_floats);
    case_end(&c);
    return y;
}

static size_t value_floats(const Form *f)
{
    return (size_t)f->batch * SIDE * SIDE * CHANNELS;
}

TEST(merged_attention_equals_the_layers_one_by_one)
{
    for (int batch = 1; batch <= 3; batch += 2) {
        Form f = {.batch = batch, .heads = 1};
        float *folded = values(&f, NET_INFER), *whole = values(&f, NET_TRAIN);
        EXPECT(memcmp(folded, whole, value_floats(&f) * sizeof *folded) != 0);
        EXPECT_CLOSE(folded, whole, value_floats(&f), 2e-6);
    }
}

TEST(what_cannot_be_merged_gives_the_bits_of_training)
{
    static const Form forms[] = {{.batch = 2, .heads = 2},
                                 {.batch = 2, .heads = 1, .k_read_twice = true},
                                 {.batch = 2, .heads = 1, .v_reads_x = true},
                                 {.batch = 2, .heads = 1, .ends = true}};
    for (int i = 0; i < 4; i++) {
        float *infer = values(&forms[i], NET_INFER), *train = values(&forms[i], NET_TRAIN);
        EXPECT_SAME(infer, train, value_floats(&forms[i]) * sizeof *infer);
    }
}

TEST(merged_weights_take_half_the_room_and_half_the_products)
{
    NetCase folded, whole;
    declare(&folded, &(Form){.batch = 1, .heads = 1});
    declare(&whole, &(Form){.batch = 1, .heads = 2});
    size_t packed = net_packed_bytes(whole.net, NET_INFER);
    EXPECT(net_packed_bytes(folded.net, NET_INFER) < packed);
    EXPECT_INT((long long)net_packed_bytes(folded.net, NET_TRAIN),
               (long long)net_packed_bytes(whole.net, NET_TRAIN));
    case_begin(&folded, NET_INFER);
    case_begin(&whole, NET_INFER);
    EXPECT_INT(case_nodes(&folded, "linear"), 4);
    EXPECT_INT(case_nodes(&whole, "linear"), 8);
    case_end(&folded);
    case_end(&whole);
}

TEST(folding_is_undone_where_something_goes_back_and_done_again)
{
    Form f = {.batch = 2, .heads = 1};
    float *folded = values(&f, NET_INFER), *whole = values(&f, NET_TRAIN);
    NetCase c;
    declare(&c, &f);
    static const NetMode modes[] = {NET_INFER, NET_TRAIN, NET_INFER, NET_INFER};
    for (int i = 0; i < 4; i++) {
        size_t before = net_plan_bytes(c.net, NET_TRAIN, parallel_threads());
        case_begin(&c, modes[i]);
        EXPECT_SAME(case_forward(&c, c.weights), modes[i] == NET_INFER ? folded : whole,
                    c.y_floats * sizeof *folded);
        EXPECT_INT((long long)net_plan_bytes(c.net, NET_TRAIN, parallel_threads()),
                   (long long)before);
    }
    case_end(&c);
}

TEST(merged_attention_has_the_same_bits_for_any_number_of_threads_and_in_any_batch)
{
    Form f = {.batch = 3, .heads = 1};
    float *one = NULL;
    FOR_THREADS(threads)
    {
        float *y = values(&f, NET_INFER);
        if (!one) one = y;
        EXPECT_SAME(y, one, value_floats(&f) * sizeof *y);
        (void)threads;
    }
    Form alone = {.batch = 1, .heads = 1};
    float *y = values(&alone, NET_INFER); /* its input is the batch's first */
    EXPECT_SAME(y, one, value_floats(&alone) * sizeof *y);
}

/* Held or not, what the weights are now counts. */
TEST(merged_weights_follow_the_parameters)
{
    NetCase c;
    declare(&c, &(Form){.batch = 2, .heads = 1});
    case_begin(&c, NET_INFER);
    float *y[3];
    for (int i = 0; i < 3; i++) {
        if (i == 1) /* every parameter of the folded layers, k's bias excepted, has its part */
            for (size_t j = 0; j < c.table->block_floats; j++) c.weights[j] *= 1.25f;
        net_hold(c.net, i == 2 ? c.weights : NULL);
        y[i] = test_copy(case_forward(&c, c.weights), c.y_floats);
    }
    EXPECT(memcmp(y[0], y[1], c.y_floats * sizeof **y) != 0);
    EXPECT_SAME(y[2], y[1], c.y_floats * sizeof **y);
    case_end(&c);
}

/* ---- Dropout ---- */

static void declare_dropout(NetCase *c, bool dropout)
{
    Net *net = case_new(c, 2, NULL);
    c->x = net_input(net, SIDE, SIDE, CHANNELS, false);
    c->t = net_input(net, 1, 1, 1, false);
    int h = net_shift(net, c->x,
                      net_time_features(net, c->t, CHANNELS, TIME_POSITIONAL, false, 1, 0, "time"));
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        h = net_linear(net, h, CHANNELS, false, names[i]);
        if (dropout) h = net_dropout(net, h, 0.3f);
        if (dropout && i == 1) h = net_dropout(net, h, 0.2f);
    }
    c->y = net_affine(net, h, 2.0f, 0);
    net_set_output(net, c->y);
}

TEST(dropout_in_inference_takes_no_room_and_changes_nothing)
{
    NetCase with, without;
    declare_dropout(&with, true);
    declare_dropout(&without, false);
    EXPECT_INT((long long)net_plan_bytes(with.net, NET_INFER, parallel_threads()),
               (long long)net_plan_bytes(without.net, NET_INFER, parallel_threads()));
    case_begin(&with, NET_INFER);
    case_begin(&without, NET_INFER);
    EXPECT_SAME(case_forward(&with, with.weights), case_forward(&without, with.weights),
                with.y_floats * sizeof(float));
    case_end(&with);
    case_end(&without);
}

TEST(dropout_with_a_mask_is_the_same_in_inference_as_in_training)
{
    float *y[2];
    size_t floats = 0;
    for (int mode = NET_INFER; mode <= NET_TRAIN; mode++) {
        NetCase c;
        declare_dropout(&c, true);
        case_begin(&c, (NetMode)mode);
        net_set_dropout(c.net, true, 5, 6);
        floats = c.y_floats;
        y[mode] = test_copy(case_forward(&c, c.weights), floats);
        case_end(&c);
    }
    EXPECT_SAME(y[0], y[1], floats * sizeof **y);
}
