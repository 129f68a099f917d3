/* The configuration of a training that several processes share. */
#ifndef DIFFC_CLI_SHARED_CONFIG_H
#define DIFFC_CLI_SHARED_CONFIG_H

#include "io/config.h"

/* What the process would train by its own files and options; *c begins as the configuration of process 0, for what it
 * has no word on. */
typedef bool OwnConfig(const void *context, Config *c, Err *err);

/* Gives the configuration of process 0, where `ok` tells whether there is one, to all others. ERR_USAGE in all, with the
 * first key, where another process would train by another. */
bool shared_config(Config *c, bool ok, OwnConfig *own, const void *context, Err *err);

#endif
