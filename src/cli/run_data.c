#include "cli/run_data.h"

#include <string.h>

#include "base/fsio.h"
#include "base/term.h"
#include "io/checkpoint.h"

bool run_data_open(RunData *r, const char *run, Err *err)
{
    char file[PATH_BYTES], notes[1024];
    Err reason = {0};
    memset(r, 0, sizeof *r);
    r->run = run;
    config_defaults(&r->config);
    if (!path_join(file, run, "config.json", err) || !config_load(&r->config, file, err))
        return false;
    /* Without a checkpoint that can be read nothing is compared. */
    return checkpoint_peek(run, &r->record, &r->known, notes, sizeof notes, &reason) ||
           reason.kind != ERR_MEMORY || err_set(err, reason.kind, "%s", reason.text);
}

void run_data_close(RunData *r)
{
    config_free(&r->config);
    if (r->known) run_record_free(&r->record);
}

void run_data_compare(const RunData *r, const char *path, const Dataset *d, bool all,
                      const char *ending)
{
    const DataIdentity *was = &r->record.data;
    const DataConfig *c = &r->config.data;
    uint64_t count = all ? d->count : d->found;
    bool other_names = was->file_names && d->file_names && d->file_names != was->file_names;
    char now[32], then[32];
    if (!r->known || (!all && (c->limit > 0 || c->skip_bad))) return;
    term_format_count(now, count);
    term_format_count(then, was->count);
    if (count != was->count)
        term_note("note: %s: %s image%s, but %s was trained on %s%s", path, now,
                  count == 1 ? "" : "s", r->run, then, ending);
    else if (all && (d->kind != was->kind || d->checksum != was->checksum))
        term_note("note: %s: as many images as %s was trained on, but others, by their sizes or "
                  "classes%s",
                  path, r->run, ending);
    else if (other_names)
        term_note("note: %s: the files have other names than when %s was trained%s", path, r->run,
                  ending);
}
