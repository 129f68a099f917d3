/* The score objectives: exact gradients, one optimum, which is the score. */

#include "score_bench.h"
#include "train/optimizer.h"

/* ---- gradients ---- */

/* Along a random direction of every tensor, the difference of fourth order. Its rounding is about 1e-3
 * of the smallest gradients and 1e-5 of the whole one. */
TEST(gradients_match_central_differences_of_the_loss)
{
    MlpConfig mlp = small_mlp();
    Bench b;
    bench_open(&b, &mlp, 24);
    float *points = test_random(24 * D, 1, 2.0f);
    bench_fill(&b, points, SIGMAS, 3, 70);
    for (int k = 0; k < KINDS; k++) {
        memset(b.grads, 0, b.table.block_floats * sizeof(float));
        bench_run(&b, kinds[k], b.grads, 1);
        double whole = sqrt(test_dot(b.grads, b.grads, b.table.block_floats));
        for (int i = 0; i < b.table.count; i++) {
            const ParamInfo *p = &b.table.info[i];
            if (!p->trainable) continue;
            float *w = b.weights + p->offset, *g = b.grads + p->offset;
            float *direction = test_random(p->count, 500u + (unsigned)i, 1.0f);
            float *before = test_floats(p->count);
            memcpy(before, w, p->count * sizeof *w);
            static const double at[4] = {1, -1, 2, -2}, factor[4] = {8, -8, -1, 1};
            double slope = 0, h = 0.02 / sqrt((double)p->count);
            for (int s = 0; s < 4; s++) {
                for (size_t j = 0; j < p->count; j++)
                    w[j] = (float)((double)before[j] + at[s] * h * (double)direction[j]);
                slope += factor[s] * bench_loss(&b, kinds[k]) / (12 * h);
            }
            memcpy(w, before, p->count * sizeof *w);
            double norm = sqrt(test_dot(g, g, p->count));
            if (!EXPECT_NEAR(test_dot(g, direction, p->count), slope, 1e-3 * norm + 1e-5 * whole))
                EXPECT_TEXT("the gradient above", p->name);
        }
    }
    bench_close(&b);
}

/* With s = A x + b the loss of a sample is w/D (|s|^2 + 2 tr A), sliced 2/M sum_m v^T A v. */
TEST(losses_and_gradients_of_an_affine_score_are_those_of_the_formula)
{
    enum { N = 40 };
    for (int k = 1; k < KINDS; k++) {
        Bench b;
        bench_open(&b, NULL, N);
        float *points = test_random(N * D, 2, 1.5f);
        bench_fill(&b, points, SIGMAS, 3, 1000);
        const float *A = b.weights + b.table.info[0].offset;    /* [in, out] in memory */
        const float *bias = b.weights + b.table.info[1].offset; /* [out] */
        bench_run(&b, kinds[k], b.grads, 0.25);
        double dA[D][D] = {{0}}, db[D] = {0};
        float expected[N];
        for (int n = 0; n < N; n++) {
            double s[D], loss = 0, factor = (double)b.weight[n] / D;
            const float *x = b.xt + D * n;
            for (int o = 0; o < D; o++) {
                s[o] = (double)bias[o];
                for (int i = 0; i < D; i++) s[o] += (double)A[D * i + o] * (double)x[i];
                loss += factor * s[o] * s[o];
                db[o] += 0.25 * factor * 2 * s[o];
                for (int i = 0; i < D; i++) dA[i][o] += 0.25 * factor * 2 * s[o] * (double)x[i];
            }
            for (int m = 0; m < SLICES; m++) {
                float v[D];
                score_slice(8, 1000 + (uint64_t)n, m, D, v);
                for (int i = 0; i < D; i++)
                    for (int o = 0; o < D; o++) {
                        double vv =
                            kinds[k] == OBJECTIVE_EXACT ? i == o : (double)v[i] * (double)v[o];
                        loss += 2 * factor * vv / SLICES * (double)A[D * i + o];
                        dA[i][o] += 0.25 * 2 * factor * vv / SLICES;
                    }
            }
            expected[n] = (float)loss;
        }
        EXPECT_CLOSE(b.loss, expected, N, 1e-6);
        float wanted[D * D], wanted_bias[D];
        for (int i = 0; i < D; i++) {
            wanted_bias[i] = (float)db[i];
            for (int o = 0; o < D; o++) wanted[D * i + o] = (float)dA[i][o];
        }
        EXPECT_CLOSE(b.grads + b.table.info[0].offset, wanted, D * D, 1e-6);
        EXPECT_CLOSE(b.grads + b.table.info[1].offset, wanted_bias, D, 1e-6);
        bench_close(&b);
    }
}

