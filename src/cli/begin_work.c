/* What every command that computes begins with: the number of threads, and the notes when the level or
 * the threads are less than they could be. */
#include "base/parallel.h"
#include "base/term.h"
#include "cli/cli.h"
#include "math/product_blas.h"
#include "math/vec.h"

static void note_instructions(void)
{
    SimdLevel best = vec_best_level();
    if (vec_uses_blas() && product_blas_low_core())
        term_note("note: %s, multiplies for an older CPU than this one, which has %s: set "
                  "OPENBLAS_CORETYPE to a newer core, or leave it unset",
                  product_blas_name(), vec_level_name(vec_cpu_level()));
    if (vec_chosen_level() < best)
        term_note("note: DIFFC_CPU holds diffc at %s, below this CPU's %s: it runs slower than it "
                  "could, and the last bits of its results differ",
                  vec_level(), vec_level_name(best));
}

void choose_threads(const OptionValue *asked)
{
    char text[256];
    parallel_set_threads(asked && asked->given ? (int)asked->integer : 0);
    parallel_bind_threads();
    parallel_flush_subnormals(true);
    if (!parallel_describe(text, sizeof text)) term_note("note: threads: %s", text);
}

void begin_work(const OptionValue *quiet, const OptionValue *threads)
{
    term_set_quiet(quiet->given);
    note_instructions();
    choose_threads(threads);
}
