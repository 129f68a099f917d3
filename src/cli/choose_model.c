/* The model that a command works with. */
#include <stdio.h>

#include "cli.h"
#include "diffc/model.h"
#include "diffc/term.h"

bool choose_model(const OptionValue *given, char *path, Err *err)
{
    if (given->given) {
        snprintf(path, PATH_BYTES, "%s", given->text);
        return true;
    }
    if (!model_newest_run("runs", path, err)) return false;
    term_note("model: %s (the newest run)", path);
    return true;
}
