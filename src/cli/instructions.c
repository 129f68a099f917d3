/* What is said once at the start when DIFFC_CPU holds diffc below what the CPU can do. */
#include "cli.h"
#include "diffc/term.h"
#include "diffc/vec.h"

void note_instructions(void)
{
    SimdLevel best = vec_best_level();
    if (vec_simd_level() < best)
        term_note("note: DIFFC_CPU holds diffc at %s, below this CPU's %s: it runs slower than it "
                  "could, and the last bits of its results differ",
                  vec_level(), vec_level_name(best));
}
