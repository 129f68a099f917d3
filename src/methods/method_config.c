#include "methods/method_config.h"

#include <stddef.h>

const char *const method_words[] = {
    [METHOD_DDPM] = "ddpm",   [METHOD_SMLD] = "smld", [METHOD_SDE] = "sde",
    [METHOD_EDDPM] = "eddpm", [METHOD_CDM] = "cdm",   NULL};
const char *const weighting_words[] = {
    [WEIGHTING_SIMPLE] = "simple", [WEIGHTING_LIKELIHOOD] = "likelihood", NULL};
const char *const time_draw_words[] = {
    [TIMES_INDEPENDENT] = "independent", [TIMES_EVEN] = "even", NULL};
const char *const objective_words[] = {[OBJECTIVE_DENOISING] = "denoising",
                                       [OBJECTIVE_EXACT] = "exact",
                                       [OBJECTIVE_SLICED] = "sliced",
                                       NULL};
ProcessKind method_process_kind(MethodKind method, SdeKind sde)
{
    static const ProcessKind of_sde[] = {
        [SDE_VE] = PROCESS_VE, [SDE_VP] = PROCESS_VP, [SDE_SUBVP] = PROCESS_SUBVP};
    if (method == METHOD_SDE) return of_sde[sde];
    return method == METHOD_SMLD ? PROCESS_SMLD : PROCESS_DDPM;
}
