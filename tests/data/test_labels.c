/* The time that a network is given: the same function of the noise level in training, validation,
 * sampling and scoring, for every method and kind of time features; and that what is trained so finds
 * the modes of a toy. */

#include "base/mem.h"
#include "base/parallel.h"
#include "data/toy.h"
#include "diffusion/likelihood.h"
#include "diffusion/sampler.h"
#include "exact_denoiser.h"
#include "methods/method.h"
#include "model/model.h"
#include "sample_defaults.h"
#include "test.h"
#include "train/train_internal.h"

typedef struct {
    const char *name;
    double scale; /* label = scale * time; 0: the step of the whole chain, or sigma */
    const char *settings[6];
} Kind;

static const Kind kinds[] = {
    {"ddpm", 0, {"method.type=ddpm", "method.steps=100", NULL}},
    {"eddpm", 0, {"method.type=eddpm", "method.steps=100", "method.keep=30", NULL}},
    {"smld", 0, {"method.type=smld", "method.sigma_min=0.1", NULL}},
    {"ve", 0, {"method.type=sde", "method.sde=ve", "method.sigma_min=0.1", NULL}},
    {"vp", 999, {"method.type=sde", "method.sde=vp", "model.time=positional", NULL}},
    {"vp-fourier", 1, {"method.type=sde", "method.sde=vp", "model.time=fourier", NULL}},
    {"subvp", 999, {"method.type=sde", "method.sde=subvp", "model.time=positional", NULL}},
    {"subvp-fourier", 1, {"method.type=sde", "method.sde=subvp", "model.time=fourier", NULL}},
    {"smld-v", 1, {"method.type=smld", "method.sigma_min=0.1", "method.prediction=v", NULL}},
    {"ve-v",
     999,
     {"method.type=sde", "method.sde=ve", "method.sigma_min=0.1", "method.prediction=v", NULL}},
};
enum { KINDS = sizeof kinds / sizeof *kinds, BATCH = 8, HELD_OUT = 16 };

static void must(bool ok, const Err *err)
{
    if (EXPECT(ok)) return;
    printf("  %s\n", err->text);
    abort();
}

static Config config_of(const Kind *kind, const char *const *more)
{
    Config c;
    Err err = {0};
    config_defaults(&c);
    must(config_set(&c, "data.toy=ring", &err), &err);
    for (int i = 0; kind->settings[i]; i++) must(config_set(&c, kind->settings[i], &err), &err);
    for (int i = 0; more[i]; i++) must(config_set(&c, more[i], &err), &err);
    return c;
}

static Config small_config(const Kind *kind)
{
    static const char *const small[] = {"model.width=16",
                                        "model.layers=1",
                                        "train.batch=8",
                                        "train.micro_batch=8",
                                        "train.steps=4",
                                        "train.validate=16",
                                        "train.checkpoint_every=0",
                                        "sample.count=8",
                                        "train.warmup=0",
                                        "data.validation=16",
                                        NULL};
    return config_of(kind, small);
}

/* What a network should be given at a time of its process. */
static float label_at(const Kind *kind, const Process *p, double time)
{
    if (kind->scale > 0) return (float)(kind->scale * time);
    NoiseLevel level = process_level(p, time);
    if (p->kind != PROCESS_DDPM) return (float)level.sigma;
    return (float)(p->labels ? p->labels[(int)time] : time);
}

/* What the network was given in its last pass. */
static const float *given(const Network *nw)
{
    return net_value(nw->net, nw->t);
}

static const char *run_folder(char path[PATH_BYTES], const Kind *kind)
{
    snprintf(path, PATH_BYTES, "%.1000s/%s", test_folder(), kind->name);
    return path;
}

static Trainer *trainer_of(const Kind *kind, const Config *c)
{
    Trainer *t;
    Err err = {0};
    char run[PATH_BYTES];
    must(trainer_open(&t, c, NULL, &err), &err);
    must(trainer_run(t, run_folder(run, kind), &err), &err);
    return t;
}

/* A denoiser that looks at what the network within it was given. */
typedef struct {
    const Kind *kind;
    const Process *process;
    const Network *network;
    Denoiser inner;
    long looked, wrong;
} Spy;

static void look(Spy *s, int count, const NoiseLevel *levels, int stride)
{
    int last = count % s->network->batch ? count % s->network->batch : s->network->batch;
    for (int i = 0; i < last && i < count; i++) {
        double time = levels[(count - last + i) * stride].time;
        if (s->kind->scale <= 0 && time != floor(time) && s->process->kind == PROCESS_DDPM)
            continue; /* between the steps of a chain the label is interpolated */
        s->looked++;
        s->wrong += given(s->network)[i] != label_at(s->kind, s->process, time);
    }
}

static bool spy_predict(void *context, int count, const double *x, const NoiseLevel *levels,
                        int stride, double *eps, Err *err)
{
    Spy *s = context;
    if (!s->inner.predict(s->inner.context, count, x, levels, stride, eps, err)) return false;
    look(s, count, levels, stride);
    return true;
}

