/* Which predictions a film shows, and that they are what the sampler was given. */
#include "cli/film.h"

#include "data/image.h"
#include "solver_case.h"

enum { COUNT = 4, D = 2, MOST_CALLS = 4096 };

static const GaussianData gaussian = {.dims = D, .mean = 0.25, .std = 0.5};

/* The predictions of all calls of image 0 .. COUNT - 1, beside a film. */
typedef struct {
    Film film;
    int first;
    long calls[COUNT];
    double x0[COUNT][MOST_CALLS][D], angle[COUNT][MOST_CALLS];
} Record;

static void see(void *context, const SeenCall *call)
{
    Record *rec = context;
    film_see(&rec->film, call);
    for (int r = 0; r < call->count; r++) {
        int image = rec->first + (call->images ? call->images[r] : r);
        NoiseLevel level = call->levels[r * call->stride];
        long at = rec->calls[image]++;
        if (!EXPECT(at < MOST_CALLS)) exit(1);
        rec->angle[image][at] = atan2(level.sigma, level.alpha);
        for (int i = 0; i < D; i++)
            rec->x0[image][at][i] = x0_from_eps(level, call->x[r * D + i], call->eps[r * D + i]);
    }
}

static void free_film(void *what)
{
    Record *rec = what;
    film_close(&rec->film);
    free(rec);
}

/* Runs `count` images from `first` on, in one batch. x[count, D] are the finished ones. */
static void run_batch(Record *rec, Case *c, const char *sampler, int first, int count, double *x)
{
    Err err = {0};
    WatchedDenoiser w = {.inner = gaussian_denoiser(&gaussian), .context = rec, .seen = see};
    SeedNoise seeds = {.first_seed = 7 + (uint64_t)first};
    rec->first = first;
    film_begin(&rec->film, &c->run, first);
    must(sample(sampler, c, watched_denoiser(&w), seed_noise(&seeds), count, x, &err), &err);
    for (int i = 0; i < count; i++) film_end(&rec->film, first + i, x + i * D);
}

static Record *record_new(bool points, bool by_image, int moments, bool own_calls)
{
    Err err = {0};
    Record *rec = calloc(1, sizeof *rec);
    test_at_end(free_film, rec);
    must(film_open(&rec->film, COUNT, D, points, by_image, moments, own_calls, &err), &err);
    return rec;
}

static void expect_moment(const Record *rec, int image, int moment, const double *x0)
{
    const float *xy = rec->film.xy + film_place(&rec->film, image, moment) * D;
    for (int i = 0; i < D; i++) EXPECT_NEAR((double)xy[i], (double)(float)x0[i], 0);
}

TEST(moments_are_even_calls_from_the_first_on_and_the_finished_image_is_last)
{
    static const long even[4] = {1, 4, 7, 10}; /* of 12 calls */
    for (int by_image = 0; by_image < 2; by_image++) {
        Case *c = case_new(&every_process[PROCESS_DDPM]);
        Record *rec = record_new(true, by_image, 4, false);
        double x[COUNT * D];
        case_grid(c, "ddim", 12);
        run_batch(rec, c, "ddim", 0, COUNT, x);
        EXPECT_INT(rec->film.moments, 4);
        for (int i = 0; i < COUNT; i++) {
            EXPECT_INT(rec->calls[i], 12);
            for (int j = 0; j < 4; j++) {
                EXPECT_INT(film_call(&rec->film, j), even[j]);
                expect_moment(rec, i, j, rec->x0[i][even[j] - 1]);
            }
            expect_moment(rec, i, 4, x + i * D);
        }
    }
}

TEST(a_film_shows_no_more_moments_than_there_are_calls)
{
    Case *c = case_new(&every_process[PROCESS_VP]);
    Record *rec = record_new(true, true, 10, false);
    double x[COUNT * D];
    case_grid(c, "dpm++2m", 3);
    run_batch(rec, c, "dpm++2m", 0, COUNT, x);
    EXPECT_INT(rec->film.moments, 3);
    for (int j = 0; j < 3; j++) {
        EXPECT_INT(film_call(&rec->film, j), j + 1);
        expect_moment(rec, 2, j, rec->x0[2][j]);
    }
    expect_moment(rec, 2, 3, x + 2 * D);
    /* Images stand in order, with all that belongs to each. */
    EXPECT_INT(film_place(&rec->film, 1, 0), 4);
}

TEST(a_film_of_ode_shows_the_calls_nearest_to_even_angles_of_each_image)
{
    enum { MOMENTS = 6 };
    Case *c = case_new(&every_process[PROCESS_VP]);
    Record *rec = record_new(true, true, MOMENTS, true);
    double x[COUNT * D];
    case_grid(c, "ode", 0);
    run_batch(rec, c, "ode", 0, COUNT, x);
    EXPECT_INT(rec->film.moments, MOMENTS);
    const LevelGrid *g = &c->grid;
    double noisy = atan2(g->level[0].sigma, g->level[0].alpha);
    double clean = atan2(g->level[g->n - 1].sigma, g->level[g->n - 1].alpha);
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < MOMENTS; j++) {
            double wanted = noisy + (clean - noisy) * j / MOMENTS;
            long best = 0;
            for (long k = 1; k < rec->calls[i]; k++)
                if (fabs(rec->angle[i][k] - wanted) < fabs(rec->angle[i][best] - wanted)) best = k;
            expect_moment(rec, i, j, rec->x0[i][best]);
        }
        expect_moment(rec, i, MOMENTS, x + i * D);
    }
}

TEST(an_images_film_does_not_depend_on_its_batch)
{
    static const struct {
        const char *sampler;
        int calls;
        bool own;
    } runs[] = {{"ddim", 12, false}, {"heun", 9, false}, {"pc", 12, false}, {"ode", 0, true}};
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        Case *c = case_new(&every_process[PROCESS_VP]);
        Record *together = record_new(true, true, 5, runs[k].own);
        Record *apart = record_new(true, true, 5, runs[k].own);
        double x[COUNT * D];
        case_grid(c, runs[k].sampler, runs[k].calls);
        run_batch(together, c, runs[k].sampler, 0, COUNT, x);
        run_batch(apart, c, runs[k].sampler, 0, 3, x);
        run_batch(apart, c, runs[k].sampler, 3, 1, x);
        EXPECT_SAME(apart->film.xy, together->film.xy, COUNT * 6 * D * sizeof(float));
    }
}

TEST(pixels_of_a_film_are_the_bytes_of_its_values)
{
    Case *c = case_new(&every_process[PROCESS_DDPM]);
    Record *rec = record_new(false, false, 3, false);
    double x[COUNT * D];
    case_grid(c, "ddim", 6);
    run_batch(rec, c, "ddim", 0, COUNT, x);
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j <= 3; j++)
            for (int d = 0; d < D; d++) {
                double value = j < 3 ? rec->x0[i][2 * j][d] : x[i * D + d];
                EXPECT_INT(rec->film.pixels[(j * COUNT + i) * D + d], image_byte((float)value));
            }
}
