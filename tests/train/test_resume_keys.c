/* Every key of the configuration in a resumed run: it is refused or taken, and said. */
#include "base/mem.h"
#include "io/config_fields.h"
#include "resume_case.h"

/* ---- every key of the table ---- */

/* Runs of which every key of "model" and "method" belongs to at least one. */
static const char *const bases[] = {
    "method.type=ddpm",
    "method.type=ddpm method.schedule=betas method.betas=[0.1,0.2,0.3,0.4,0.5,0.6]",
    "method.type=ddpm method.schedule=logsnr",
    "method.type=ddpm method.learn_variance=true",
    "method.type=smld",
    "method.type=sde method.sde=ve",
    "method.type=sde method.sde=vp",
    "method.type=eddpm method.keep=3",
    "method.type=cdm",
    "data.toy=ring method.type=smld method.objective=sliced model.width=8 model.layers=2",
    "model.class_conditional=true train.label_dropout=0.25",
};
enum { BASES = sizeof bases / sizeof *bases };

static const char *const numbers[] = {"auto", "1",    "2",    "3",    "4",    "5",    "6",   "8",
                                      "12",   "16",   "24",   "0",    "0.5",  "0.3",  "0.7", "0.9",
                                      "0.1",  "0.01", "1e-3", "2e-4", "1e-5", "1e-6", "11",  "-7",
                                      "100",  "500",  "999",  "1000", "5000", NULL};
static const char *const lists[] = {"[1]", "[1,2]", "[2]", "[4]", "[8]", "[6]", "[]", NULL};
static const char *const betas[] = {"[0.1,0.2,0.3,0.4,0.5,0.7]", NULL};
static const char *const truths[] = {"true", "false", NULL};
static const char *const texts[] = {"elsewhere", NULL};
static const char *const sizes[] = {"4", "[8,4]", NULL};

static const char *const *candidates(const Field *f)
{
    if (f->choices) return f->choices;
    switch (f->type) {
    case FIELD_BOOL:
        return truths;
    case FIELD_TEXT:
        return texts;
    case FIELD_SIZE:
        return sizes;
    case FIELD_INTS:
        return lists;
    case FIELD_NUMBERS:
        return betas;
    default:
        return numbers;
    }
}

static void count_difference(void *context, const ConfigDifference *d)
{
    (void)d;
    ++*(int *)context;
}

/* Whether the run would see no difference. */
static bool same(const char *run, const Config *a, const Config *b)
{
    Config x = *a, y = *b;
    RunRecord record;
    Err err = {0};
    int count = 0;
    bool found = false;
    if (!EXPECT(checkpoint_peek(run, &record, &found, NULL, 0, &err) && found)) return true;
    run_record_resolve(&record, &x);
    run_record_resolve(&record, &y);
    run_record_free(&record);
    EXPECT(config_diff(&x, &y, count_difference, &count, &err));
    return count == 0;
}

static void free_other(Config *c, const Config *base)
{
    if (c->method.noise.betas != base->method.noise.betas) config_free(c);
}

/* *c becomes `base` with another value of the key that the rules between keys allow: the first from
 * candidate *next on, which then is the one after it. */
static bool change_from(int *next, Config *c, const Config *base, const char *run, const Field *f)
{
    for (const char *const *value = candidates(f) + *next; *value; value++) {
        ++*next;
        char assignment[256];
        *c = *base;
        c->method.noise.betas = NULL;
        c->method.noise.beta_count = 0;
        if (base->method.noise.beta_count > 0) set(c, "method.betas=[0.1,0.2,0.3,0.4,0.5,0.6]");
        snprintf(assignment, sizeof assignment, "%s.%s=%s", f->section, f->key, *value);
        if (config_set(c, assignment, NULL) && config_check(c, NULL) && !same(run, base, c))
            return true;
        free_other(c, base);
    }
    return false;
}

static bool change(Config *c, const Config *base, const char *run, const Field *f)
{
    int next = 0;
    return change_from(&next, c, base, run, f);
}

TEST(a_resumed_run_refuses_another_value_of_every_key_that_says_what_it_is_and_names_both)
{
    bool tried[CONFIG_MAX_KEYS] = {false};
    write_labels(test_folder(), 0);
    for (int b = 0; b < BASES; b++) {
        Config base = tiny_config(bases[b]);
        const char *run = test_path("base%d", b);
        must_train(&base, run, false, NULL);
        FileBytes before = content(run, "config.json");
        for (const Field *f = config_fields; f->key; f++) {
            Config c;
            Watch w = {.count = 0};
            Err err = {0};
            char words[128];
            if (!config_is_identity(f) || !change(&c, &base, run, f)) continue;
            tried[f - config_fields] = true;
            snprintf(words, sizeof words, "%s.%s", f->section, f->key);
            EXPECT_REFUSED(reopens(&c, run, &w, &err), err, ERR_USAGE, words);
            EXPECT_CONTAINS(err.text, " in the run, but ");
            EXPECT_TEXT(w.notes, "");
            free_other(&c, &base);
        }
        expect_config(run, &before);
        file_free(&before);
        Err err = {0};
        Watch w = {.count = 0};
        EXPECT_OK(reopens(&base, run, &w, &err), err);
        config_free(&base);
    }
    /* The kind of network follows from the data: no rule lets it change alone. */
    tried[config_find("model", 5, "type") - config_fields] = true;
    for (const Field *f = config_fields; f->key; f++)
        if (config_is_identity(f) && !EXPECT(tried[f - config_fields]))
            printf("  no base lets %s.%s have another value\n", f->section, f->key);
}

