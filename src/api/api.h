/* What the files of the library share. */
#ifndef DIFFC_API_H
#define DIFFC_API_H

#include <diffc.h>

#include "model/model_use.h"

struct DiffcModel {
    Model model;
    int batch, threads; /* what the denoiser is planned for; batch 0: there is no denoiser */
    Denoiser denoiser;
};

/* ERR_USAGE for a model of points. */
bool api_check_images(const DiffcModel *m, Err *err);

/* Copies the caller's options over the defaults in `own`. Both structs begin with their size, so the caller's
 * may be that of another version. given NULL: the defaults stay. ERR_USAGE where the caller's struct is longer
 * and sets a member that this version does not have. */
bool api_take_options(void *own, size_t own_size, const void *given, const char *name, Err *err);
/* The reverse: the first `size` bytes of own, then zeros; sets the size. */
void api_give(void *out, size_t size, const void *own, size_t own_size);

/* The result of a call, with its error in *out. */
int api_result(bool ok, const Err *err, DiffcError *out);
int api_refuse(DiffcError *out, const char *what);

#endif
