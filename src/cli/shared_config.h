/* The configuration of a training that several processes share. */
#ifndef DIFFC_CLI_SHARED_CONFIG_H
#define DIFFC_CLI_SHARED_CONFIG_H

#include "io/config.h"

/* Makes *c what this process would train by its own files and options. *c begins as the configuration of process 0, which
 * stands for what the process does not have. */
typedef bool OwnConfig(const void *context, Config *c, Err *err);

/* Gives the configuration of process 0 to all others. ok: whether process 0 has one, with *err if not; true in the others.
 * ERR_USAGE in all, with the first key that differs, where another process would train by another configuration. */
bool shared_config(Config *c, bool ok, OwnConfig *own, const void *context, Err *err);

#endif
