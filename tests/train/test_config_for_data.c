/* The configuration that is chosen for a person's pictures: tables of made-up facts and speeds. */
#include "base/mem.h"
#include "model/network_open.h"
#include "train/config_for_data.h"

#include "test.h"

/* Facts of `count` images of which one was seen. */
static DataFacts facts_of(DataKind kind, uint64_t count, int height, int width, bool colour)
{
    int side = height < width ? height : width;
    return (DataFacts){.kind = kind,
                       .count = count,
                       .seen = 1,
                       .height = height,
                       .width = width,
                       .sides = {side},
                       .colour = colour};
}

/* Photos of several sizes, whose middle one is `side`. */
static DataFacts photos_of(uint64_t count, int side)
{
    DataFacts f = facts_of(DATA_FOLDER, count, 0, 0, true);
    f.seen = 3;
    f.sides[0] = side / 2;
    f.sides[1] = side;
    f.sides[2] = 5 * side;
    return f;
}

/* A machine that takes so many seconds for a network of 64 pixels, and less by their number. */
typedef struct {
    double at_64;
    int asked;
    int fails_at; /* 0: never */
} Machine;

static bool speed_of(void *context, const Config *c, double *seconds, Err *err)
{
    Machine *m = context;
    m->asked++;
    *seconds = m->at_64 * c->data.height * c->data.width / 4096;
    return m->fails_at != m->asked || err_set(err, ERR_INTERRUPTED, "stopped");
}

static ChosenConfig choose(const DataFacts *f, const DataWishes *w, Machine *m)
{
    ChosenConfig c;
    Err err = {0};
    EXPECT_OK(config_for_data(&c, f, w, speed_of, m, &err), err);
    return c;
}

static void expect_list(const int *list, int count, const char *expected)
{
    char text[64] = "";
    for (int i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "", list[i]);
    EXPECT_TEXT(text, expected);
}

TEST(idx_of_28x28_gets_the_recipe_of_the_demo)
{
    DataFacts f = facts_of(DATA_IDX, 60000, 28, 28, false);
    DataWishes w = {.effort = EFFORT_MEDIUM, .classes = true};
    Machine m = {.at_64 = 0.2 * 4096 / 784};
    ChosenConfig chosen = choose(&f, &w, &m);
    Config *c = &chosen.config, demo;
    EXPECT_NEAR(chosen.updates, 3000, 1e-6);
    EXPECT_INT(chosen.too_slow, 0);
    EXPECT_INT(c->data.height, 28);
    EXPECT_INT(c->data.width, 28);
    EXPECT_INT(c->data.channels, 1);
    EXPECT_INT(c->data.validation, 1000);
    EXPECT(!c->data.flip);
    EXPECT_INT(c->train.checkpoint_every, 500);
    EXPECT_INT(c->train.steps, 0);
    EXPECT_NEAR(c->train.minutes, 10, 0);
    Err err = {0};
    config_defaults(&demo);
    EXPECT_OK(config_load(&demo, "configs/fashion-ddpm.json", &err), err);
    EXPECT_SAME(&c->model, &demo.model, sizeof demo.model);
    EXPECT_SAME(&c->method, &demo.method, sizeof demo.method);
    EXPECT_SAME(&c->train.optimizer, &demo.train.optimizer, sizeof demo.train.optimizer);
    EXPECT_INT(c->train.batch, demo.train.batch);
    EXPECT_NEAR(c->train.label_dropout, demo.train.label_dropout, 0);
}

TEST(size_is_the_largest_of_the_list_that_the_middle_picture_carries)
{
    static const struct {
        int middle, size;
    } rows[] = {{8, 8},   {15, 8},  {16, 16}, {31, 16}, {32, 32},
                {47, 32}, {48, 48}, {63, 48}, {64, 64}, {4000, 64}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = photos_of(5000, rows[i].middle);
        DataWishes w = {.effort = EFFORT_MEDIUM};
        Machine m = {.at_64 = 0.1};
        ChosenConfig c = choose(&f, &w, &m);
        EXPECT_INT(c.config.data.height, rows[i].size);
        EXPECT_INT(c.config.data.width, rows[i].size);
    }
}

