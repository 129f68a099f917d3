/* Any text: read strictly and leniently, and if it is JSON walk the whole tree. */
#include <stdint.h>

#include "io/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const Json *v)
{
    size_t sum = 1;
    if (json_type(v) == JSON_STRING) return sum + (unsigned char)json_string(v)[0];
    if (json_type(v) == JSON_NUMBER) return sum + (json_number(v) > 0);
    if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT)
        for (const Json *child = json_first(v); child; child = json_next(child)) sum += walk(child);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int lenient = 0; lenient < 2; lenient++) {
        Err err = {0};
        Json *v = json_parse((const char *)data, size, "fuzz", lenient, &err);
        /* Every refusal has its sentence. */
        if (v ? walk(v) == 0 : err.text[0] == '\0') __builtin_trap();
        json_free(v);
    }
    return 0;
}
