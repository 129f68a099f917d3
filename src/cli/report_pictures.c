/* The report's sample grids. */
#include <stdio.h>
#include <string.h>

#include "cli/report_axis.h"
#include "cli/report_sections.h"
#include "cli/report_training.h"

/* Grids of a run; pictures narrower than this are enlarged with hard edges. */
enum { MOST_PICTURES = 12, SMALL_SIDE = 300 };

/* The i-th of `chosen` out of `all`, evenly with both ends; of one the last. */
static size_t place_of(size_t i, size_t chosen, size_t all)
{
    return chosen == 1 ? all - 1 : (i * (all - 1) + (chosen - 1) / 2) / (chosen - 1);
}

/* As many as have no more than `room` bytes together. */
static size_t choose_count(const ReportRun *r, size_t room)
{
    size_t count = r->pictures < MOST_PICTURES ? r->pictures : MOST_PICTURES;
    for (; count > 0; count--) {
        size_t bytes = 0;
        for (size_t i = 0; i < count; i++) {
            size_t own = r->picture[place_of(i, count, r->pictures)].bytes;
            bytes = own > room - bytes ? room + 1 : bytes + own;
            if (bytes > room) break;
        }
        if (bytes <= room) break;
    }
    return count;
}

static unsigned big_endian(const unsigned char *p)
{
    return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
}

typedef struct {
    unsigned width, height;
} PictureSize;

/* A file that is no PNG is left out. size->width 0: it was not put. */
static bool put_picture(TextBuffer *h, const RunPicture *p, size_t room, PictureSize *size,
                        Err *err)
{
    enum { WIDTH_AT = 16, HEIGHT_AT = 20, HEAD_BYTES = 24 };
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    FileBytes file;
    char step[VALUE_BYTES];
    *size = (PictureSize){0, 0};
    if (!file_read(p->path, room, &file, err)) return false;
    if (file.size >= HEAD_BYTES && memcmp(file.bytes, signature, sizeof signature - 1) == 0) {
        unsigned width = big_endian(file.bytes + WIDTH_AT);
        unsigned height = big_endian(file.bytes + HEIGHT_AT);
        axis_show_value((double)p->step, step);
        html_put(h,
                 "<figure><img class='%s' width=%u height=%u alt='samples after update %s' "
                 "src='data:image/png;base64,",
                 width < SMALL_SIDE ? "small" : "", width, height, step);
        html_base64(h, file.bytes, file.size);
        html_put(h, "'><figcaption>%s</figcaption></figure>\n", step);
        *size = (PictureSize){width, height};
    }
    file_free(&file);
    return true;
}

/* Images of a grid in so many pixels, with the gap between them that training leaves. */
static int images_along(unsigned pixels, int side)
{
    enum { GAP = 2 };
    return (int)((pixels + GAP) / (unsigned)(side + GAP));
}

/* The classes of a grid's images, by rows: they take turns from the first on. */
static void put_classes(TextBuffer *h, const ReportRun *r, int columns, int rows)
{
    enum { SHOWN_ROWS = 8 };
    const ModelConfig *m = &r->model;
    int trained = m->unet.classes > 0 ? model_trained_classes(m) : 0, images = columns * rows;
    if (r->config_lack.kind == ERR_NONE && r->config.sample.count < images)
        images = r->config.sample.count;
    if (trained == 0 || columns == 0) return;
    html_put(h, "<details class=classes%s><summary>Classes, row by row</summary><ol>",
             rows <= SHOWN_ROWS ? " open" : "");
    for (int i = 0; i < images; i++) {
        int label = model_trained_class(m, i % trained);
        const char *name = model_class_name(m, label);
        html_markup(h, i % columns ? ", " : i ? "</li>\n<li>" : "<li>");
        if (name)
            html_words(h, name);
        else
            html_put(h, "%d", label);
    }
    html_markup(h, "</li></ol></details>\n");
}

static bool put_run(TextBuffer *h, const ReportRun *r, int index, bool named, size_t room, Err *err)
{
    size_t chosen = choose_count(r, room), shown = 0;
    if (r->pictures == 0) return true;
    if (named) {
        html_put(h, "<h3 class='run %s'>", report_run_style(index));
        html_words(h, r->name);
        html_markup(h, "</h3>");
    }
    html_markup(h, "<div class=pictures>\n");
    PictureSize last = {0, 0};
    for (size_t i = 0; i < chosen; i++) {
        PictureSize size;
        if (!put_picture(h, &r->picture[place_of(i, chosen, r->pictures)], room, &size, err))
            return false;
        if (size.width > 0) last = size;
        shown += size.width > 0;
    }
    html_markup(h, "</div>");
    if (shown < r->pictures)
        html_put(h, "<p class=note>%zu of %zu grid%s; all are in the run's folder samples.</p>",
                 shown, r->pictures, r->pictures == 1 ? "" : "s");
    if (r->has_model && r->image.H > 0)
        put_classes(h, r, images_along(last.width, r->image.W),
                    images_along(last.height, r->image.H));
    return true;
}

bool report_put_pictures(TextBuffer *h, const ReportRun *runs, int count, Err *err)
{
    size_t all = 0, room = REPORT_PICTURE_BYTES / (size_t)count;
    for (int r = 0; r < count; r++) all += runs[r].pictures;
    if (all == 0) return true;
    html_markup(h, "<section><h2>Samples</h2><p class=note>Drawn from the same seeds after so many "
                   "updates.</p>\n");
    for (int r = 0; r < count; r++)
        if (!put_run(h, &runs[r], r, count > 1, room, err)) return false;
    html_markup(h, "</section>\n");
    return true;
}