TEST(one_size_that_all_have_is_kept_up_to_64_where_it_can_be_halved)
{
    static const struct {
        int height, width, kept_height, kept_width;
    } rows[] = {{28, 28, 28, 28}, {32, 32, 32, 32}, {64, 64, 64, 64},   {20, 24, 20, 24},
                {30, 30, 16, 16}, {50, 50, 48, 48}, {128, 128, 64, 64}, {48, 64, 48, 64},
                {56, 72, 48, 48}, {8, 8, 8, 8},     {9, 9, 8, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = facts_of(DATA_FOLDER, 5000, rows[i].height, rows[i].width, true);
        DataWishes w = {.effort = EFFORT_MEDIUM};
        Machine m = {.at_64 = 0.1};
        ChosenConfig c = choose(&f, &w, &m);
        EXPECT_INT(c.config.data.height, rows[i].kept_height);
        EXPECT_INT(c.config.data.width, rows[i].kept_width);
    }
}

TEST(sides_halve_to_8_and_the_nearest_that_can_is_named)
{
    static const struct {
        int side, levels, nearest;
    } rows[] = {{8, 2, 8},    {9, 0, 8},     {11, 0, 10},   {12, 2, 12},   {16, 2, 16},
                {18, 0, 16},  {22, 0, 20},   {28, 3, 28},   {30, 0, 28},   {32, 3, 32},
                {36, 0, 32},  {37, 0, 40},   {50, 0, 48},   {60, 0, 56},   {64, 4, 64},
                {100, 0, 96}, {128, 5, 128}, {200, 0, 192}, {256, 6, 256}, {300, 0, 256},
                {1, 0, 8},    {7, 0, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].levels) EXPECT_INT(own_levels(rows[i].side, rows[i].side), rows[i].levels);
        EXPECT_INT(own_nearest_side(rows[i].side), rows[i].nearest);
    }
    EXPECT_INT(own_levels(28, 30), 0);
    EXPECT_INT(own_levels(16, 30), 2);
}

