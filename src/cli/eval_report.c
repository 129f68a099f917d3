#include "cli/eval_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/term.h"
#include "net/networks.h"

/* The figures of a set beside those of the others, each with its standard error. */
static void error_line(const char *name, double pictures, double error, double others,
                       double others_error)
{
    output_line("  %-12s %9.3f +- %-7.3f %9.3f +- %-.3f", name, pictures, error, others,
                others_error);
}

static void distance_line(const char *name, const SlicedDistance *pictures,
                          const SlicedDistance *others)
{
    error_line(name, 1000 * pictures->distance, 1000 * sliced_standard_error(pictures),
               1000 * others->distance, 1000 * sliced_standard_error(others));
}

static void part_line(const char *name, double pictures, double others)
{
    output_line("  %-12s %9.3f            %9.3f", name, pictures, others);
}

static void part_table(const PrecisionRecall balls[EVAL_SETS])
{
    const PrecisionRecall *pictures = &balls[EVAL_PICTURES], *others = &balls[EVAL_OTHERS];
    part_line("precision", pictures->precision, others->precision);
    part_line("recall", pictures->recall, others->recall);
    part_line("density", pictures->density, others->density);
    part_line("coverage", pictures->coverage, others->coverage);
}

static void level_name(char out[32], Shape level)
{
    snprintf(out, 32, "%dx%d", level.H, level.W);
}

static void distance_table(const EvalResult *r)
{
    const MultiscaleDistance *d = &r->distance;
    char name[32];
    output_line("sliced Wasserstein distance x 1000: %d directions, %zu patches of %dx%d an image, "
                "Laplacian pyramid without padding",
                SLICED_DIRECTIONS, d->patches.per_image, d->patches.H, d->patches.W);
    for (int l = 0; l < d->pyramid.count; l++) {
        level_name(name, d->pyramid.level[l]);
        distance_line(name, &d->level[EVAL_PICTURES][l], &d->level[EVAL_OTHERS][l]);
    }
    distance_line("mean", &d->mean[EVAL_PICTURES], &d->mean[EVAL_OTHERS]);
}

/* The covariance of n images has rank n - 1 at most. False: they are enough. */
static bool bias_text(size_t count, char text[200])
{
    char images[32];
    term_format_count(images, count);
    snprintf(text, 200,
             "%s images are too few for a covariance of full rank in %d features, so FID is far "
             "too high; it compares with FID of as many images alone",
             images, INCEPTION_FEATURES);
    return count <= INCEPTION_FEATURES;
}

void eval_bias_line(size_t count)
{
    char text[200];
    if (bias_text(count, text)) output_line("  %-12s %s", "", text);
}

void eval_put_bias(JsonWriter *w, size_t count)
{
    char text[200];
    if (!bias_text(count, text)) return;
    json_put_string(w, "warning", text);
    term_note("note: %s", text);
}

static void feature_table(const FeatureFigures *f, size_t count)
{
    const FrechetDistance *frechet = f->frechet;
    const KernelDistance *kernel = f->kernel;
    output_line("Inception v3 features (%s), %d nearest neighbours", f->weights, EVAL_NEIGHBOURS);
    part_table(f->balls);
    if (f->has_frechet)
        error_line("FID", frechet[EVAL_PICTURES].distance, frechet[EVAL_PICTURES].standard_error,
                   frechet[EVAL_OTHERS].distance, frechet[EVAL_OTHERS].standard_error);
    if (f->has_frechet) eval_bias_line(count);
    error_line("KID x 1000", 1000 * kernel[EVAL_PICTURES].distance,
               1000 * kernel[EVAL_PICTURES].standard_error, 1000 * kernel[EVAL_OTHERS].distance,
               1000 * kernel[EVAL_OTHERS].standard_error);
}

