/* Which library called. */
#ifndef DIFFC_FAULTS_CALLER_H
#define DIFFC_FAULTS_CALLER_H

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* Whether the call came from a library of this name that does not look at what it got: the small products of
 * OpenBLAS 0.3.21 (AVX-512) write to what malloc gave them, and clang's libomp maps a file whose ftruncate
 * failed, and aborts or writes to nothing where it gets no memory. */
static inline bool is_from(const char *library, const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && info.dli_fname && strstr(info.dli_fname, library);
}

#endif
