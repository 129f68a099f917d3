/* The speed from which a configuration for a person's pictures is chosen. */
#include "train/update_speed.h"

#include "train_case.h"

static Config small_config(const char *more)
{
    Config c = config_of("data.size=8 data.channels=3 model.channels=4 model.multipliers=[1] "
                         "train.batch=4 train.minutes=5",
                         more);
    return c;
}

TEST(update_speed_is_the_time_of_an_update_and_no_more_than_was_spent)
{
    Err err = {0};
    UpdateTime time = {0};
    double start = clock_seconds();
    Config c = small_config("data.validation=500 train.eval_every=3");
    EXPECT_OK(update_speed(&c, 0, 0.05, &time, &err), err);
    EXPECT(time.alone > 0 && time.alone <= time.clock && time.clock < clock_seconds() - start);
    /* The first update alone. */
    EXPECT_OK(update_speed(&c, 0, 0, &time, &err), err);
    EXPECT(time.alone > 0 && time.alone <= time.clock);
    Config classes = small_config("model.class_conditional=true");
    EXPECT_OK(update_speed(&classes, 3, 0, &time, &err), err);
}

static void expect_alone(UpdateTime t, double alone)
{
    EXPECT_NEAR(t.clock, 2, 0);
    EXPECT_NEAR(t.alone, alone, 1e-12);
}

TEST(an_update_alone_takes_what_its_threads_did_not_wait_for_a_cpu)
{
    expect_alone(update_time(2, 1.9, 4, 0, 2), 2);     /* a machine of its own */
    expect_alone(update_time(2, 1.9, 2.2, 0.1, 8), 2); /* there threads sleep for lack of work */
    expect_alone(update_time(2, 1.9, 2, 2, 2), 1);     /* half of the time another program ran */
    expect_alone(update_time(2, 1.9, 2, 1, 2), 1);     /* on one CPU, and the other thread slept */
    expect_alone(update_time(2, 1.9, 2, 0.8, 2), 1.2);
    /* now and then another ran, and a thread waited awake */
    expect_alone(update_time(2, 0.5, 3.6, 1.8, 2), 0.5);
    expect_alone(update_time(2, 2, 0.25, 1.75, 1), 0.25); /* of one update, the first */
    expect_alone(update_time(2, 1.9, 2, 14, 1), 2);       /* eight threads on one CPU */
    expect_alone(update_time(2, 1.9, 2.9, 1.1, 1.5), 2);  /* a quota */
}

TEST(update_speed_ends_when_it_is_interrupted)
{
    Err err = {0};
    UpdateTime time;
    Config c = small_config("");
    interrupt_set(true);
    EXPECT_REFUSED(update_speed(&c, 0, 1, &time, &err), err, ERR_INTERRUPTED, "interrupted");
    interrupt_set(false);
}
