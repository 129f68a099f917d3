/* The tensors of a safetensors file, as `diffc info FILE.safetensors` lists them. */
#ifndef DIFFC_CLI_INFO_TENSORS_H
#define DIFFC_CLI_INFO_TENSORS_H

#include <stdbool.h>

#include "base/err.h"

/* On stdout: as text, or as one object. */
bool show_tensors(const char *path, bool json, Err *err);

#endif