static void report_text(const EvalResult *r)
{
    char count[32], all[32], name[40];
    term_format_count(count, r->count);
    term_format_count(all, r->data->all.count);
    output_line(
        "%s images, and %s other images of the data, each beside the same %s images of the data",
        count, count, count);
    output_line("  %-12s %-20s %s", "", "      images", "      other data");
    distance_table(r);
    output_line("pixels, %d nearest neighbours", EVAL_NEIGHBOURS);
    part_table(r->pixels);
    if (r->features.weights) feature_table(&r->features, r->count);
    output_line(
        "copies: images nearer to one of %s images of the data than its nearest neighbour is", all);
    snprintf(name, sizeof name, "of %s", count);
    output_line("  %-12s %9zu            %9zu", name, r->nearest[EVAL_PICTURES].nearer,
                r->nearest[EVAL_OTHERS].nearer);
    output_names(&r->out, 1);
}

static void put_distance(JsonWriter *w, const MultiscaleDistance *d, int set, const char *key)
{
    json_begin_object(w, key);
    json_put_number(w, "distance", d->mean[set].distance);
    json_put_number(w, "standard_error", sliced_standard_error(&d->mean[set]));
    json_begin_array(w, "levels");
    for (int l = 0; l < d->pyramid.count; l++) {
        json_begin_object(w, NULL);
        json_put_int(w, "height", d->pyramid.level[l].H);
        json_put_int(w, "width", d->pyramid.level[l].W);
        json_put_number(w, "distance", d->level[set][l].distance);
        json_put_number(w, "standard_error", sliced_standard_error(&d->level[set][l]));
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_parts(JsonWriter *w, const PrecisionRecall *balls)
{
    json_put_number(w, "precision", balls->precision);
    json_put_number(w, "recall", balls->recall);
    json_put_number(w, "density", balls->density);
    json_put_number(w, "coverage", balls->coverage);
}

void eval_put_frechet(JsonWriter *w, const FrechetDistance *d)
{
    json_put_number(w, "fid", d->distance);
    json_put_number(w, "fid_standard_error", d->standard_error);
}

static void put_features(JsonWriter *w, const FeatureFigures *f, int set, const char *key)
{
    json_begin_object(w, key);
    put_parts(w, &f->balls[set]);
    if (f->has_frechet) eval_put_frechet(w, &f->frechet[set]);
    json_put_number(w, "kid", f->kernel[set].distance);
    json_put_number(w, "kid_standard_error", f->kernel[set].standard_error);
    json_end_object(w);
}

static void put_set(JsonWriter *w, const EvalResult *r, int set, const char *key)
{
    json_begin_object(w, key);
    put_distance(w, &r->distance, set, "sliced_wasserstein");
    put_parts(w, &r->pixels[set]);
    if (r->features.weights) put_features(w, &r->features, set, "inception");
    json_put_uint(w, "nearer", r->nearest[set].nearer);
    json_end_object(w);
}

static bool report_json(const EvalResult *r, Err *err)
{
    const EvalPictures *p = r->pictures;
    JsonWriter w;
    output_begin(&w);
    json_put_string(&w, "event", "done");
    json_put_string(&w, "source", p->name);
    json_put_string(&w, "data", r->data->path);
    json_put_uint(&w, "count", r->count);
    json_put_uint(&w, "data_count", r->data->all.count);
    put_set(&w, r, EVAL_PICTURES, "images");
    put_set(&w, r, EVAL_OTHERS, "other_data");
    json_put_int(&w, "directions", SLICED_DIRECTIONS);
    json_put_uint(&w, "patches_per_image", r->distance.patches.per_image);
    json_put_int(&w, "neighbours", EVAL_NEIGHBOURS);
    if (r->features.weights) {
        json_put_string(&w, "features", r->features.weights);
        json_put_int(&w, "kid_subsets", r->features.kernel[EVAL_PICTURES].subsets);
        json_put_int(&w, "kid_subset_images", r->features.kernel[EVAL_PICTURES].vectors);
        if (r->features.has_frechet) eval_put_bias(&w, r->count);
    }
    if (r->out) json_put_string(&w, "out", r->out);
    if (p->made) {
        json_put_string(&w, "model", p->path);
        json_put_string(&w, "sampler", p->plan.sampler->name);
        if (!(p->plan.sampler->reads & SAMPLE_ODE)) json_put_int(&w, "steps", p->grid.n);
        json_put_int(&w, "network_calls", p->calls);
        json_put_uint(&w, "seed", p->plan.seed);
    }
    json_put_number(&w, "seconds", r->seconds);
    return output_json(&w, err);
}

bool eval_report(const EvalResult *r, bool json, Err *err)
{
    if (json) return report_json(r, err);
    report_text(r);
    return true;
}

/* ---- the picture ---- */

enum {
    ROWS = 16,
    PAIRS = 2,
    COLUMNS = PAIRS * (EVAL_NEIGHBOURS + 2) - 1,
    GAP = 2,
    SHOWN = ROWS * PAIRS
};

typedef struct {
    double closeness; /* squared distance / that of the training image's own nearest neighbour */
    size_t image;
} Close;

static int closest_first(const void *a, const void *b)
{
    const Close *x = a, *y = b;
    if (x->closeness != y->closeness) return x->closeness < y->closeness ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static double closeness(const NearestImages *n, size_t i)
{
    double squared = n->nearest[i * (size_t)n->k].squared;
    return squared > 0 ? squared / n->own[i] : 0;
}

/* Cell `column` of the row of an image: the image, its neighbours, and after them a white one. */
static void fill_cell(const EvalResult *r, size_t image, int column, unsigned char *out)
{
    const NearestImages *n = &r->nearest[EVAL_PICTURES];
    size_t dims = image_set_dims(&r->pictures->set);
    if (column == 0)
        memcpy(out, image_set_pixels(&r->pictures->set, image), dims);
    else if (column <= n->k)
        memcpy(out,
               image_set_pixels(&r->data->all,
                                n->nearest[image * (size_t)n->k + (size_t)column - 1].index),
               dims);
    else
        memset(out, 255, dims);
}

static void fill_cells(const EvalResult *r, const Close *close, size_t shown, unsigned char *cells)
{
    size_t dims = image_set_dims(&r->pictures->set);
    size_t rows = (shown + PAIRS - 1) / PAIRS;
    memset(cells, 255, rows * COLUMNS * dims);
    for (size_t i = 0; i < shown; i++) {
        size_t first = i / PAIRS * COLUMNS + i % PAIRS * (EVAL_NEIGHBOURS + 2);
        for (int column = 0; column <= EVAL_NEIGHBOURS; column++)
            fill_cell(r, close[i].image, column, cells + (first + (size_t)column) * dims);
    }
}

static bool write_cells(const EvalResult *r, const unsigned char *cells, size_t shown, Err *err)
{
    Shape s = r->pictures->shape;
    Image picture = {0};
    char text[2 * PATH_BYTES + 64];
    int count = (int)((shown + PAIRS - 1) / PAIRS) * COLUMNS;
    snprintf(text, sizeof text, "diffc eval: %s beside the nearest images of %s", r->pictures->name,
             r->data->path);
    bool replaces = file_is_there(r->out);
    bool ok = image_grid(cells, count, s.H, s.W, s.C, COLUMNS, GAP, &picture, err) &&
              output_picture(r->out, &picture, text, err);
    image_free(&picture);
    note_replaced(r->out, ok && replaces);
    return ok;
}

bool eval_write_nearest(const EvalResult *r, Err *err)
{
    size_t shown = r->count < SHOWN ? r->count : SHOWN;
    size_t dims = image_set_dims(&r->pictures->set);
    Close *close = mem_alloc(r->count, sizeof *close);
    unsigned char *cells = mem_alloc((shown + PAIRS - 1) / PAIRS * COLUMNS, dims);
    bool ok = (close && cells) || err_set(err, ERR_MEMORY, "not enough memory for the picture");
    if (ok) {
        for (size_t i = 0; i < r->count; i++)
            close[i] = (Close){closeness(&r->nearest[EVAL_PICTURES], i), i};
        qsort(close, r->count, sizeof *close, closest_first);
        fill_cells(r, close, shown, cells);
        ok = write_cells(r, cells, shown, err);
    }
    mem_free(close);
    mem_free(cells);
    return ok;
}
