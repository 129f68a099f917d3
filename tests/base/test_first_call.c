/* The library needs no call before the others: what a program calls first works, whatever OpenMP's own
 * settings are and from whichever thread. */
#include <pthread.h>

#include "base/openmp.h"
#include "base/parallel.h"
#include "math/product.h"
#include "math/vec.h"
#include "methods/method.h"
#include "model/network_open.h"
#include "small_unet.h"
#include "test.h"

enum { SIDE = 16, CHANNELS = 2, IMAGES = 3, M = 300, N = 96, K = 80, MANY = 8 };

/* What a program gets of the kernels. */
typedef struct {
    bool ok;
    size_t count;
    float *grads;
    float loss[IMAGES], product[M * N];
    double dot;
} Results;

static void fill(float *x, size_t n, unsigned tag)
{
    float *z = test_random(n, tag, 1);
    memcpy(x, z, n * sizeof *x);
}

/* A training pass of a small U-Net with every kind of layer. */
static bool train(Results *r)
{
    static float xt[IMAGES * SIDE * SIDE * CHANNELS], target[IMAGES * SIDE * SIDE * CHANNELS];
    float t[IMAGES] = {3, 40, 900}, weight[IMAGES] = {1, 1, 1};
    ModelConfig m = {.network = NETWORK_UNET, .unet = two_level_unet(16, SIDE, CHANNELS)};
    m.unet.zero_init = false;
    Network nw;
    ParamTable table = {0};
    Err err = {0};
    if (!network_open(&nw, &table, &m, (Shape){SIDE, SIDE, CHANNELS}, IMAGES, NET_TRAIN, &err))
        return false;
    float *weights = calloc(table.block_floats, sizeof *weights);
    r->grads = calloc(table.block_floats, sizeof *r->grads);
    r->count = table.block_floats;
    params_init(&table, weights, 3);
    fill(xt, sizeof xt / sizeof *xt, 1);
    fill(target, sizeof target / sizeof *target, 2);
    TrainBatch batch = {.xt = xt, .target = target, .t = t, .weight = weight, .loss = r->loss};
    LossPass pass = {
        .network = &nw, .weights = weights, .grads = r->grads, .batch = &batch, .dloss = 1};
    denoising_loss(&pass);
    network_close(&nw);
    params_free(&table);
    free(weights);
    return true;
}

static void multiply(Results *r)
{
    static float a[M * K], b[K * N];
    fill(a, M * K, 3);
    fill(b, K * N, 4);
    Product p = {.M = M,
                 .N = N,
                 .K = K,
                 .a = a,
                 .lda = K,
                 .b = b,
                 .ldb = N,
                 .alpha = 1,
                 .c = r->product,
                 .ldc = N};
    float *scratch = calloc(product_scratch_floats(N, K, parallel_threads()), sizeof *scratch);
    product_run(&p, scratch);
    free(scratch);
    r->dot = vec->dot(a, a, M * K);
}

static Results *work(void)
{
    Results *r = calloc(1, sizeof *r);
    r->ok = train(r);
    multiply(r);
    return r;
}

static void *work_in_thread(void *results)
{
    omp_set_num_threads(MANY);
    *(Results **)results = work();
    return NULL;
}

static Results *first, *in_thread;

/* Before main, so before anything else of this program calls the library. */
__attribute__((constructor)) static void call_first(void)
{
    pthread_t thread;
    omp_set_num_threads(MANY);
    first = work();
    if (pthread_create(&thread, NULL, work_in_thread, &in_thread) == 0) pthread_join(thread, NULL);
}

static void expect_right(const Results *r, const Results *expected)
{
    if (!EXPECT(r && r->ok)) return;
    EXPECT_CLOSE(r->loss, expected->loss, IMAGES, 1e-4);
    EXPECT_CLOSE(r->grads, expected->grads, expected->count, 1e-3);
    EXPECT_CLOSE(r->product, expected->product, M * N, 1e-5);
    EXPECT_NEAR(r->dot, expected->dot, 1e-6 * expected->dot);
}

static void results_free(Results *r)
{
    free(r->grads);
    free(r);
}

TEST(kernels_that_a_program_calls_first_of_all_give_right_results)
{
    parallel_set_threads(1);
    EXPECT(vec_set_level(SIMD_PLAIN));
    Results *expected = work();
    EXPECT(vec_init(NULL));
    EXPECT(isfinite(expected->dot) && expected->dot > 1);
    expect_right(first, expected);
    expect_right(in_thread, expected);
    results_free(expected);
}

/* The number of threads is set in one thread and the work done in another, of which OpenMP does not
 * know it. */
TEST(a_number_of_threads_holds_for_work_in_every_thread_of_the_program)
{
    Results *one = work(), *other = NULL;
    pthread_t thread;
    parallel_set_threads(2);
    EXPECT(pthread_create(&thread, NULL, work_in_thread, &other) == 0);
    pthread_join(thread, NULL);
    if (!EXPECT(other && other->ok)) return;
    EXPECT_SAME(other->grads, one->grads, one->count * sizeof *one->grads);
    EXPECT_SAME(other->product, one->product, sizeof one->product);
    results_free(one);
    results_free(other);
}
