/* Keys of "method" that older versions had for themselves and method.recipe now sets together. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/config_fields.h"

enum { RECIPES = 2, SHOWN = 80 };

/* The values of each recipe, in the order of MaskRecipe. */
static const struct {
    const char *key, *value[RECIPES];
} removed[] = {
    {"reward", {"bound", "loss"}},       {"masks", {"4", "1"}},
    {"baseline", {"others", "none"}},    {"score_rate", {"0.03", "0.03"}},
    {"precondition", {"true", "false"}}, {"full", {"0.16", "0.16"}},
    {"ramp", {"0.6", "0.99"}},           {"settle", {"0.7", "1"}},
    {"extract", {"moves", "draw"}},
};
enum { REMOVED = sizeof removed / sizeof *removed };

static void show(const Json *v, char out[SHOWN])
{
    if (json_type(v) == JSON_STRING)
        text_escape(out, SHOWN, json_string(v));
    else
        json_show(v, out, SHOWN);
}

static bool has_value(const Json *method, int row, int recipe)
{
    char shown[SHOWN];
    show(json_get(method, removed[row].key), shown);
    return strcmp(shown, removed[row].value[recipe]) == 0;
}

bool config_removed(const char *section, const char *key, char *out, size_t size)
{
    for (int i = 0; i < REMOVED && strcmp(section, "method") == 0; i++) {
        if (strcmp(removed[i].key, key) != 0) continue;
        snprintf(out, size, "method.recipe sets it, \"tuned\" to %s and \"paper\" to %s",
                 removed[i].value[RECIPE_TUNED], removed[i].value[RECIPE_PAPER]);
        return true;
    }
    return false;
}

bool config_has_removed(const Json *section)
{
    for (int i = 0; i < REMOVED; i++)
        if (!json_get(section, removed[i].key)) return false;
    return true;
}

bool config_migrate(Config *c, const Json *method, const char *name, Err *err)
{
    MaskConfig *mask = &c->method.mask;
    int alike = 0;
    for (int i = 0; i < REMOVED; i++)
        alike += has_value(method, i, RECIPE_PAPER) - has_value(method, i, RECIPE_TUNED);
    mask->recipe = alike > 0 ? RECIPE_PAPER : RECIPE_TUNED;
    if (mask->alphas == mask_recipes[mask->recipe].alphas) mask->alphas = ALPHAS_AUTO;
    for (int i = 0; i < REMOVED; i++) {
        char shown[SHOWN];
        if (has_value(method, i, (int)mask->recipe)) continue;
        show(json_get(method, removed[i].key), shown);
        return err_set(
            err, ERR_USAGE,
            "%s: method.%s is %s, written by an older version; this one has two recipes and "
            "no mixture of them: \"tuned\" has %s, \"paper\" %s",
            name, removed[i].key, shown, removed[i].value[RECIPE_TUNED],
            removed[i].value[RECIPE_PAPER]);
    }
    return true;
}
