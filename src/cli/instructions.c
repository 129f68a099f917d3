/* What is said once at the start when something runs below what the CPU can do. */
#include "cli.h"
#include "diffc/gemm.h"
#include "diffc/term.h"
#include "diffc/vec.h"

void note_instructions(void)
{
    SimdLevel best = vec_best_level();
    const char *name = vec_level_name(best);
    if (vec_simd_level() < best)
        term_note("note: DIFFC_CPU holds diffc at %s, below this CPU's %s: it runs slower than it "
                  "could, and the last bits of its results differ",
                  vec_level(), name);
    if (gemm_level() < best)
        term_note("note: the kernels of %s are below this CPU's %s (see OPENBLAS_CORETYPE); this "
                  "slows neither training nor sampling, whose kernels are diffc's own",
                  gemm_describe(), name);
}
