#include "cli/terminal_picture.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/term.h"

/* ---- which way ---- */

/* The terminals that take pictures, by a variable that they set; value NULL: any. */
static const struct {
    const char *variable, *value;
    PictureWay way;
} announcements[] = {
    {"TERM", "xterm-kitty", PICTURE_KITTY},      {"TERM", "xterm-ghostty", PICTURE_KITTY},
    {"TERM_PROGRAM", "ghostty", PICTURE_KITTY},  {"TERM_PROGRAM", "iTerm.app", PICTURE_ITERM2},
    {"TERM_PROGRAM", "WezTerm", PICTURE_ITERM2}, {"TERM_PROGRAM", "mintty", PICTURE_ITERM2},
    {"LC_TERMINAL", "iTerm2", PICTURE_ITERM2},   {"KITTY_WINDOW_ID", NULL, PICTURE_KITTY},
};
enum { ANNOUNCEMENTS = sizeof announcements / sizeof *announcements };

/* The value of a variable, "" for none. */
static const char *value_of(PictureVariable *get, const char *name)
{
    const char *value = get(name);
    return value ? value : "";
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Neither colours nor the cursor's movements are for certain. */
static bool is_too_simple(const char *term)
{
    return !*term || strcmp(term, "dumb") == 0 || strcmp(term, "unknown") == 0 ||
           (begins(term, "vt") && strspn(term + 2, "0123456789") > 0);
}

/* tmux and screen stand between, and pass no pictures on. */
static bool is_multiplexed(PictureVariable *get)
{
    const char *term = value_of(get, "TERM");
    return *value_of(get, "TMUX") || *value_of(get, "STY") || begins(term, "tmux") ||
           begins(term, "screen");
}

static bool is_utf8(PictureVariable *get)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = value_of(get, names[i]);
        if (!*value) continue;
        const char *codeset = strchr(value, '.');
        codeset = codeset ? codeset + 1 : value;
        return strncasecmp(codeset, "UTF-8", 5) == 0 || strncasecmp(codeset, "utf8", 4) == 0;
    }
    return false;
}

PictureWay terminal_picture_way(PictureVariable *get)
{
    if (is_too_simple(value_of(get, "TERM"))) return PICTURE_NONE;
    for (int i = 0; i < ANNOUNCEMENTS && !is_multiplexed(get); i++) {
        const char *value = value_of(get, announcements[i].variable);
        const char *wanted = announcements[i].value;
        if (wanted ? strcmp(value, wanted) == 0 : *value) return announcements[i].way;
    }
    if (*value_of(get, "NO_COLOR")) return PICTURE_LETTERS;
    return is_utf8(get) ? PICTURE_HALF_BLOCKS : PICTURE_CELLS;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

bool terminal_picture_wanted(FILE *out)
{
    return isatty(fileno(out));
}

bool terminal_picture_check(FILE *out, Err *err)
{
    if (!terminal_picture_wanted(out) || terminal_picture_way(environment) != PICTURE_NONE)
        return true;
    const char *term = value_of(environment, "TERM");
    return err_set(
        err, ERR_USAGE,
        "--show: the terminal (TERM is %s%.40s%s) can show no pictures; leave --show out",
        *term ? "'" : "not set", term, *term ? "'" : "");
}

/* ---- pixels ---- */

typedef struct {
    unsigned char r, g, b;
} Colour;

static Colour colour_at(const Image *image, int y, int x)
{
    int C = image->channels;
    const unsigned char *p =
        image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)C;
    unsigned alpha = image_has_alpha(C) ? p[C - 1] : 255;
    int g = C >= 3 ? 1 : 0, b = C >= 3 ? 2 : 0;
    return (Colour){(unsigned char)((p[0] * alpha + 127) / 255),
                    (unsigned char)((p[g] * alpha + 127) / 255),
                    (unsigned char)((p[b] * alpha + 127) / 255)};
}

