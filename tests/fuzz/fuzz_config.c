/* Any bytes as a configuration file, and as a --set assignment; what is accepted must survive being
 * written and read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const Config *c)
{
    Config back;
    Err err = {0};
    config_defaults(&back);
    char *text = config_to_json(c);
    if (!text || !config_parse(&back, text, strlen(text), "again", &err)) __builtin_trap();
    char *twice = config_to_json(&back);
    if (!twice || strcmp(text, twice) != 0) __builtin_trap();
    mem_free(text);
    mem_free(twice);
    config_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Config c;
    Err err = {0};
    config_defaults(&c);
    if (config_parse(&c, (const char *)data, size, "fuzz", &err)) {
        config_check(&c, &err);
        round_trip(&c);
    } else if (err.text[0] == '\0') {
        __builtin_trap();
    }
    config_free(&c);

    char *assignment = malloc(size + 1);
    if (!assignment) return 0;
    if (size) memcpy(assignment, data, size);
    assignment[size] = '\0';
    config_defaults(&c);
    if (config_set(&c, assignment, &err)) round_trip(&c);
    config_free(&c);
    free(assignment);
    return 0;
}
