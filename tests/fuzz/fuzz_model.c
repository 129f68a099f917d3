/* Any bytes as one file of a model folder: unet/config.json, scheduler_config.json, mlp/config.json
 * (the first byte chooses). A network that is accepted must survive being written and read back. */
#include <stdint.h>
#include <string.h>

#include "io/diffusers/model_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool (*ReadFile)(const ModelReader *r);

static bool read_text(const char *text, size_t size, ReadFile read, ModelConfig *m, Err *err)
{
    Json *object = json_parse(text, size, "fuzz", true, err);
    ModelReader r = {.path = "fuzz", .object = object, .m = m, .err = err};
    bool ok = object && json_type(object) == JSON_OBJECT && read(&r);
    if (object && json_type(object) != JSON_OBJECT) model_wrong(&r, "the file", object, "object");
    json_free(object);
    return ok;
}

static void round_trip(const ModelConfig *m, ReadFile read)
{
    Err err = {0};
    ModelConfig back;
    NetworkDifference difference;
    memset(&back, 0, sizeof back);
    back.network = m->network;
    JsonWriter w;
    json_write_init(&w, 2);
    json_begin_object(&w, NULL);
    model_keys_put(&w, network_keys(m), ~0u, m);
    json_end_object(&w);
    const char *text = json_text(&w);
    if (!text || !read_text(text, strlen(text), read, &back, &err)) __builtin_trap();
    if (!model_networks_differ(m, &back, &difference, &err) || difference.values.found)
        __builtin_trap();
    json_write_free(&w);
    model_config_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ReadFile readers[] = {unet_config_read, scheduler_config_read, mlp_config_read};
    if (size < 1) return 0;
    int file = data[0] % 3;
    ModelConfig m;
    Err err = {0};
    memset(&m, 0, sizeof m);
    m.network = file == 2 ? NETWORK_MLP : NETWORK_UNET;
    if (read_text((const char *)data + 1, size - 1, readers[file], &m, &err)) {
        if (file != 1) round_trip(&m, readers[file]);
    } else if (err.text[0] == '\0') {
        __builtin_trap();
    }
    model_config_free(&m);
    return 0;
}
