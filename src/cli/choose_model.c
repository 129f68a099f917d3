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

bool choose_label(const OptionValue *given, int classes, int *label, Err *err)
{
    *label = given->given ? (int)given->integer : -1;
    if (given->given && classes == 0)
        return err_set(err, ERR_USAGE, "--label is given, but the model has no classes");
    if (classes > 0 && (*label < 0 || *label >= classes))
        return err_set(err, ERR_USAGE,
                       "the model has classes: --label must say which class the images have, 0 to "
                       "%d",
                       classes - 1);
    return true;
}
