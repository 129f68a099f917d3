#include "cli/restore_known.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/image.h"
#include "diffusion/likelihood.h"
#include "model/denoise.h"

static int colours_of(Shape s)
{
    return s.C - image_has_alpha(s.C);
}

static bool check_operator(const KnownOptions *o, Shape s, Err *err)
{
    if (o->grey && colours_of(s) < 3)
        return err_set(
            err, ERR_USAGE,
            "--grey gives a grey picture its colours, but the model makes %s images, which have "
            "none",
            image_colour(s.C));
    if (o->scale && (s.H % o->scale != 0 || s.W % o->scale != 0))
        return err_set(
            err, ERR_USAGE,
            "--scale is %d, which does not divide the %dx%d pixels of the model's images", o->scale,
            s.H, s.W);
    return true;
}

/* ---- the mask ---- */

/* The two values of a mask; false where it has one, or more. */
static bool two_values(const Image *m, int *dark, int *bright, Err *err, const char *path)
{
    size_t pixels = (size_t)m->height * (size_t)m->width;
    *dark = *bright = m->pixels[0];
    for (size_t i = 0; i < pixels; i++) {
        *dark = m->pixels[i] < *dark ? m->pixels[i] : *dark;
        *bright = m->pixels[i] > *bright ? m->pixels[i] : *bright;
    }
    if (*dark == *bright)
        return err_set(
            err, ERR_USAGE,
            "%s: all of the mask is %d; it must be black where the picture is kept and white where "
            "it is filled in",
            path, *dark);
    for (size_t i = 0; i < pixels; i++)
        if (m->pixels[i] != *dark && m->pixels[i] != *bright)
            return err_set(
                err, ERR_USAGE,
                "%s: the mask has more than two values: %d in row %zu, column %zu beside %d and "
                "%d; "
                "it must be black where the picture is kept and white where it is filled in",
                path, m->pixels[i], i / (size_t)m->width + 1, i % (size_t)m->width + 1, *dark,
                *bright);
    return true;
}

/* A mask of the image's size, made to fit as the image is. A pixel that is white in part is filled in. */
static bool resize_mask(const KnownOptions *o, Shape s, int dark, Image *m, Err *err)
{
    Image fitted = {0};
    size_t pixels = (size_t)m->height * (size_t)m->width;
    for (size_t i = 0; i < pixels; i++) m->pixels[i] = m->pixels[i] == dark ? 0 : UCHAR_MAX;
    if (!image_resize_crop(m, s.H, s.W, &fitted, err)) return false;
    image_free(m);
    *m = fitted;
    size_t known = 0;
    pixels = (size_t)s.H * (size_t)s.W;
    for (size_t i = 0; i < pixels; i++) known += m->pixels[i] == 0;
    return known > 0 ||
           err_set(err, ERR_USAGE,
                   "%s: in the model's %dx%d pixels no part of the mask is black alone, so nothing "
                   "would be kept of the picture",
                   o->mask, s.H, s.W);
}

/* `stored`: the size of the image's file. */
static bool check_mask_size(const KnownOptions *o, Shape s, Shape stored, const Image *m, Err *err)
{
    if (m->height == s.H && m->width == s.W) return true;
    if (!o->resize)
        return err_set(err, ERR_USAGE,
                       "%s: the mask has %dx%d pixels, but the model's images have %dx%d", o->mask,
                       m->height, m->width, s.H, s.W);
    return (m->height == stored.H && m->width == stored.W) ||
           err_set(err, ERR_USAGE,
                   "%s: the mask has %dx%d pixels; --resize needs one of the image's size, %dx%d, "
                   "or of the model's, %dx%d",
                   o->mask, m->height, m->width, stored.H, stored.W, s.H, s.W);
}

static bool read_mask(KnownImage *k, const KnownOptions *o, Shape s, Shape stored, Err *err)
{
    Image m;
    int dark, bright;
    if (!image_load(o->mask, 1, &m, err)) return false;
    bool ok =
        check_mask_size(o, s, stored, &m, err) && two_values(&m, &dark, &bright, err, o->mask);
    if (ok && (m.height != s.H || m.width != s.W)) {
        ok = resize_mask(o, s, dark, &m, err);
        dark = 0;
    }
    size_t pixels = (size_t)s.H * (size_t)s.W;
    if (ok) {
        k->kept = mem_alloc(pixels, 1);
        ok = k->kept || err_set(err, ERR_MEMORY, "not enough memory for the mask");
    }
    for (size_t i = 0; i < pixels && ok; i++) k->kept[i] = m.pixels[i] == dark;
    image_free(&m);
    return ok;
}

/* ---- the image ---- */

