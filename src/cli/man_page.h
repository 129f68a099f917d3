/* The man page, written from the tables of commands and options. */
#ifndef DIFFC_CLI_MAN_PAGE_H
#define DIFFC_CLI_MAN_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* diffc.1, in the macros man(7) that groff and mandoc have. ERR_MEMORY. */
bool man_page_write(FILE *out, Err *err);

#endif