TEST(gradients_are_added_and_losses_without_gradients_are_the_same)
{
    MlpConfig mlp = small_mlp();
    Bench b;
    bench_open(&b, &mlp, 6);
    float *points = test_random(6 * D, 1, 2.0f), loss[6];
    bench_fill(&b, points, SIGMAS, 3, 0);
    for (int k = 0; k < KINDS; k++) {
        size_t n = b.table.block_floats;
        float *once = test_floats(n), *twice = test_floats(n);
        bench_run(&b, kinds[k], once, 1);
        memcpy(loss, b.loss, sizeof loss);
        bench_run(&b, kinds[k], twice, 1);
        bench_run(&b, kinds[k], twice, 1);
        for (size_t i = 0; i < n; i++) once[i] *= 2;
        EXPECT_CLOSE(twice, once, n, 1e-6);
        bench_run(&b, kinds[k], NULL, 1);
        EXPECT_SAME(b.loss, loss, sizeof loss);
    }
    bench_close(&b);
}

/* ---- one optimum ---- */

/* For every network and data: E denoising - E exact = 1 at the weight sigma^2, E sliced = E exact. */
TEST(the_objectives_agree_up_to_one_in_expectation)
{
    enum { N = 500, BATCHES = 40 };
    for (int which = 0; which < 2; which++) {
        MlpConfig mlp = small_mlp();
        Bench b;
        bench_open(&b, which ? &mlp : NULL, N);
        double sum[2] = {0}, square[2] = {0};
        for (int batch = 0; batch < BATCHES; batch++) {
            float points[N * D], loss[KINDS][N];
            uint64_t first = (uint64_t)batch * N;
            toy_points(which ? TOY_TWO_MODES : TOY_RING, 4, false, first, N, points);
            bench_fill(&b, points, SIGMAS, 3, first);
            for (int k = 0; k < KINDS; k++) {
                bench_run(&b, kinds[k], NULL, 0);
                memcpy(loss[k], b.loss, sizeof loss[k]);
            }
            for (int n = 0; n < N; n++)
                for (int k = 0; k < 2; k++) {
                    double difference = (double)loss[k ? 2 : 0][n] - (double)loss[1][n];
                    sum[k] += difference;
                    square[k] += difference * difference;
                }
        }
        double count = (double)N * BATCHES;
        for (int k = 0; k < 2; k++) {
            double mean = sum[k] / count;
            double error = sqrt((square[k] / count - mean * mean) / count);
            EXPECT(error < 0.1);
            EXPECT_NEAR(mean, k ? 0 : 1, 5 * error);
        }
        bench_close(&b);
    }
}

/* On N(mean, C) with noise sigma the best affine score is A = -(C + sigma^2 I)^-1, b = -A mean: there
 * every objective's gradient is zero in expectation, and nowhere near it. */
TEST(the_optimum_on_a_gaussian_is_its_score)
{
    enum { N = 1000, BATCHES = 50 };
    static const double mean[D] = {0.7, -0.4}, sigma[1] = {0.6};
    /* x = mean + L z */
    static const double L[D][D] = {{1.1, 0}, {-0.5, 0.8}};
    double C[D][D], determinant;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            C[i][j] = L[i][0] * L[j][0] + L[i][1] * L[j][1] + (i == j ? sigma[0] * sigma[0] : 0);
    determinant = C[0][0] * C[1][1] - C[0][1] * C[1][0];
    for (int k = 0; k < KINDS; k++)
        for (int off = 0; off < 2; off++) {
            Bench b;
            bench_open(&b, NULL, N);
            float *A = b.weights + b.table.info[0].offset,
                  *bias = b.weights + b.table.info[1].offset;
            A[0] = (float)(-C[1][1] / determinant);
            A[3] = (float)(-C[0][0] / determinant);
            A[1] = A[2] = (float)(C[0][1] / determinant);
            for (int o = 0; o < D; o++)
                bias[o] = (float)(-(double)A[o] * mean[0] - (double)A[D + o] * mean[1]);
            if (off) A[1] += 0.1f;
            double sum[6] = {0}, square[6] = {0};
            for (int batch = 0; batch < BATCHES; batch++) {
                float points[N * D];
                for (int n = 0; n < N; n++) {
                    double z[D];
                    uint64_t number = (uint64_t)(batch * N + n);
                    rng_normals(z, D, 6, rng_stream(RNG_TEST, number), 0);
                    for (int i = 0; i < D; i++)
                        points[D * n + i] = (float)(mean[i] + L[i][0] * z[0] + L[i][1] * z[1]);
                }
                bench_fill(&b, points, sigma, 1, (uint64_t)batch * N);
                memset(b.grads, 0, b.table.block_floats * sizeof(float));
                bench_run(&b, kinds[k], b.grads, 1.0 / N);
                for (int i = 0; i < 6; i++) {
                    double g = (double)(i < 4 ? b.grads[b.table.info[0].offset + (size_t)i]
                                              : b.grads[b.table.info[1].offset + (size_t)i - 4]);
                    sum[i] += g / BATCHES;
                    square[i] += g * g / BATCHES;
                }
            }
            double worst = 0;
            for (int i = 0; i < 6; i++) {
                double error = sqrt((square[i] - sum[i] * sum[i]) / (BATCHES - 1));
                worst = test_larger(worst, fabs(sum[i]) / error);
            }
            EXPECT(off ? worst > 8 : worst < 5);
            bench_close(&b);
        }
}