static bool spy_predict_vjp(void *context, int count, const double *x, const NoiseLevel *levels,
                            int stride, const double *v, double *eps, double *jtv, Err *err)
{
    Spy *s = context;
    if (!s->inner.predict_vjp(s->inner.context, count, x, levels, stride, v, eps, jtv, err))
        return false;
    look(s, count, levels, stride);
    return true;
}

static Denoiser spied(Spy *s)
{
    return (Denoiser){.context = s,
                      .dims = s->inner.dims,
                      .predict = spy_predict,
                      .predict_vjp = s->inner.predict_vjp ? spy_predict_vjp : NULL};
}

static void expect_looked(const Spy *s, const char *what)
{
    bool seen = EXPECT(s->looked > 0), right = EXPECT_INT(s->wrong, 0);
    if (seen && right) return;
    printf("  %s, %s: %ld labels, %ld wrong\n", s->kind->name, what, s->looked, s->wrong);
}

/* In training and validation. */
static void expect_trained_labels(const Kind *kind, Trainer *t)
{
    TrainBatch *b = &t->train_batch[0];
    uint64_t first = t->state.samples;
    Err err = {0};
    must(!t->learner || mask_learner_draw(t->learner, 0, first, &err), &err);
    batch_read_train(t, b, first, NULL);
    batch_diffuse_train(t, b, first);
    batch_train(t, &t->train_network, b, first, t->optimizer.grads, 1);
    for (int i = 0; i < BATCH; i++) {
        double time = training_level(t, first + (uint64_t)i).time;
        EXPECT(given(&t->train_network)[i] == label_at(kind, &t->process, time));
    }
    b = &t->eval_batch;
    batch_fill_validation(t, b, 0, HELD_OUT, NULL);
    batch_loss(t, b);
    for (int i = 0; i < HELD_OUT; i++) {
        double time = validation_level(t, i, HELD_OUT).time;
        EXPECT(given(&t->eval_network)[i] == label_at(kind, t->sampled, time));
    }
}

static void expect_sampled_labels(const Kind *kind, Model *m, const char *name)
{
    enum { COUNT = 3, DIMS = TOY_DIMS };
    double x[COUNT * DIMS * (1 + SAMPLER_SCRATCH)];
    Err err = {0};
    const Sampler *sampler = sampler_find(name);
    LevelGrid grid = {0};
    SampleRun run;
    sample_run_defaults(&run);
    run.process = &m->process;
    run.config.tolerance = 1e-2;
    SeedNoise seeds = {.first_seed = 1};
    NoiseSource noise = seed_noise(&seeds);
    Spy spy = {.kind = kind, .process = &m->process};
    must(model_prepare(m, COUNT, -1, false, &spy.inner, &err), &err);
    spy.network = &m->network;
    must(sampler_grid(sampler, &run, SPACING_AUTO, 0, &grid, &err), &err);
    run.grid = &grid;
    Denoiser d = spied(&spy);
    must(sampler_run(sampler, &run, &d, &noise, COUNT, x, x + COUNT * DIMS, &err), &err);
    expect_looked(&spy, name);
    level_grid_free(&grid);
}

/* By the probability flow and, of chains of steps, by the bound. */
static void expect_scored_labels(const Kind *kind, Model *m)
{
    enum { COUNT = 2 };
    const uint64_t seeds[COUNT] = {5, 6};
    double x[COUNT * TOY_DIMS] = {1, 0.5, -1, 0.3}, log_p[COUNT];
    Likelihood results[COUNT];
    const uint64_t draws[COUNT] = {0, 0};
    Err err = {0};
    Spy spy = {.kind = kind, .process = &m->process};
    must(model_prepare(m, COUNT, -1, true, &spy.inner, &err), &err);
    spy.network = &m->network;
    Denoiser d = spied(&spy);
    LikelihoodRun flow = {
        .process = &m->process, .probes = 1, .draws = 1, .tolerance = 0.05, .call_limit = 100000};
    /* Of a chain the flow asks between the steps. */
    if (m->process.kind == PROCESS_DDPM) {
        LikelihoodRun bound = {.process = &m->process, .variance = VARIANCE_LARGE, .batch = COUNT};
        ImageSeeds images = {.seeds = seeds};
        NoiseSource noise = likelihood_noise(&images);
        must(bound_run(&bound, &d, &noise, COUNT, x, results, NULL, &err), &err);
    } else {
        must(flow_log_density(&flow, &d, COUNT, x, seeds, draws, log_p, NULL, &err), &err);
    }
    expect_looked(&spy, "scoring");
}

TEST(the_network_is_given_the_same_label_in_training_validation_sampling_and_scoring)
{
    static const char *const names[] = {"ddim", "dpm++2m", "heun", "ode"};
    parallel_set_threads(1);
    for (int k = 0; k < KINDS; k++) {
        Config c = small_config(&kinds[k]);
        Trainer *t = trainer_of(&kinds[k], &c);
        expect_trained_labels(&kinds[k], t);
        Model m;
        Err err = {0};
        char run[PATH_BYTES];
        must(model_open(&m, run_folder(run, &kinds[k]), 0, 0, &err), &err);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            expect_sampled_labels(&kinds[k], &m, names[i]);
        expect_sampled_labels(&kinds[k], &m,
                              method_settings(m.config.method, m.config.noise.sde)->sampler);
        expect_scored_labels(&kinds[k], &m);
        model_close(&m);
        trainer_close(t);
        config_free(&c);
    }
}

