/* Fuzz target: names of classes, as a file or, with a first byte of ',', as the value of data.class_names. */
#include <stdio.h>

#include "data/dataset_load.h"
#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DataOptions options = {.path = "data"};
    char *given = options.config.class_names;
    if (size > 1 && data[0] == ',')
        snprintf(given, sizeof options.config.class_names, "%.*s", (int)size - 1,
                 (const char *)data + 1);
    else
        snprintf(given, sizeof options.config.class_names, "%s", fuzz_file(data, size));
    Dataset d = {.classes = 3};
    Err err = {0};
    DataJob job = {.options = &options, .d = &d, .err = &err};
    bool ok = data_name_numbers(&job, ".", "no such file");
    if (ok && d.class_names && (d.classes < 3 || d.classes > DATA_MAX_CLASSES)) abort();
    for (int i = 0; ok && d.class_names && i < d.classes; i++)
        if (!d.class_names[i][0] || strlen(d.class_names[i]) >= sizeof *d.class_names) abort();
    if (!ok && !err.text[0]) abort();
    dataset_close(&d);
    return 0;
}
