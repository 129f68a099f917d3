/* Configurations from their text. */
#ifndef DIFFC_TESTS_CONFIG_CASE_H
#define DIFFC_TESTS_CONFIG_CASE_H

#include "io/config.h"
#include "test.h"

static inline bool parse(Config *c, const char *text, Err *err)
{
    config_defaults(c);
    return config_parse(c, text, strlen(text), "config.json", err);
}

#endif