/* ---- folders of earlier versions ---- */

/* Makes the run's model folder one that an earlier version wrote. */
static void make_old(const char *run)
{
    static const char now[] = "fourier_time", then[] = "fourier_linear";
    char path[PATH_BYTES], text[4096];
    FileBytes file;
    Err err = {0};
    snprintf(path, sizeof path, "%.1000s/model/mlp/config.json", run);
    must(file_read(path, sizeof text, &file, &err), &err);
    const char *at = strstr((const char *)file.bytes, now);
    if (!EXPECT(at != NULL)) return;
    int before = (int)(at - (const char *)file.bytes);
    int size = snprintf(text, sizeof text, "%.*s%s%s", before, (const char *)file.bytes, then,
                        at + sizeof now - 1);
    must(file_write(path, text, (size_t)size, &err), &err);
    file_free(&file);
}

TEST(a_vp_folder_of_an_earlier_version_is_sampled_and_resumed_on_the_label_it_was_trained_on)
{
    const Kind now = kinds[5];
    Kind old = now;
    old.scale = 999;
    parallel_set_threads(1);
    char run[PATH_BYTES];
    Err err = {0};
    Config c = small_config(&now);
    trainer_close(trainer_of(&now, &c));
    make_old(run_folder(run, &now));
    Model m;
    must(model_open(&m, run, 0, 0, &err), &err);
    EXPECT_INT(m.config.warning_count, 1);
    EXPECT_CONTAINS(m.config.warnings[0], "trained this model on the time label 999 t");
    expect_sampled_labels(&old, &m, "ddim");
    expect_scored_labels(&old, &m);
    model_close(&m);
    for (int again = 0; again < 2; again++) {
        Trainer *t;
        c.train.steps += 2;
        must(trainer_resume(&t, run, &c, NULL, &err) && trainer_run(t, NULL, &err), &err);
        expect_trained_labels(&old, t);
        trainer_close(t);
    }
    config_free(&c);
}

/* ---- end to end ---- */

static double share_near_modes(const double *x, int count)
{
    ToyMixture ring;
    int near = 0;
    EXPECT(toy_mixture(TOY_RING, &ring));
    for (int k = 0; k < count; k++) {
        bool found = false;
        for (int i = 0; i < ring.modes && !found; i++)
            found = hypot(x[2 * k] - ring.means[2 * i], x[2 * k + 1] - ring.means[2 * i + 1]) <=
                    3 * ring.stds[i];
        near += found;
    }
    return (double)near / count;
}

static void draw_points(Model *m, int count, double *x)
{
    Err err = {0};
    const Sampler *sampler = sampler_find("dpm++2m");
    LevelGrid grid = {0};
    SampleRun run;
    Denoiser d;
    SeedNoise seeds = {.first_seed = 3};
    NoiseSource noise = seed_noise(&seeds);
    sample_run_defaults(&run);
    run.process = &m->process;
    run.config.clip = false;
    must(model_prepare(m, count, -1, false, &d, &err), &err);
    must(sampler_grid(sampler, &run, SPACING_AUTO, 40, &grid, &err), &err);
    run.grid = &grid;
    must(sampler_run(sampler, &run, &d, &noise, count, x, x + (size_t)count * TOY_DIMS, &err),
         &err);
    level_grid_free(&grid);
}

TEST(a_model_of_every_method_and_kind_of_time_features_finds_the_modes_of_the_ring)
{
    enum { COUNT = 1000 };
    static const double LEAST = 0.8; /* of points within 3 sigma of a mode; exact: 0.989 */
    static const char *const training[] = {"model.width=64",   "train.batch=128",
                                           "train.steps=2000", "train.schedule=cosine",
                                           "train.lr=0.004",   "train.warmup=50",
                                           "train.ema=0.98",   "train.checkpoint_every=0",
                                           "sample.count=8",   NULL};
    parallel_set_threads(1);
    double *x = mem_doubles((size_t)COUNT * TOY_DIMS * (1 + SAMPLER_SCRATCH));
    for (int k = 0; k < KINDS; k++) {
        Config c = config_of(&kinds[k], training);
        trainer_close(trainer_of(&kinds[k], &c));
        Model m;
        Err err = {0};
        char run[PATH_BYTES];
        must(model_open(&m, run_folder(run, &kinds[k]), 0, 0, &err), &err);
        draw_points(&m, COUNT, x);
        double share = share_near_modes(x, COUNT);
        if (!EXPECT(share >= LEAST)) printf("  %s: %.3f\n", kinds[k].name, share);
        model_close(&m);
        config_free(&c);
    }
    mem_free(x);
}
