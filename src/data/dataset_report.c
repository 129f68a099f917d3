/* The description of a data set, and the list of images that were left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"
#include "data/dataset_load.h"

/* "60,000 grey images of 28x28 (folder), 10 classes, 3 unreadable images left out"; height first, as
 * everywhere that a size is told or asked for. */
void data_describe(const DataJob *job)
{
    Dataset *d = job->d;
    char count[32], classes[32] = "", number[32];
    char skipped[64] = "", ignored[64] = "";
    term_format_count(count, d->count);
    if (d->classes)
        snprintf(classes, sizeof classes, ", %d class%s", d->classes, d->classes == 1 ? "" : "es");
    term_format_count(number, d->skipped);
    if (d->skipped)
        snprintf(skipped, sizeof skipped, ", %s unreadable image%s left out", number,
                 d->skipped == 1 ? "" : "s");
    term_format_count(number, d->ignored);
    if (d->ignored)
        snprintf(ignored, sizeof ignored, ", %s other file%s ignored", number,
                 d->ignored == 1 ? "" : "s");
    snprintf(d->description, sizeof d->description, "%s %s image%s of %dx%d (%s%s)%s%s%s", count,
             image_colour(d->channels), d->count == 1 ? "" : "s", d->height, d->width, job->format,
             job->part, classes, skipped, ignored);
}

bool data_bad_image(DataJob *job, const Err *reason)
{
    char line[sizeof reason->text];
    Dataset *d = job->d;
    if (reason->kind != ERR_FORMAT && reason->kind != ERR_IO) /* such as want of memory */
        return err_set(job->err, reason->kind, "%s", reason->text);
    if (!job->options->config.skip_bad)
        return err_set(job->err, reason->kind,
                       "%.900s (data.skip_bad = true leaves such images out)", reason->text);
    text_escape(line, sizeof line, reason->text);
    size_t length = d->skipped_list ? strlen(d->skipped_list) : 0, more = strlen(line);
    char *grown = realloc(d->skipped_list, length + more + 2);
    if (!grown)
        return err_set(job->err, ERR_MEMORY, "%s: not enough memory for its list of bad files",
                       job->options->path);
    snprintf(grown + length, more + 2, "%s\n", line);
    d->skipped_list = grown;
    d->skipped++;
    return true;
}
