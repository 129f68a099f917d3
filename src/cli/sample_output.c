#include "cli/sample_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/text.h"
#include "base/world.h"
#include "cli/cli.h"
#include "cli/terminal_picture.h"
#include "data/image.h"
#include "data/scatter.h"
#include "data/toy.h"
#include "io/npz.h"
#include "model/class_labels.h"

enum { GRID_GAP = 2, SCATTER_SIDE = 640, LINE_BYTES = 48 };

static void add_class(const SampleOutput *o, int index, const char *before,
                      char text[SAMPLE_TEXT_BYTES])
{
    char name[CLASS_TEXT_BYTES];
    if (!o->labels) return;
    text_append(text, SAMPLE_TEXT_BYTES, "%s%s", before,
                model_class_text(o->model, o->labels[index], name));
}

const char *sample_output_text(const SampleOutput *o, int index, char text[SAMPLE_TEXT_BYTES])
{
    snprintf(text, SAMPLE_TEXT_BYTES, "%s, %s %" PRIu64, o->parameters,
             o->between ? "image" : "seed", o->first_seed + (uint64_t)index);
    add_class(o, index, ", class ", text);
    return text;
}

const char *sample_output_text_all(const SampleOutput *o, char text[SAMPLE_TEXT_BYTES])
{
    int step = o->columns ? o->columns : 1, next = step < o->count ? step : 0;
    const char *before = o->columns ? ", a row for each class: " : ", classes in turn: ";
    if (!o->labels || o->labels[next] == o->labels[0]) return sample_output_text(o, 0, text);
    snprintf(text, SAMPLE_TEXT_BYTES, "%s, seed %" PRIu64, o->parameters, o->first_seed);
    for (int i = 0; i < o->count && (i == 0 || o->labels[i] != o->labels[0]); i += step) {
        add_class(o, i, before, text);
        before = ", ";
    }
    return text;
}

static bool name_picture(SampleOutput *o, Err *err)
{
    if (!o->stem[0]) return true;
    o->grid = o->name;
    return free_file_name(o->stem, "png", o->name, err);
}

static int columns_of(const SampleOutput *o)
{
    return o->in_row ? o->in_row : o->columns;
}

static bool check_kind(const SampleOutput *o, Err *err)
{
    int height, width;
    if (o->points && (o->folder || o->npz))
        return err_set(err, ERR_USAGE,
                       "--%s is for images, but the model gives points; write them with --out or "
                       "--csv",
                       o->folder ? "out-dir" : "npz");
    if (o->points) return true;
    if (o->csv)
        return err_set(err, ERR_USAGE,
                       "--csv is for points, but the model makes images; write them with --out, "
                       "--out-dir or --npz");
    if (o->image.C > IMAGE_MAX_CHANNELS && (o->grid || o->folder || o->show))
        return err_set(err, ERR_USAGE,
                       "the model makes images of %d channels, but PNG files hold 1 to %d; write "
                       "them with --npz alone",
                       o->image.C, IMAGE_MAX_CHANNELS);
    size_t bytes = shape_values(o->image) + (o->model->unet.classes > 0 ? NPZ_LABEL_BYTES : 0);
    if (o->npz && !npz_check_size(o->npz, (size_t)o->count, bytes, err)) return false;
    return (!o->grid && !o->show) ||
           image_grid_size(o->beside_count + o->count, o->image.H, o->image.W, columns_of(o),
                           GRID_GAP, &height, &width, err);
}

static bool is_lasting(const SampleOutput *o)
{
    return o->folder || (o->npz && !output_is_special(o->npz));
}

/* Of a process that writes nothing. */
static void leave_to_first(SampleOutput *o)
{
    o->grid = o->folder = o->npz = o->csv = NULL;
    o->stem[0] = '\0';
    o->show = false;
}

static void image_name(char out[NUMBERED_NAME_BYTES], uint64_t seed)
{
    snprintf(out, NUMBERED_NAME_BYTES, "%06" PRIu64 ".png", seed);
}

NamedOutput sample_output_folder(const SampleOutput *o)
{
    return (NamedOutput){.option = "out-dir",
                         .path = o->folder,
                         .name = image_name,
                         .first = o->first_seed,
                         .count = (uint64_t)o->count};
}

bool sample_output_check(SampleOutput *o, Err *err)
{
    o->lasting = is_lasting(o);
    if (world_rank() > 0) {
        leave_to_first(o);
        return true;
    }
    if (o->go_on && !o->lasting)
        return err_set(
            err, ERR_USAGE,
            "--continue finishes an interrupted folder (--out-dir) or file (--npz); name it");
    if (!name_picture(o, err) || !check_kind(o, err) ||
        !check_output_file("out", o->grid, "png", err) ||
        !check_output_file("npz", o->npz, "npz", err) ||
        !check_output_file("csv", o->csv, "csv", err))
        return false;
    return check_output_folder(o->folder, err);
}

