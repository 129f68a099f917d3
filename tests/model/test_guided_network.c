/* A network with a row for no class, guided: which label it is given, and that bits depend neither on the batch nor on
 * threads. */
#include "base/parallel.h"
#include "diffusion/guidance.h"
#include "network_case.h"

enum { IMAGES = CASE_IMAGES, SIDE = 8, DIMS = SIDE * SIDE, VALUES = IMAGES * DIMS, CLASSES = 3 };

static void open_case(NetworkCase *c, bool null_class, int images, bool vjp)
{
    ModelConfig model = {.network = NETWORK_UNET, .unet = two_level_unet(8, SIDE, 1)};
    model.noise.prediction = PREDICT_V;
    model.unet.classes = CLASSES;
    model.unet.null_class = null_class;
    network_case_open(c, &model, (Shape){SIDE, SIDE, 1}, images, vjp);
}

static void make_calls(double *x, NoiseLevel *levels)
{
    network_case_fill(x, VALUES, 1);
    network_case_levels(levels);
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
        NetworkCase c;
        open_case(&c, null_class, 2, false);
        EXPECT_INT(class_rows(&c.table), CLASSES + null_class);
        EXPECT((c.denoiser.drop_labels != NULL) == (null_class == 1));
        network_case_close(&c);
    }
}

TEST(dropped_rows_are_given_the_row_after_the_classes_and_the_others_their_class)
{
    static double x[VALUES], eps[VALUES], null[VALUES], own[VALUES];
    static const bool dropped[IMAGES] = {true, false, false, true, false};
    NoiseLevel levels[IMAGES];
    NetworkCase c;
    make_calls(x, levels);
    open_case(&c, true, IMAGES, false);
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
    network_case_close(&c);
}

TEST(a_guided_image_is_mixed_from_its_two_predictions_whatever_the_batch_and_the_threads)
{
    static double x[VALUES], with[VALUES], without[VALUES], eps[VALUES];
    const SampleConfig settings = {.guidance = 2.5};
    NoiseLevel levels[IMAGES];
    NetworkCase c;
    make_calls(x, levels);
    open_case(&c, true, IMAGES, false);
    predict(&c.denoiser, x, levels, with);
    c.context.label = CLASSES;
    predict(&c.denoiser, x, levels, without);
    network_case_close(&c);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        for (int batch = 1; batch <= 2 * IMAGES; batch += 3) {
            Guidance g;
            Err err = {0};
            open_case(&c, true, batch, false);
            EXPECT_OK(guidance_open(&g, &c.denoiser, &settings, IMAGES, &err), err);
            Denoiser d = guidance_denoiser(&g);
            predict(&d, x, levels, eps);
            for (int i = 0; i < VALUES; i++)
                EXPECT(eps[i] == without[i] + 2.5 * (with[i] - without[i]));
            guidance_close(&g);
            network_case_close(&c);
        }
    }
}

static void open_guidance(Guidance *g, const NetworkCase *c, double weight)
{
    Err err = {0};
    const SampleConfig settings = {.guidance = weight};
    EXPECT_OK(guidance_open(g, &c->denoiser, &settings, IMAGES, &err), err);
}

static void product(const Denoiser *d, const double *x, const NoiseLevel *levels, const double *v,
                    double *eps, double *jtv)
{
    Err err = {0};
    EXPECT_OK(d->predict_vjp(d->context, IMAGES, x, levels, 1, v, eps, jtv, &err), err);
}

TEST(a_guided_product_with_the_jacobian_is_the_slope_of_the_guided_noise)
{
    NetworkCase c;
    Guidance g;
    open_case(&c, true, 2 * IMAGES, true);
    open_guidance(&g, &c, 2.5);
    Denoiser d = guidance_denoiser(&g);
    network_case_expect_vjp(&d);
    guidance_close(&g);
    network_case_close(&c);
}

TEST(a_guided_product_is_mixed_from_two_whatever_the_batch_and_the_threads)
{
    static double x[VALUES], v[VALUES], eps[VALUES], with[VALUES], without[VALUES], jtv[VALUES];
    NoiseLevel levels[IMAGES];
    NetworkCase c;
    make_calls(x, levels);
    network_case_fill(v, VALUES, 2);
    open_case(&c, true, IMAGES, true);
    product(&c.denoiser, x, levels, v, eps, with);
    c.context.label = CLASSES;
    product(&c.denoiser, x, levels, v, eps, without);
    network_case_close(&c);
    FOR_THREADS(threads)
    {
        EXPECT_INT(parallel_threads(), threads);
        for (int batch = 1; batch <= 2 * IMAGES; batch += 3) {
            Guidance g;
            open_case(&c, true, batch, true);
            open_guidance(&g, &c, 2.5);
            Denoiser d = guidance_denoiser(&g);
            product(&d, x, levels, v, eps, jtv);
            for (int i = 0; i < VALUES; i++)
                EXPECT(jtv[i] == without[i] + 2.5 * (with[i] - without[i]));
            guidance_close(&g);
            network_case_close(&c);
        }
    }
}
