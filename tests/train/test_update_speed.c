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
    double seconds = 0, start = clock_seconds();
    Config c = small_config("data.validation=500 train.eval_every=3");
    EXPECT_OK(update_speed(&c, 0, 0.05, &seconds, &err), err);
    EXPECT(seconds > 0 && seconds < clock_seconds() - start);
    /* The first update alone. */
    EXPECT_OK(update_speed(&c, 0, 0, &seconds, &err), err);
    EXPECT(seconds > 0);
    Config classes = small_config("model.class_conditional=true");
    EXPECT_OK(update_speed(&classes, 3, 0, &seconds, &err), err);
}

TEST(update_speed_ends_when_it_is_interrupted)
{
    Err err = {0};
    double seconds;
    Config c = small_config("");
    interrupt_set(true);
    EXPECT_REFUSED(update_speed(&c, 0, 1, &seconds, &err), err, ERR_INTERRUPTED, "interrupted");
    interrupt_set(false);
}