/* The mean of a pixel and the one below it; the last row of an odd number stands alone. */
static Colour colour_of_pair(const Image *image, int y, int x)
{
    Colour a = colour_at(image, y, x);
    Colour b = y + 1 < image->height ? colour_at(image, y + 1, x) : a;
    return (Colour){(unsigned char)((a.r + b.r) / 2), (unsigned char)((a.g + b.g) / 2),
                    (unsigned char)((a.b + b.b) / 2)};
}

/* Each pixel becomes factor x factor. */
static bool enlarge(const Image *in, int factor, Image *out)
{
    int C = in->channels;
    if (!image_alloc(out, in->height * factor, in->width * factor, C)) return false;
    unsigned char *to = out->pixels;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++, to += C)
            memcpy(to,
                   in->pixels + ((size_t)(y / factor) * (size_t)in->width + (size_t)(x / factor)) *
                                    (size_t)C,
                   (size_t)C);
    return true;
}

/* ---- what is sent ---- */

typedef struct {
    char *text;
    size_t size, room;
    bool lost; /* there was no memory for some of it */
} Sent;

static void put_bytes(Sent *s, const char *bytes, size_t count)
{
    if (s->lost) return;
    if (s->size + count > s->room) {
        size_t room = 2 * (s->size + count);
        char *larger = realloc(s->text, room);
        s->lost = !larger;
        if (s->lost) return;
        s->text = larger;
        s->room = room;
    }
    memcpy(s->text + s->size, bytes, count);
    s->size += count;
}