/* Of keys of "data" that make it other data the sentence is about these. Keys of guidance need a guided run. */
TEST(a_resumed_run_takes_another_value_of_every_other_key_and_says_both)
{
    write_labels(test_folder(), 0);
    Config base =
        tiny_config("model.class_conditional=true train.label_dropout=0.25 sample.guidance=2");
    const char *run = test_path("run");
    must_train(&base, run, false, NULL);
    for (const Field *f = config_fields; f->key; f++) {
        Config c;
        Watch w = {.count = 0};
        Err err = {0};
        char words[128];
        if (config_is_identity(f)) continue;
        bool changed = change(&c, &base, run, f);
        if (!EXPECT(changed)) printf("  %s.%s has no other value\n", f->section, f->key);
        if (!changed) continue;
        if (c.train.steps <= base.train.steps) c.train.steps = base.train.steps + 1;
        if (strcmp(f->section, "data") == 0 && strcmp(f->key, "path") == 0) {
            snprintf(c.data.path, sizeof c.data.path, "%s", test_path("moved-images-idx3-ubyte"));
            make_data(c.data.path, 10);
        }
        bool ok = reopens(&c, run, &w, &err);
        snprintf(words, sizeof words, "%s.%s: ", f->section, f->key);
        if (ok) {
            EXPECT_CONTAINS(w.notes, words);
            EXPECT_CONTAINS(w.notes, " -> ");
        } else if (!EXPECT(strcmp(f->section, "data") == 0)) {
            printf("  %s%s\n", words, err.text);
        }
    }
}

TEST(what_auto_stands_for_is_no_other_value)
{
    Config c = tiny_config("method.type=smld");
    const char *run = test_path("auto");
    Err err = {0};
    Watch w = {.count = 0};
    Trainer *t;
    TrainCallbacks callbacks = callbacks_of(&w);
    must_train(&c, run, false, NULL);
    if (!EXPECT(trainer_resume(&t, run, &c, &callbacks, &err))) return;
    c.method.noise.sigma_max = t->plan.model.noise.sigma_max;
    c.method.noise.levels = t->plan.model.noise.levels;
    trainer_close(t);
    set(&c, "model.type=unet");
    set(&c, "model.time=fourier");
    set(&c, "model.fourier_scale=16");
    set(&c, "model.groups=2");
    set(&c, "data.size=8");
    set(&c, "data.channels=1");
    set(&c, "data.kind=idx");
    w.notes[0] = '\0';
    EXPECT_OK(reopens(&c, run, &w, &err), err);
    EXPECT(!strstr(w.notes, "->"));
    c.method.noise.sigma_max *= 1.001;
    EXPECT_FAILS(reopens(&c, run, &w, &err), err, "method.sigma_max is ");
}

/* ---- train.init ---- */

/* Keys of "model" that another start or another noise in the network would not change the meaning of
 * the weights of. */
static bool weights_serve(const Field *f)
{
    static const char *const keys[] = {"dropout", "zero_init", "fourier_scale"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(f->key, keys[i]) == 0) return true;
    return false;
}

TEST(train_init_refuses_a_model_of_another_network_for_every_key_of_model_and_names_the_key)
{
    static const int tried[] = {0, 4}; /* ddpm, smld */
    int keys = 0;
    write_labels(test_folder(), 0);
    for (size_t b = 0; b < sizeof tried / sizeof *tried; b++) {
        Config base = tiny_config(bases[tried[b]]);
        const char *run = test_path("base%zu", b);
        Err err = {0};
        must_train(&base, run, false, NULL);
        for (const Field *f = config_fields; f->key; f++) {
            Config c;
            Trainer *t = NULL;
            int next = 0;
            if (strcmp(f->section, "model") != 0) continue;
            while (!t && change_from(&next, &c, &base, run, f)) trainer_open(&t, &c, NULL, &err);
            if (!t) continue;
            keys++;
            snprintf(t->config.train.init, sizeof t->config.train.init, "%.900s/model", run);
            bool ok = init_weights(t, &err);
            trainer_close(t);
            if (!EXPECT(ok == weights_serve(f))) printf("  model.%s: %s\n", f->key, err.text);
            if (ok) continue;
            EXPECT_INT(err.kind, ERR_USAGE);
            EXPECT_CONTAINS(err.text, " is another network: ");
            EXPECT_CONTAINS(err.text, " there, but ");
            if (strcmp(f->key, "multipliers") != 0) EXPECT_CONTAINS(err.text, f->key);
        }
    }
    EXPECT(keys >= 30);
}
