#include "cli/shared_config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/world.h"

typedef struct {
    int count;
    char text[512];
} Differences;

static void note_difference(void *context, const ConfigDifference *d)
{
    Differences *all = context;
    if (all->count++ == 0)
        snprintf(all->text, sizeof all->text, "%s is %s here and %s in process 0", d->name,
                 d->values.b, d->values.a);
}

/* Both are compared as they are written, or what one process resolved would differ from another's "auto". */
static bool check_own(const Config *taken, OwnConfig *own, const void *context, Err *err)
{
    Config mine;
    Differences all = {0};
    bool ok = config_copy(&mine, taken, err);
    if (!ok) return false;
    ok = own(context, &mine, err) && config_diff(taken, &mine, note_difference, &all, err);
    config_free(&mine);
    if (!ok || all.count == 0) return ok;
    return err_set(err, ERR_USAGE, "%s; every process needs the same configuration and options",
                   all.text);
}

bool shared_config(Config *c, bool ok, OwnConfig *own, const void *context, Err *err)
{
    if (world_size() == 1) return ok;
    char *text = ok && world_rank() == 0 ? config_to_json(c) : NULL;
    if (ok && world_rank() == 0 && !text)
        ok = err_set(err, ERR_MEMORY, "not enough memory for the configuration");
    if (!world_agree(ok, err)) {
        mem_free(text);
        return false;
    }
    size_t bytes = text ? strlen(text) : 0;
    world_broadcast(&bytes, sizeof bytes);
    if (!text) text = mem_alloc(bytes + 1, 1);
    CHECK(text);
    world_broadcast(text, bytes);
    ok =
        world_rank() == 0 || (config_parse(c, text, bytes, "the configuration of process 0", err) &&
                              check_own(c, own, context, err));
    mem_free(text);
    return world_agree(ok, err);
}
