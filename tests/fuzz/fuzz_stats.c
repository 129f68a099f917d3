/* Fuzz target: the log of a run, stats.jsonl, as the report reads it. */
#include "fuzz/fuzz_file.h"
#include "io/run_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RunHistory h;
    if (!run_history_read(&h, fuzz_file(data, size), NULL)) return 0;
    for (int k = 0; k < HISTORY_TABLES; k++) {
        const HistoryTable *t = &h.table[k];
        for (size_t i = 1; i < t->rows; i++)
            if (!(history_cell(t, i, OF_STEP) >= history_cell(t, i - 1, OF_STEP))) abort();
    }
    run_history_free(&h);
    return 0;
}
