#include "methods/method_config.h"

ProcessKind method_process_kind(MethodKind method, SdeKind sde)
{
    static const ProcessKind of_sde[] = {
        [SDE_VE] = PROCESS_VE, [SDE_VP] = PROCESS_VP, [SDE_SUBVP] = PROCESS_SUBVP};
    if (method == METHOD_SDE) return of_sde[sde];
    return method == METHOD_SMLD ? PROCESS_SMLD : PROCESS_DDPM;
}