/* Whether the image is what is known of one: grey, or of one pixel a block. */
static bool is_known_part(const KnownOptions *o, Shape s, const Image *i)
{
    if (o->grey)
        return i->channels == 1 + (int)image_has_alpha(s.C) && i->height == s.H && i->width == s.W;
    return o->scale > 1 && i->channels == s.C && i->height == s.H / o->scale &&
           i->width == s.W / o->scale;
}

static bool refuse(const KnownOptions *o, Shape s, const Image *i, Err *err)
{
    char or_part[64] = "";
    if (o->scale > 1)
        snprintf(or_part, sizeof or_part, ", or %dx%d before --scale", s.H / o->scale,
                 s.W / o->scale);
    if (o->grey) snprintf(or_part, sizeof or_part, ", or grey ones");
    return err_set(err, ERR_USAGE,
                   "%s: is a %s image of %dx%d, but the model's are %s images of %dx%d%s; --resize "
                   "makes it fit",
                   o->path, image_colour(i->channels), i->height, i->width, image_colour(s.C), s.H,
                   s.W, or_part);
}

/* The image in the model's size, or what is known of it (*part). *stored: the size of its file. */
static bool read_image(const KnownOptions *o, Shape s, Image *out, bool *part, Shape *stored,
                       Err *err)
{
    Image whole;
    int channels = image_has_alpha(s.C) ? IMAGE_AS_STORED : 0;
    if (path_is_folder(o->path))
        return err_set(err, ERR_USAGE, "%s: is a folder, not an image", o->path);
    if (!image_load(o->path, channels, out, err)) return false;
    *stored = (Shape){.H = out->height, .W = out->width, .C = out->channels};
    *part = is_known_part(o, s, out);
    if (*part || (out->height == s.H && out->width == s.W && out->channels == s.C)) return true;
    bool ok = o->resize || refuse(o, s, out, err);
    image_free(out);
    if (!ok || !image_load(o->path, s.C, &whole, err)) return false;
    ok = image_resize_crop(&whole, s.H, s.W, out, err);
    image_free(&whole);
    return ok;
}

static bool make_room(KnownImage *k, double **x, Err *err)
{
    size_t dims = operator_dims(&k->a);
    k->y = mem_doubles(operator_known(&k->a));
    k->pictures = mem_alloc(2 * dims, 1);
    *x = mem_doubles(2 * dims);
    return (k->y && k->pictures && *x) ||
           err_set(err, ERR_MEMORY, "not enough memory for the image");
}

static void show(KnownImage *k, const double *x)
{
    size_t dims = operator_dims(&k->a);
    unsigned char *picture = k->pictures + (size_t)k->shown++ * dims;
    for (size_t i = 0; i < dims; i++) picture[i] = image_byte((float)x[i]);
}

/* y, and the pictures of what is known and, where it is given, of the whole. x: room for two images. */
static void take_known(KnownImage *k, const Image *image, bool part, double *x)
{
    size_t dims = operator_dims(&k->a), known = operator_known(&k->a);
    double *copy = x + dims;
    for (size_t i = 0; i < (part ? known : dims); i++)
        x[i] = pixel_value(&model_pixels, image->pixels[i]);
    if (part)
        memcpy(k->y, x, known * sizeof *x);
    else
        operator_apply(&k->a, x, k->y);
    memcpy(copy, k->y, known * sizeof *copy);
    if (k->a.kind == OPERATOR_IDENTITY || part) {
        operator_pseudo_inverse(&k->a, copy, x);
        show(k, x);
        return;
    }
    unsigned char *whole = k->pictures + dims;
    for (size_t i = 0; i < dims; i++) whole[i] = image->pixels[i];
    operator_pseudo_inverse(&k->a, copy, x);
    show(k, x);
    k->shown = 2;
}

bool known_image_open(KnownImage *k, const KnownOptions *o, Shape image, Err *err)
{
    Image picture = {0};
    double *x = NULL;
    Shape stored = {0};
    bool part;
    *k = (KnownImage){.noise = o->sigma / noise_in_greys((NoiseLevel){.alpha = 1, .sigma = 1})};
    if (!check_operator(o, image, err) || !read_image(o, image, &picture, &part, &stored, err))
        return false;
    k->a = (LinearOperator){.kind = o->mask    ? OPERATOR_MASK
                                    : o->grey  ? OPERATOR_COLOUR_MEAN
                                    : o->scale ? OPERATOR_BLOCK_MEAN
                                               : OPERATOR_IDENTITY,
                            .height = image.H,
                            .width = image.W,
                            .channels = image.C,
                            .colours = colours_of(image),
                            .block = o->scale};
    bool ok = (!o->mask || read_mask(k, o, image, stored, err));
    k->a.kept = k->kept;
    ok = ok && make_room(k, &x, err);
    if (ok) take_known(k, &picture, part, x);
    mem_free(x);
    image_free(&picture);
    return ok;
}

void known_image_close(KnownImage *k)
{
    mem_free(k->y);
    mem_free(k->kept);
    mem_free(k->pictures);
}