/* Whether all images are needed together at the end. */
static bool holds_all(const SampleOutput *o)
{
    return o->grid || o->npz || o->show;
}

/* Image `index` in o->pixels. */
static unsigned char *place_of(const SampleOutput *o, int index)
{
    return o->pixels +
           (size_t)(holds_all(o) ? index : index - o->round_first) * shape_values(o->image);
}

static bool is_image_name(const void *context, const char *name)
{
    char expected[NUMBERED_NAME_BYTES];
    (void)context;
    image_name(expected, strtoull(name, NULL, 10));
    return strcmp(name, expected) == 0;
}

/* A finished image's file must be there and hold what was made. */
static bool read_kept(const SampleOutput *o, int index)
{
    char name[NUMBERED_NAME_BYTES], path[PATH_BYTES];
    Image image;
    image_name(name, o->first_seed + (uint64_t)index);
    if (!path_join(path, o->folder, name, NULL) || !image_load(path, IMAGE_AS_STORED, &image, NULL))
        return false;
    bool fits =
        image.height == o->image.H && image.width == o->image.W && image.channels == o->image.C;
    if (fits) memcpy(place_of(o, index), image.pixels, shape_values(o->image));
    image_free(&image);
    return fits;
}

static bool open_part(SampleOutput *o, Err *err)
{
    char path[PATH_BYTES];
    if (!o->lasting || world_rank() > 0) return true;
    if (!sample_part_name(path, o->folder, o->npz, o->first_seed, err) ||
        !sample_part_open(&o->part, path, o->settings, shape_values(o->image), !o->folder, o->go_on,
                          err))
        return false;
    if (o->part.begun_anew)
        term_note("%s: starts again; --continue would have finished the interrupted work", path);
    for (int i = 0; i < o->count && o->go_on; i++) {
        o->round_first = i;
        o->kept[i] =
            (!o->folder || read_kept(o, i)) && sample_part_has(&o->part, i, place_of(o, i));
    }
    return true;
}

bool sample_output_open(SampleOutput *o, Err *err)
{
    if (o->points) {
        o->xy = mem_floats(TOY_DIMS * (size_t)o->count);
        return o->xy || err_set(err, ERR_MEMORY, "not enough memory for %d points", o->count);
    }
    int held = holds_all(o) ? o->count : o->round;
    size_t before = (size_t)o->beside_count * shape_values(o->image);
    o->room = mem_alloc((size_t)o->beside_count + (size_t)held, shape_values(o->image));
    o->kept = mem_alloc((size_t)o->count, 1);
    if (!o->room || !o->kept)
        return err_set(err, ERR_MEMORY, "not enough memory for the pixels of %d images of %dx%dx%d",
                       held, o->image.H, o->image.W, o->image.C);
    if (before) memcpy(o->room, o->beside, before);
    o->pixels = o->room + before;
    if (o->folder) {
        o->made = !path_exists(o->folder);
        if (!o->go_on && !folder_make(o->folder, err)) return false;
        leftovers_remove(o->folder, is_image_name, NULL);
    }
    if (!open_part(o, err)) return false;
    if (o->go_on) world_broadcast(o->kept, (size_t)o->count);
    for (int i = 0; i < o->count; i++) o->kept_count += o->kept[i];
    return true;
}

static bool write_single(SampleOutput *o, int index, unsigned char *pixels, Err *err)
{
    char name[NUMBERED_NAME_BYTES], path[PATH_BYTES], text[SAMPLE_TEXT_BYTES];
    image_name(name, o->first_seed + (uint64_t)index);
    Image image = {
        .height = o->image.H, .width = o->image.W, .channels = o->image.C, .pixels = pixels};
    if (!path_join(path, o->folder, name, err)) return false;
    o->replaced += file_is_there(path);
    return output_picture(path, &image, sample_output_text(o, index, text), err);
}

void sample_output_put(SampleOutput *o, int index, const double *x)
{
    size_t values = shape_values(o->image);
    for (size_t i = 0; o->points && i < TOY_DIMS; i++)
        o->xy[TOY_DIMS * (size_t)index + i] = (float)x[i];
    if (o->points) return;
    unsigned char *pixels = place_of(o, index);
    for (size_t i = 0; i < values; i++) pixels[i] = image_byte((float)x[i]);
}

static bool keep_image(SampleOutput *o, int index, Err *err)
{
    unsigned char *pixels = place_of(o, index);
    return (!o->folder || write_single(o, index, pixels, err)) &&
           (o->part.fd < 0 || sample_part_put(&o->part, index, pixels, err));
}

