/* Pictures in the terminal (--show). The way is chosen by what the terminal says of itself in its environment:
 *   kitty's graphics protocol, iTerm2's inline images    the picture itself, as PNG
 *   half blocks                                          two pixels a character, colours of 24 bits
 *   cells                                                a coloured space, where the locale is not UTF-8
 *   letters                                              darker and lighter ones, with NO_COLOR */
#ifndef DIFFC_CLI_TERMINAL_PICTURE_H
#define DIFFC_CLI_TERMINAL_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "data/image.h"

typedef enum {
    PICTURE_NONE, /* the terminal can show none */
    PICTURE_LETTERS,
    PICTURE_CELLS,
    PICTURE_HALF_BLOCKS,
    PICTURE_ITERM2,
    PICTURE_KITTY,
} PictureWay;

/* By getenv, which tests replace. */
typedef const char *PictureVariable(const char *name);
PictureWay terminal_picture_way(PictureVariable *get);

/* Whether `out` is a terminal: else --show shows nothing. */
bool terminal_picture_wanted(FILE *out);
/* ERR_USAGE where `out` is a terminal that can show no picture. For before the work. */
bool terminal_picture_check(FILE *out, Err *err);

/* How wide a terminal is. */
typedef struct {
    int columns, pixels; /* pixels 0: not known */
} TerminalWidth;

/* What is sent to a terminal, with a newline at its end. Wider pictures are made as narrow as it is, one pixel a
 * column where it draws characters. Pictures of few pixels are enlarged where it draws each of them. Alpha is blended
 * over black. Free the text with free. ERR_MEMORY. */
bool terminal_picture_text(PictureWay way, const Image *picture, TerminalWidth width, char **text,
                           size_t *size, Err *err);

/* Sends the picture to a terminal, and nothing where `out` is none. A progress line gives way to it. */
bool terminal_picture_show(FILE *out, const Image *picture, Err *err);

#endif
