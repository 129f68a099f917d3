/* What the files of the library share. */
#ifndef DIFFC_API_H
#define DIFFC_API_H

#include <diffc.h>

#include "model/model_use.h"

struct DiffcModel {
    Model model;
    int batch, threads; /* that the denoiser is planned for; batch 0: there is none */
    Denoiser denoiser;
};

/* ERR_USAGE for a model of points. */
bool api_check_images(const DiffcModel *m, Err *err);

/* own, filled with defaults, takes what the caller's struct holds, of another version too: both begin with
 * their size. given NULL: the defaults. ERR_USAGE where the caller's is longer and asks for more. */
bool api_take_options(void *own, size_t own_size, const void *given, const char *name, Err *err);
/* The reverse: the first `size` bytes of own, then zeros; sets the size. */
void api_give(void *out, size_t size, const void *own, size_t own_size);

/* The result of a call, with its error in *out. */
int api_result(bool ok, const Err *err, DiffcError *out);
int api_refuse(DiffcError *out, const char *what);

#endif
