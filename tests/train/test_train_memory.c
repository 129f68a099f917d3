#include "test.h"
#include "train/trainer.h"

static const MachineMemory machine = {.bytes = 900 << 20, .resident = 100 << 20};

TEST(a_training_that_fits_what_is_free_and_held_has_no_warning)
{
    char text[512];
    TrainPlan p = {.memory_bytes = 1000 << 20};
    EXPECT(!train_memory_is_short(&p, &machine, text, sizeof text));
    MachineMemory unknown = {.bytes = UINT64_MAX};
    p.memory_bytes = SIZE_MAX;
    EXPECT(!train_memory_is_short(&p, &unknown, text, sizeof text));
}

TEST(a_warning_about_memory_names_both_sizes_and_the_key_of_the_largest_part)
{
    char text[512];
    TrainPlan p = {.memory_bytes = (size_t)3 << 30,
                   .parameter_bytes = 200 << 20,
                   .activation_bytes = 100 << 20,
                   .data_bytes = 90 << 20,
                   .micro_batch = 8};
    EXPECT(train_memory_is_short(&p, &machine, text, sizeof text));
    EXPECT_TEXT(
        text,
        "the training takes about 3.0 GiB, and 1.0 GiB are free: the system may end it at any "
        "moment; 200 MiB are weights, gradients and averages, and smaller model.channels "
        "needs less");
    p.activation_bytes = 300 << 20;
    EXPECT(train_memory_is_short(&p, &machine, text, sizeof text));
    EXPECT_CONTAINS(text, "300 MiB are activations, and a smaller train.micro_batch");
    p.micro_batch = 1;
    EXPECT(train_memory_is_short(&p, &machine, text, sizeof text));
    EXPECT_CONTAINS(text, "model.channels or data.size needs less");
    p.data_bytes = 400 << 20;
    MachineMemory group = machine;
    group.bound = MEMORY_OF_GROUP;
    EXPECT(train_memory_is_short(&p, &group, text, sizeof text));
    EXPECT_CONTAINS(text, "1.0 GiB are left by the memory limit of the control group");
    EXPECT_CONTAINS(text, "400 MiB are data, and a smaller data.limit or data.size needs less");
}