bool sample_output_end_round(SampleOutput *o, int count, Err *err)
{
    int first = o->round_first;
    if (o->points) {
        world_gather(o->xy + TOY_DIMS * (size_t)first, (size_t)count, TOY_DIMS * sizeof *o->xy);
        return true;
    }
    world_gather(place_of(o, first), (size_t)count, shape_values(o->image));
    for (int i = first; i < first + count; i++)
        if (!keep_image(o, i, err)) return false;
    return true;
}

ScatterView sample_output_view(const SampleOutput *o)
{
    if (o->toy == TOY_NONE) return scatter_view(o->xy, (size_t)o->count);
    return (ScatterView){.reach = toy_reach(o->toy)};
}

/* The grid, or of points the scatter plot. */
static bool draw_picture(SampleOutput *o, int scatter_side, Image *picture, Err *err)
{
    if (!o->points)
        return image_grid(o->room, o->beside_count + o->count, o->image.H, o->image.W, o->image.C,
                          columns_of(o), GRID_GAP, picture, err);
    ScatterView view = sample_output_view(o);
    return scatter_plot(o->xy, (size_t)o->count, &view, scatter_side, picture, &o->outside, err);
}

static bool write_picture(SampleOutput *o, Err *err)
{
    Image picture = {0};
    char text[SAMPLE_TEXT_BYTES];
    bool ok = draw_picture(o, SCATTER_SIDE, &picture, err) &&
              output_picture(o->grid, &picture, sample_output_text_all(o, text), err);
    image_free(&picture);
    return ok;
}

static bool show_picture(SampleOutput *o, Err *err)
{
    Image picture = {0};
    bool ok = draw_picture(o, SCATTER_LEAST, &picture, err) &&
              terminal_picture_show(stdout, &picture, err);
    image_free(&picture);
    return ok;
}

static bool write_table(SampleOutput *o, Err *err)
{
    FileWriter w;
    if (!output_open(&w, o->csv, err)) return false;
    char lines[4096];
    size_t used = (size_t)snprintf(lines, sizeof lines, "x,y\n");
    bool ok = true;
    for (int i = 0; ok && i < o->count; i++) {
        used += (size_t)snprintf(lines + used, LINE_BYTES, "%.9g,%.9g\n",
                                 (double)o->xy[TOY_DIMS * i], (double)o->xy[TOY_DIMS * i + 1]);
        if (used + LINE_BYTES <= sizeof lines && i + 1 < o->count) continue;
        ok = file_writer_append(&w, lines, used, err);
        used = 0;
    }
    return ok && file_writer_commit(&w, err);
}

static bool write_npz(SampleOutput *o, Err *err)
{
    size_t count = (size_t)o->count;
    int64_t *labels = o->labels ? mem_alloc(count, sizeof *labels) : NULL;
    if (o->labels && !labels)
        return err_set(err, ERR_MEMORY, "%s: not enough memory for %zu labels", o->npz, count);
    for (size_t i = 0; i < count && labels; i++) labels[i] = o->labels[i];
    bool ok =
        npz_write_images(o->npz, o->pixels, labels, count, o->image.H, o->image.W, o->image.C, err);
    mem_free(labels);
    return ok;
}

/* Images that this call did not make look as if they belonged to its own. */
static void note_others(const SampleOutput *o)
{
    Names names;
    const char *first = NULL;
    size_t others = 0;
    if (!folder_list(o->folder, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.names[i];
        bool own = strtoull(name, NULL, 10) - o->first_seed < (uint64_t)o->count;
        if (!is_image_name(NULL, name) || own) continue;
        if (!first) first = name;
        others++;
    }
    if (first)
        term_note("note: %s holds %zu other image%s too, %s%s", o->folder, others,
                  others == 1 ? "" : "s", others == 1 ? "" : "such as ", first);
    names_free(&names);
}

bool sample_output_finish(SampleOutput *o, Err *err)
{
    /* The name may have been taken in the meantime. */
    if (!name_picture(o, err)) return false;
    const struct {
        const char *path;
        bool (*write)(SampleOutput *o, Err *err);
    } files[] = {{o->grid, write_picture}, {o->csv, write_table}, {o->npz, write_npz}};
    /* Each is whole: one that fails does not keep the others from being written. */
    bool ok = true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = files[i].path;
        bool replaces = file_is_there(path);
        if (!path) continue;
        bool written = files[i].write(o, ok ? err : NULL);
        note_replaced(path, written && replaces);
        ok = ok && written;
    }
    if (o->replaced)
        term_note("replaced %d file%s in %s", o->replaced, o->replaced == 1 ? "" : "s", o->folder);
    if (o->folder && !o->go_on) note_others(o);
    return ok && (!o->show || show_picture(o, err));
}

void sample_output_close(SampleOutput *o, bool keep)
{
    sample_part_close(&o->part, !keep);
    /* Where nothing came of it; a folder with files stays. */
    if (o->made) rmdir(o->folder);
    mem_free(o->kept);
    mem_free(o->room);
    mem_free(o->xy);
    mem_free(o->labels);
}
