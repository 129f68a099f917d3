/* A network with a row for no class, guided: which label it is given, and that bits depend neither on the batch nor on
 * threads. */
#include "base/mem.h"
#include "base/parallel.h"
#include "diffusion/guidance.h"
#include "model/network_open.h"
#include "small_unet.h"
#include "test.h"

enum { IMAGES = 5, SIDE = 8, DIMS = SIDE * SIDE, VALUES = IMAGES * DIMS, CLASSES = 3 };

typedef struct {
    ModelConfig model;
    ParamTable table;
    Network network;
    NetworkDenoiser context;
    Denoiser denoiser;
    float *weights;
} Case;

static void open_case(Case *c, bool null_class, int images)
{
    Err err = {0};
    memset(c, 0, sizeof *c);
    c->model = (ModelConfig){.network = NETWORK_UNET, .unet = two_level_unet(8, SIDE, 1)};
    c->model.noise.prediction = PREDICT_V;
    c->model.unet.classes = CLASSES;
    c->model.unet.null_class = null_class;
    if (!EXPECT_OK(network_open_denoiser(&c->network, &c->table, &c->model, (Shape){SIDE, SIDE, 1},
                                         images, false, &err),
                   err))
        abort();
    c->weights = mem_floats(c->table.block_floats);
    params_init(&c->table, c->weights, 3);
    c->context = (NetworkDenoiser){.network = &c->network, .weights = c->weights, .label = -1};
    c->denoiser = network_denoiser(&c->context);
    net_hold(c->network.net, c->weights);
}

static void close_case(Case *c)
{
    network_close(&c->network);
    params_free(&c->table);
    mem_free(c->weights);
}

static void make_calls(double *x, NoiseLevel *levels)
{
    static const double alphas[IMAGES] = {0.995, 0.9, 0.6, 0.3, 0.05};
    const float *z = test_random(VALUES, 1, 1);
    for (int i = 0; i < VALUES; i++) x[i] = (double)z[i];
    for (int i = 0; i < IMAGES; i++)
        levels[i] = (NoiseLevel){.alpha = alphas[i],
                                 .sigma = sqrt(1 - alphas[i] * alphas[i]),
                                 .t = 30 + 200 * i,
                                 .time = 30 + 200 * i};
}

static void predict(const Denoiser *d, const double *x, const NoiseLevel *levels, double *eps)
{
    Err err = {0};
    EXPECT_OK(d->predict(d->context, IMAGES, x, levels, 1, eps, &err), err);
}

static int class_rows(const ParamTable *table)
{
    int index = params_find(table, "class_embedding.weight");
    return EXPECT(index >= 0) ? (int)table->info[index].shape[0] : 0;
}

TEST(the_class_embedding_has_one_row_more_for_no_class_and_only_then_can_labels_be_dropped)
{
    for (int null_class = 0; null_class < 2; null_class++) {
        Case c;
        open_case(&c, null_class, 2);
        EXPECT_INT(class_rows(&c.table), CLASSES + null_class);
        EXPECT((c.denoiser.drop_labels != NULL) == (null_class == 1));
        close_case(&c);
    }
}

TEST(dropped_rows_are_given_the_row_after_the_classes_and_the_others_their_class)
{
    static double x[VALUES], eps[VALUES], null[VALUES], own[VALUES];
    static const bool dropped[IMAGES] = {true, false, false, true, false};
    NoiseLevel levels[IMAGES];
    Case c;
    make_calls(x, levels);
    open_case(&c, true, IMAGES);
    predict(&c.denoiser, x, levels, own);
    c.denoiser.drop_labels(c.denoiser.context, dropped);
    predict(&c.denoiser, x, levels, eps);
    c.denoiser.drop_labels(c.denoiser.context, NULL);
    c.context.label = CLASSES;
    predict(&c.denoiser, x, levels, null);
    for (int i = 0; i < IMAGES; i++) {
        size_t at = (size_t)i * DIMS;
        EXPECT_SAME(eps + at, (dropped[i] ? null : own) + at, DIMS * sizeof *eps);
        EXPECT(memcmp(own + at, null + at, DIMS * sizeof *eps) != 0);
    }
    close_case(&c);
}

TEST(a_guided_image_is_mixed_from_its_two_predictions_whatever_the_batch_and_the_threads)
{
    static double x[VALUES], with[VALUES], without[VALUES], eps[VALUES];
    const SampleConfig settings = {.guidance = 2.5};
    NoiseLevel levels[IMAGES];
    Case c;
    make_calls(x, levels);
    open_case(&c, true, IMAGES);
    predict(&c.denoiser, x, levels, with);
    c.context.label = CLASSES;
    predict(&c.denoiser, x, levels, without);
    close_case(&c);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        for (int batch = 1; batch <= 2 * IMAGES; batch += 3) {
            Guidance g;
            Err err = {0};
            open_case(&c, true, batch);
            EXPECT_OK(guidance_open(&g, &c.denoiser, &settings, IMAGES, &err), err);
            Denoiser d = guidance_denoiser(&g);
            predict(&d, x, levels, eps);
            for (int i = 0; i < VALUES; i++)
                EXPECT(eps[i] == without[i] + 2.5 * (with[i] - without[i]));
            guidance_close(&g);
            close_case(&c);
        }
    }
}