TEST(width_and_attention_follow_the_side_of_a_level)
{
    static const struct {
        EffortKind effort;
        int side, channels;
        const char *multipliers, *attention;
    } rows[] = {
        {EFFORT_MEDIUM, 8, 64, "1 1", "8 4"},      {EFFORT_MEDIUM, 16, 64, "1 1", "8"},
        {EFFORT_MEDIUM, 28, 32, "1 2 2", "7"},     {EFFORT_MEDIUM, 32, 32, "1 2 2", "8"},
        {EFFORT_MEDIUM, 48, 16, "1 2 4 4", "6"},   {EFFORT_MEDIUM, 64, 16, "1 2 4 4", "8"},
        {EFFORT_SMALL, 32, 16, "1 2 2", "8"},      {EFFORT_LARGE, 32, 48, "1 2 2", "16 8"},
        {EFFORT_LARGE, 64, 24, "1 2 4 4", "16 8"}, {EFFORT_SMALL, 128, 8, "1 1 2 4 4", "8"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = photos_of(5000, 400);
        DataWishes w = {.effort = rows[i].effort};
        Config c;
        config_for_size(&c, &f, &w, rows[i].side, rows[i].side, 10, 2000);
        EXPECT_INT(c.model.channels, rows[i].channels);
        expect_list(c.model.multipliers, c.model.unet.levels, rows[i].multipliers);
        expect_list(c.model.attention, c.model.attentions, rows[i].attention);
        EXPECT_INT(c.model.unet.layers_per_block, rows[i].effort == EFFORT_LARGE ? 2 : 1);
    }
}

TEST(every_size_and_effort_makes_a_network_and_reads_back_from_its_json)
{
    for (int side = OWN_LEAST_SIDE; side <= OWN_MOST_SIDE; side++) {
        for (int effort = 0; effort_words[effort] && own_levels(side, side); effort++) {
            DataFacts f = photos_of(5000, 400);
            DataWishes w = {.effort = (EffortKind)effort};
            Config c, back;
            ModelConfig model = {0};
            Err err = {0};
            config_for_size(&c, &f, &w, side, side, efforts[effort].minutes, 2000);
            EXPECT_OK(config_check(&c, &err), err);
            char *text = config_to_json(&c);
            config_defaults(&back);
            if (!EXPECT(text != NULL)) return;
            EXPECT_OK(config_parse(&back, text, strlen(text), "json", &err), err);
            EXPECT_SAME(&back, &c, sizeof c);
            mem_free(text);
            config_resolve(&c);
            EXPECT_OK(
                network_from_config(&c, (Shape){.H = side, .W = side, .C = 3}, 2, &model, &err),
                err);
        }
    }
}

TEST(batch_and_held_out_follow_the_count)
{
    static const struct {
        uint64_t count;
        int middle, batch, held;
    } rows[] = {{10, 64, 16, 2},     {20, 32, 16, 2},       {99, 32, 16, 9},
                {100, 32, 32, 10},   {999, 32, 32, 99},     {1000, 32, 64, 100},
                {9999, 32, 64, 999}, {10000, 64, 32, 1000}, {50000, 16, 64, 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = photos_of(rows[i].count, rows[i].middle);
        DataWishes w = {.effort = EFFORT_MEDIUM};
        Machine m = {.at_64 = 0.1};
        ChosenConfig c = choose(&f, &w, &m);
        EXPECT_INT(c.config.train.batch, rows[i].batch);
        EXPECT_INT(c.config.data.validation, rows[i].held);
    }
}

TEST(flips_are_for_colour_but_not_for_idx)
{
    static const struct {
        DataKind kind;
        bool colour, flip;
    } rows[] = {{DATA_IDX, false, false},
                {DATA_IDX, true, false},
                {DATA_FOLDER, false, false},
                {DATA_FOLDER, true, true},
                {DATA_CIFAR10, true, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = facts_of(rows[i].kind, 5000, 32, 32, rows[i].colour);
        DataWishes w = {.effort = EFFORT_MEDIUM};
        Config c;
        config_for_size(&c, &f, &w, 32, 32, 10, 2000);
        EXPECT_INT(c.data.flip, rows[i].flip);
        EXPECT_INT(c.data.channels, rows[i].colour ? 3 : 1);
        w.channels = 4;
        config_for_size(&c, &f, &w, 32, 32, 10, 2000);
        EXPECT_INT(c.data.channels, 4);
    }
}

TEST(a_slow_machine_gets_smaller_pictures_and_then_more_minutes)
{
    static const struct {
        double at_64, minutes, wished;
        int size, too_slow, asked;
    } rows[] = {
        {1, 10, 0, 64, 0, 1},                             /* 600 updates */
        {1.01, 10, 0, 48, 64, 2}, {2, 10, 0, 32, 64, 3},  /* at 48: 533 updates */
        {4, 10, 0, 32, 64, 3},    {10, 25, 0, 32, 64, 3}, /* 2.5 seconds an update of 32x32 */
        {10, 3, 3, 32, 64, 3},    {2, 20, 20, 64, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = photos_of(5000, 200);
        DataWishes w = {.effort = EFFORT_MEDIUM, .minutes = rows[i].wished};
        Machine m = {.at_64 = rows[i].at_64};
        ChosenConfig c = choose(&f, &w, &m);
        EXPECT_INT(c.config.data.height, rows[i].size);
        EXPECT_INT(c.too_slow, rows[i].too_slow);
        EXPECT_INT(m.asked, rows[i].asked);
        EXPECT_NEAR(c.config.train.minutes, rows[i].minutes, 0);
        EXPECT_NEAR(c.updates, 60 * rows[i].minutes / c.seconds, 1e-6);
        double asked = rows[i].wished > 0 ? rows[i].wished : 10;
        if (c.too_slow) EXPECT_NEAR(c.slow_updates, 60 * asked / rows[i].at_64, 1e-6);
    }
}

TEST(small_pictures_keep_their_size_however_slow)
{
    DataFacts idx = facts_of(DATA_IDX, 60000, 28, 28, false), tiny = photos_of(5000, 20);
    DataWishes w = {.effort = EFFORT_MEDIUM};
    Machine m = {.at_64 = 100};
    EXPECT_INT(choose(&idx, &w, &m).config.data.height, 28);
    EXPECT_INT(choose(&tiny, &w, &m).config.data.height, 16);
}

TEST(a_wished_size_is_kept_however_slow)
{
    DataFacts f = photos_of(5000, 200);
    DataWishes w = {.effort = EFFORT_MEDIUM, .height = 128, .width = 128};
    Machine m = {.at_64 = 1};
    ChosenConfig c = choose(&f, &w, &m);
    EXPECT_INT(c.config.data.height, 128);
    EXPECT_INT(m.asked, 1);
    EXPECT_NEAR(c.config.train.minutes, 40, 0); /* 600 updates of 4 s */
}

TEST(updates_that_are_given_need_no_speed)
{
    DataFacts f = photos_of(5000, 200);
    DataWishes w = {.effort = EFFORT_MEDIUM, .steps = 50};
    Machine m = {.at_64 = 1000};
    ChosenConfig c = choose(&f, &w, &m);
    EXPECT_INT(m.asked, 0);
    EXPECT_INT(c.config.data.height, 64);
    EXPECT_INT(c.config.train.steps, 50);
    EXPECT_NEAR(c.config.train.minutes, 0, 0);
    EXPECT_INT(c.config.train.optimizer.warmup, 10);
    EXPECT_INT(c.config.train.checkpoint_every, 20);
    EXPECT_NEAR(c.config.train.optimizer.ema, 0.995, 0);
    w.minutes = 3;
    EXPECT_NEAR(choose(&f, &w, &m).config.train.minutes, 3, 0);
}

TEST(warmup_and_checkpoints_follow_the_updates)
{
    static const struct {
        double updates, ema;
        int warmup, every;
    } rows[] = {{20, 0.995, 10, 20},     {300, 0.995, 30, 50},    {999, 0.995, 100, 170},
                {1000, 0.999, 100, 170}, {4200, 0.999, 100, 700}, {123456, 0.999, 100, 21000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        DataFacts f = photos_of(5000, 200);
        DataWishes w = {.effort = EFFORT_MEDIUM};
        Config c;
        config_for_size(&c, &f, &w, 32, 32, 10, rows[i].updates);
        EXPECT_INT(c.train.optimizer.warmup, rows[i].warmup);
        EXPECT_INT(c.train.checkpoint_every, rows[i].every);
        EXPECT_NEAR(c.train.optimizer.ema, rows[i].ema, 0);
    }
}

TEST(every_method_gets_the_recipe_as_far_as_it_reads_it)
{
    for (int method = 0; method < METHOD_COUNT; method++)
        for (int sde = 0; sde < SDE_COUNT; sde++) {
            DataFacts f = photos_of(5000, 200);
            DataWishes w = {
                .effort = EFFORT_SMALL, .method = (MethodKind)method, .sde = (SdeKind)sde};
            Config c;
            Err err = {0};
            config_for_size(&c, &f, &w, 32, 32, 2, 500);
            EXPECT_OK(config_check(&c, &err), err);
            EXPECT_INT(c.method.type, method);
            if (method == METHOD_SDE) EXPECT_INT(c.method.noise.sde, sde);
        }
}

TEST(an_error_of_the_measurement_is_passed_on)
{
    DataFacts f = photos_of(5000, 200);
    DataWishes w = {.effort = EFFORT_MEDIUM};
    Machine m = {.at_64 = 2, .fails_at = 2};
    ChosenConfig c;
    Err err = {0};
    EXPECT_REFUSED(config_for_data(&c, &f, &w, speed_of, &m, &err), err, ERR_INTERRUPTED,
                   "stopped");
}

TEST(what_cannot_be_trained_is_refused_with_what_would_be_right)
{
    DataFacts few = photos_of(9, 200), one = photos_of(1, 200), small = photos_of(50, 7);
    DataFacts good = photos_of(10, 8), same = photos_of(50, 20);
    DataWishes none = {.effort = EFFORT_MEDIUM};
    Err err = {0};
    EXPECT_REFUSED(config_for_data_check(&few, &none, "dir", &err), err, ERR_USAGE,
                   "dir: has 9 pictures, and at least 10 are needed");
    EXPECT_REFUSED(config_for_data_check(&one, &none, "dir", &err), err, ERR_USAGE,
                   "dir: has 1 picture, and");
    EXPECT_REFUSED(config_for_data_check(&small, &none, "dir", &err), err, ERR_USAGE,
                   "dir: its pictures are too small: 7 pixels on the shorter side, and at least 8");
    EXPECT_OK(config_for_data_check(&good, &none, "dir", &err), err);
    DataWishes odd = {.height = 50, .width = 50}, tiny = {.height = 4, .width = 4};
    DataWishes huge = {.height = 1000, .width = 1000}, wide = {.height = 16, .width = 33};
    EXPECT_REFUSED(
        config_for_data_check(&good, &odd, "dir", &err), err, ERR_USAGE,
        "size 50 cannot be halved until at most 8 pixels are left; the nearest that can is 48");
    EXPECT_REFUSED(config_for_data_check(&good, &wide, "dir", &err), err, ERR_USAGE,
                   "size [16, 33]");
    EXPECT_REFUSED(config_for_data_check(&good, &tiny, "dir", &err), err, ERR_USAGE,
                   "size 4 is too small");
    EXPECT_REFUSED(config_for_data_check(&good, &huge, "dir", &err), err, ERR_USAGE,
                   "size 1000 is too large");
    DataWishes classes = {.classes = true};
    snprintf(same.no_labels, sizeof same.no_labels, "dir holds no folders, one for each class");
    EXPECT_REFUSED(config_for_data_check(&same, &classes, "dir", &err), err, ERR_USAGE,
                   "dir: --classes needs images with classes: dir holds no folders");
    same.classes = 1;
    EXPECT_REFUSED(config_for_data_check(&same, &classes, "dir", &err), err, ERR_USAGE,
                   "at least two classes");
    same.classes = 2;
    EXPECT_OK(config_for_data_check(&same, &classes, "dir", &err), err);
    Config c;
    config_for_size(&c, &same, &classes, 32, 32, 2, 500);
    EXPECT(c.model.class_conditional);
    EXPECT_NEAR(c.train.label_dropout, 0.1, 0);
    EXPECT_OK(config_check(&c, &err), err);
}
