/* Any bytes as a safetensors file; what is accepted is looked up and converted whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Safetensors st;
    Err err = {0};
    FileBytes file = {mem_alloc(size + 1, 1), size};
    if (!file.bytes) return 0;
    if (size) memcpy(file.bytes, data, size);
    if (!safetensors_parse(&st, file, "fuzz", &err)) {
        if (err.text[0] == '\0') __builtin_trap();
        return 0;
    }
    for (size_t i = 0; i < st.count; i++) {
        const TensorInfo *t = &st.tensors[i];
        if (safetensors_find(&st, t->name) != t) __builtin_trap();
        /* The smallest type has four bits, so a file bounds what is allocated. */
        if (t->count > 2 * size) __builtin_trap();
        float *values = malloc((t->count + 1) * sizeof *values);
        if (values) safetensors_read_floats(&st, t, "fuzz", values, &err);
        free(values);
    }
    safetensors_metadata(&st, "format");
    safetensors_close(&st);
    return 0;
}
