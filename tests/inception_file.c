#include "inception_file.h"

#include <stdint.h>

#include "io/safetensors.h"
#include "net/networks.h"
#include "test.h"

static uint32_t mixed(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7FEB352D;
    x ^= x >> 15;
    x *= 0x846CA68B;
    return x ^ x >> 16;
}

/* The hash of a tensor's name. */
static uint32_t number_of(const char *name)
{
    uint32_t number = 2166136261;
    for (; *name; name++) number = (number ^ (unsigned char)*name) * 16777619;
    return number;
}

static float element(uint32_t number, size_t i, double centre, double spread)
{
    double u = (double)(mixed(mixed((uint32_t)i) ^ number) >> 8) / 8388608 - 1;
    return (float)(centre + spread * u);
}

/* The tensors of a file; the names, shapes and values live until the case ends. */
typedef struct {
    TensorOut *tensors;
    ParamInfo *shapes;
    char (*names)[2 * PARAM_NAME_BYTES];
    size_t count;
} File;

static void add(File *f, const char *name, const char *suffix, ParamInfo shape, double centre,
                double spread)
{
    size_t i = f->count++;
    snprintf(f->names[i], sizeof f->names[i], "%s.%s", name, suffix);
    shape.layout = LAYOUT_PLAIN;
    f->shapes[i] = shape;
    float *values = test_floats(shape.count);
    uint32_t number = number_of(f->names[i]);
    for (size_t k = 0; k < shape.count; k++) values[k] = element(number, k, centre, spread);
    f->tensors[i] = (TensorOut){f->names[i], &f->shapes[i], values};
}

static void add_convolution(File *f, const ParamInfo *weight, const ParamInfo *bias)
{
    char name[PARAM_NAME_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(weight->name, '.') - weight->name),
             weight->name);
    add(f, name, "conv.weight", *weight, 0, sqrt(6.0 / weight->fan_in));
    add(f, name, "bn.weight", *bias, 1, 0.25);
    add(f, name, "bn.bias", *bias, 0, 0.1);
    add(f, name, "bn.running_mean", *bias, 0, 0.1);
    add(f, name, "bn.running_var", *bias, 1, 0.5);
}

void write_inception_file(const char *path)
{
    ParamTable table = {0};
    Net *net = net_new(&table, 1);
    Err err = {0};
    net_set_output(
        net, inception_declare(net, net_input(net, INCEPTION_SIDE, INCEPTION_SIDE, 3, false)));
    size_t most = 5 * (size_t)table.count / 2 + 1;
    File f = {.tensors = calloc(most, sizeof *f.tensors)};
    f.shapes = calloc(most, sizeof *f.shapes);
    f.names = calloc(most, sizeof *f.names);
    if (!f.tensors || !f.shapes || !f.names) abort();
    for (int i = 0; i < table.count; i += 2)
        add_convolution(&f, &table.info[i], &table.info[i + 1]);
    ParamInfo classes = {.rank = 1, .shape = {1008}, .count = 1008};
    add(&f, "fc", "bias", classes, 0, 1);
    EXPECT_OK(safetensors_write(path, f.tensors, f.count, NULL, 0, &err), err);
    free(f.tensors);
    free(f.shapes);
    free(f.names);
    net_free(net);
    params_free(&table);
}

void fill_inception_image(unsigned char *pixels, Shape s, int number)
{
    for (int y = 0; y < s.H; y++)
        for (int x = 0; x < s.W; x++)
            for (int c = 0; c < s.C; c++)
                *pixels++ = (unsigned char)((3 * y * y + 5 * x * x + 2 * x * y + 29 * c + 11 * x +
                                             13 * y + number * (17 + 5 * x + 3 * y)) %
                                            256);
}
