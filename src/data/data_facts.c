#include "data/data_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"

/* The images are read as 1x1: only the look at them counts. */
enum { KEPT_SIDE = 1 };

static bool has_colour(const Image *image)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    const unsigned char *p = image->pixels;
    for (size_t i = 0; image->channels == 3 && i < pixels; i++, p += 3) {
        int low = p[0], high = p[0];
        for (int c = 1; c < 3; c++) {
            if (p[c] < low) low = p[c];
            if (p[c] > high) high = p[c];
        }
        if (high - low > GREY_SPREAD) return true;
    }
    return false;
}

static void look(void *context, const Image *image)
{
    DataFacts *f = context;
    if (f->seen == DATA_FACTS_SEEN) return;
    if (f->seen == 0) {
        f->height = image->height;
        f->width = image->width;
    } else if (f->height != image->height || f->width != image->width) {
        f->height = f->width = 0;
    }
    f->sides[f->seen++] = image->height < image->width ? image->height : image->width;
    f->colour = f->colour || has_colour(image);
}

static int compare_sides(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The first names, and "..." for the others. */
static void list_classes(const Dataset *d, char *out, size_t size)
{
    enum { SHOWN = 6 };
    char name[24];
    out[0] = '\0';
    for (int i = 0; d->class_names && i < d->classes && i < SHOWN; i++) {
        text_escape(name, sizeof name, d->class_names[i]);
        text_append(out, size, "%s%s", i ? ", " : "", name);
    }
    if (d->class_names && d->classes > SHOWN) text_append(out, size, ", ...");
}

bool data_facts_read(DataFacts *facts, const DataOptions *options, DataProgress progress,
                     void *context, Err *err)
{
    Dataset d;
    DataOptions some = *options;
    int limit = options->config.limit;
    memset(facts, 0, sizeof *facts);
    some.config.height = some.config.width = KEPT_SIDE;
    some.config.channels = 0;
    some.config.validation = 0;
    if (limit == 0 || limit > DATA_FACTS_SEEN) some.config.limit = DATA_FACTS_SEEN;
    some.look = look;
    some.look_context = facts;
    if (!dataset_open(&d, &some, progress, context, err)) return false;
    if (facts->seen == 0) { /* IDX of 1x1 */
        facts->seen = 1;
        facts->sides[0] = facts->height = facts->width = KEPT_SIDE;
    }
    qsort(facts->sides, (size_t)facts->seen, sizeof *facts->sides, compare_sides);
    facts->kind = d.kind;
    facts->count = limit > 0 && (uint64_t)limit < d.found ? (uint64_t)limit : d.found;
    facts->classes = d.classes;
    list_classes(&d, facts->class_list, sizeof facts->class_list);
    snprintf(facts->no_labels, sizeof facts->no_labels, "%s", d.no_labels);
    dataset_close(&d);
    return true;
}

int data_facts_side(const DataFacts *f)
{
    return f->sides[(f->seen - 1) / 2];
}

int data_facts_smaller(const DataFacts *f, int side)
{
    int count = 0;
    while (count < f->seen && f->sides[count] < side) count++;
    return count;
}

void data_facts_describe(const DataFacts *f, char *out, size_t size)
{
    char count[32];
    term_format_count(count, f->count);
    snprintf(out, size, "%s %s picture%s", count, image_colour(f->colour ? 3 : 1),
             f->count == 1 ? "" : "s");
    if (f->height > 0)
        text_append(out, size, " of %dx%d (%s)", f->height, f->width, data_kind_words[f->kind]);
    else
        text_append(out, size, " (%s), shorter sides of %d to %d pixels, the middle one %d",
                    data_kind_words[f->kind], f->sides[0], f->sides[f->seen - 1],
                    data_facts_side(f));
    if (f->kind == DATA_FOLDER && (uint64_t)f->seen < f->count)
        text_append(out, size, "; %d of them were looked at", f->seen);
}
