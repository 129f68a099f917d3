#include "diffc/vec.h"

#include <stdlib.h>
#include <string.h>

bool vec_init(const char **bad)
{
    const char *wanted = getenv("DIFFC_CPU");
    if (!wanted || strcmp(wanted, "plain") == 0) return true;
    *bad = wanted;
    return false;
}

const char *vec_level(void)
{
    return "plain";
}