static void put_text(Sent *s, const char *text)
{
    put_bytes(s, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put(Sent *s, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    CHECK(n >= 0 && (size_t)n < sizeof text);
    put_bytes(s, text, (size_t)n);
}

/* ---- characters ---- */

static void put_half_blocks(Sent *out, const Image *image, int y)
{
    for (int x = 0; x < image->width; x++) {
        Colour top = colour_at(image, y, x);
        put(out, "\x1b[38;2;%d;%d;%d", top.r, top.g, top.b);
        if (y + 1 < image->height) {
            Colour low = colour_at(image, y + 1, x);
            put(out, ";48;2;%d;%d;%d", low.r, low.g, low.b);
        }
        put_text(out, "m\xe2\x96\x80"); /* U+2580, the upper half block */
    }
    put_text(out, "\x1b[0m\n");
}

static void put_cells(Sent *out, const Image *image, int y)
{
    for (int x = 0; x < image->width; x++) {
        Colour c = colour_of_pair(image, y, x);
        put(out, "\x1b[48;2;%d;%d;%dm ", c.r, c.g, c.b);
    }
    put_text(out, "\x1b[0m\n");
}

static void put_letters(Sent *out, const Image *image, int y)
{
    static const char ramp[] = " .:-=+*#%@";
    enum { SHADES = sizeof ramp - 1 };
    for (int x = 0; x < image->width; x++) {
        Colour c = colour_of_pair(image, y, x);
        int grey = (299 * c.r + 587 * c.g + 114 * c.b) / 1000;
        put_bytes(out, ramp + grey * SHADES / 256, 1);
    }
    put_text(out, "\n");
}

static bool put_characters(Sent *out, PictureWay way, const Image *picture, int columns, Err *err)
{
    Image narrow = {0};
    if (picture->width > columns) {
        int height = (int)((double)picture->height * columns / picture->width + 0.5);
        if (!image_resize_crop(picture, height > 0 ? height : 1, columns, &narrow, err))
            return false;
        picture = &narrow;
    }
    for (int y = 0; y < picture->height; y += 2) {
        if (way == PICTURE_HALF_BLOCKS)
            put_half_blocks(out, picture, y);
        else if (way == PICTURE_CELLS)
            put_cells(out, picture, y);
        else
            put_letters(out, picture, y);
    }
    image_free(&narrow);
    return true;
}

/* ---- whole pictures ---- */

/* Base64 (RFC 4648, section 4). */
static void put_base64(Sent *out, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        unsigned three = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        const char four[] = {digits[three >> 18], digits[three >> 12 & 63],
                             left > 1 ? digits[three >> 6 & 63] : '=',
                             left > 2 ? digits[three & 63] : '='};
        put_bytes(out, four, sizeof four);
    }
}

/* Kitty: pieces of at most 4096 characters; q=2: the terminal answers nothing; c: as wide as so many columns, 0 as
 * its pixels say. */
static void put_kitty(Sent *out, const unsigned char *png, size_t size, int columns)
{
    enum { PIECE = 3072 };
    char head[48] = "a=T,f=100,q=2,";
    if (columns > 0) snprintf(head, sizeof head, "a=T,f=100,q=2,c=%d,", columns);
    for (size_t at = 0; at < size; at += PIECE) {
        size_t count = size - at < PIECE ? size - at : PIECE;
        put(out, "\x1b_G%sm=%d;", at == 0 ? head : "", at + count < size);
        put_base64(out, png + at, count);
        put_text(out, "\x1b\\");
    }
    put_text(out, "\n");
}

static void put_iterm2(Sent *out, const unsigned char *png, size_t size)
{
    put(out, "\x1b]1337;File=inline=1;size=%zu;width=auto;preserveAspectRatio=1:", size);
    put_base64(out, png, size);
    put_text(out, "\a\n");
}

static bool put_png(Sent *out, PictureWay way, const Image *picture, TerminalWidth width, Err *err)
{
    enum { WIDE_ENOUGH = 400 };
    Image large = {0};
    int factor = (WIDE_ENOUGH + picture->width - 1) / picture->width;
    unsigned char *png = NULL;
    size_t size;
    if (factor > 1) {
        if (!enlarge(picture, factor, &large))
            return err_set(err, ERR_MEMORY,
                           "not enough memory to enlarge a picture of %dx%d pixels", picture->width,
                           picture->height);
        picture = &large;
    }
    bool ok = image_encode_png(picture, NULL, "the picture shown", &png, &size, err);
    bool wider = width.pixels > 0 && picture->width > width.pixels;
    if (ok && way == PICTURE_KITTY) put_kitty(out, png, size, wider ? width.columns : 0);
    if (ok && way == PICTURE_ITERM2) put_iterm2(out, png, size);
    mem_free(png);
    image_free(&large);
    return ok;
}

/* ---- the terminal ---- */

bool terminal_picture_text(PictureWay way, const Image *picture, TerminalWidth width, char **text,
                           size_t *size, Err *err)
{
    CHECK(way != PICTURE_NONE && width.columns > 0 && picture->width > 0 && picture->height > 0);
    Sent out = {0};
    bool whole = way == PICTURE_KITTY || way == PICTURE_ITERM2;
    bool ok = whole ? put_png(&out, way, picture, width, err)
                    : put_characters(&out, way, picture, width.columns, err);
    put_bytes(&out, "", 1);
    if (ok && out.lost)
        ok = err_set(err, ERR_MEMORY, "not enough memory to show a picture of %dx%d",
                     picture->width, picture->height);
    if (!ok) free(out.text);
    *text = ok ? out.text : NULL;
    *size = ok ? out.size - 1 : 0;
    return ok;
}

static TerminalWidth width_of(FILE *out)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return (TerminalWidth){size.ws_col, size.ws_xpixel};
    return (TerminalWidth){.columns = 80};
}

bool terminal_picture_show(FILE *out, const Image *picture, Err *err)
{
    char *text;
    size_t size;
    PictureWay way = terminal_picture_way(environment);
    if (!terminal_picture_wanted(out) || way == PICTURE_NONE) return true;
    if (!terminal_picture_text(way, picture, width_of(out), &text, &size, err)) return false;
    term_progress_clear();
    fwrite(text, 1, size, out);
    fflush(out);
    free(text);
    return true;
}
