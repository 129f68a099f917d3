/* What is sent to terminals, and which way a terminal gets. */
#include "cli/terminal_picture.h"

#include "test.h"

/* ---- the way ---- */

enum { VARIABLES = 4 };
static const char *names[VARIABLES], *values[VARIABLES];

static const char *get(const char *name)
{
    for (int i = 0; i < VARIABLES; i++)
        if (names[i] && strcmp(names[i], name) == 0) return values[i];
    return NULL;
}

/* "TERM=xterm LANG=C.UTF-8" */
static PictureWay way_of(const char *environment)
{
    static char text[256];
    snprintf(text, sizeof text, "%s", environment);
    memset(names, 0, sizeof names);
    int n = 0;
    for (char *word = strtok(text, " "); word && n < VARIABLES; word = strtok(NULL, " "), n++) {
        char *value = strchr(word, '=');
        *value = '\0';
        names[n] = word;
        values[n] = value + 1;
    }
    return terminal_picture_way(get);
}

TEST(terminals_that_announce_pictures_get_them_and_others_half_blocks)
{
    EXPECT_INT(way_of("TERM=xterm-kitty LANG=C"), PICTURE_KITTY);
    EXPECT_INT(way_of("TERM=xterm-256color KITTY_WINDOW_ID=1"), PICTURE_KITTY);
    EXPECT_INT(way_of("TERM=xterm-256color TERM_PROGRAM=ghostty"), PICTURE_KITTY);
    EXPECT_INT(way_of("TERM=xterm-256color TERM_PROGRAM=iTerm.app"), PICTURE_ITERM2);
    EXPECT_INT(way_of("TERM=xterm-256color LC_TERMINAL=iTerm2"), PICTURE_ITERM2);
    EXPECT_INT(way_of("TERM=xterm-256color TERM_PROGRAM=WezTerm"), PICTURE_ITERM2);
    EXPECT_INT(way_of("TERM=xterm-256color TERM_PROGRAM=vscode LANG=en_US.UTF-8"),
               PICTURE_HALF_BLOCKS);
    EXPECT_INT(way_of("TERM=xterm LC_ALL=C.utf8"), PICTURE_HALF_BLOCKS);
    EXPECT_INT(way_of("TERM=xterm LC_CTYPE=UTF-8"), PICTURE_HALF_BLOCKS);
}

TEST(multiplexers_pass_no_pictures_on)
{
    EXPECT_INT(way_of("TERM=tmux-256color KITTY_WINDOW_ID=1 LANG=C.UTF-8"), PICTURE_HALF_BLOCKS);
    EXPECT_INT(way_of("TERM=screen LC_TERMINAL=iTerm2 LANG=C.UTF-8"), PICTURE_HALF_BLOCKS);
    EXPECT_INT(way_of("TERM=xterm TMUX=/tmp/x,1,0 TERM_PROGRAM=WezTerm LANG=C.UTF-8"),
               PICTURE_HALF_BLOCKS);
}

TEST(locales_without_utf8_get_cells_and_no_color_letters)
{
    EXPECT_INT(way_of("TERM=xterm"), PICTURE_CELLS);
    EXPECT_INT(way_of("TERM=xterm LANG=C.UTF-8 LC_ALL=C"), PICTURE_CELLS);
    EXPECT_INT(way_of("TERM=xterm LANG=de_DE.ISO-8859-1"), PICTURE_CELLS);
    EXPECT_INT(way_of("TERM=xterm LANG=C.UTF-8 NO_COLOR=1"), PICTURE_LETTERS);
    EXPECT_INT(way_of("TERM=xterm LANG=C.UTF-8 NO_COLOR="), PICTURE_HALF_BLOCKS);
}

TEST(simple_terminals_get_nothing)
{
    EXPECT_INT(way_of("LANG=C.UTF-8"), PICTURE_NONE);
    EXPECT_INT(way_of("TERM=dumb LANG=C.UTF-8"), PICTURE_NONE);
    EXPECT_INT(way_of("TERM=vt100 KITTY_WINDOW_ID=1"), PICTURE_NONE);
    EXPECT_INT(way_of("TERM=vte-256color LANG=C.UTF-8"), PICTURE_HALF_BLOCKS);
}

/* ---- what is sent ---- */

static const TerminalWidth usual = {.columns = 80};

/* free() when the case ends. */
static char *text_of(PictureWay way, const Image *picture, TerminalWidth width, size_t *size)
{
    Err err = {0};
    char *text;
    if (!EXPECT_OK(terminal_picture_text(way, picture, width, &text, size, &err), err)) exit(1);
    test_at_end(free, text);
    return text;
}

TEST(half_blocks_are_two_pixels_a_character_and_an_odd_last_row_stands_alone)
{
    unsigned char pixels[] = {255, 0, 0, 0, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    Image picture = {.height = 3, .width = 2, .channels = 3, .pixels = pixels};
    size_t size;
    EXPECT_TEXT(text_of(PICTURE_HALF_BLOCKS, &picture, usual, &size),
                "\x1b[38;2;255;0;0;48;2;1;2;3m\xe2\x96\x80\x1b[38;2;0;255;0;48;2;4;5;6m\xe2\x96\x80"
                "\x1b[0m\n\x1b[38;2;7;8;9m\xe2\x96\x80\x1b[38;2;10;11;12m\xe2\x96\x80\x1b[0m\n");
}

TEST(cells_are_the_mean_of_two_pixels_and_letters_are_their_brightness)
{
    unsigned char pixels[] = {0, 255, 100, 255, 0, 255, 50, 255};
    Image picture = {.height = 2, .width = 4, .channels = 1, .pixels = pixels};
    size_t size;
    EXPECT_TEXT(
        text_of(PICTURE_CELLS, &picture, usual, &size),
        "\x1b[48;2;0;0;0m \x1b[48;2;255;255;255m \x1b[48;2;75;75;75m \x1b[48;2;255;255;255m "
        "\x1b[0m\n");
    EXPECT_TEXT(text_of(PICTURE_LETTERS, &picture, usual, &size), " @:@\n");
}

TEST(alpha_is_blended_over_black)
{
    unsigned char pixels[] = {200, 100, 50, 0, 200, 100, 50, 255};
    Image picture = {.height = 1, .width = 2, .channels = 4, .pixels = pixels};
    size_t size;
    EXPECT_TEXT(text_of(PICTURE_HALF_BLOCKS, &picture, usual, &size),
                "\x1b[38;2;0;0;0m\xe2\x96\x80\x1b[38;2;200;100;50m\xe2\x96\x80\x1b[0m\n");
}

TEST(pictures_wider_than_the_terminal_are_made_as_wide_as_it_is)
{
    Image picture = {0};
    size_t size;
    if (!EXPECT(image_alloc(&picture, 100, 200, 1))) return;
    char *text = text_of(PICTURE_LETTERS, &picture, (TerminalWidth){.columns = 30}, &size);
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        EXPECT_INT(strlen(line), 30);
    EXPECT_INT(lines, 8); /* 15 rows of pixels */
    image_free(&picture);
}

/* ---- whole pictures ---- */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Decodes `length` characters; returns the number of bytes. */
static size_t decode(const char *text, size_t length, unsigned char *bytes)
{
    size_t n = 0;
    EXPECT_INT(length % 4, 0);
    for (size_t i = 0; i < length; i += 4) {
        int d[4];
        for (int k = 0; k < 4; k++) d[k] = digit(text[i + (size_t)k]);
        EXPECT(d[0] >= 0 && d[1] >= 0);
        bytes[n++] = (unsigned char)(d[0] << 2 | d[1] >> 4);
        if (d[2] >= 0) bytes[n++] = (unsigned char)((d[1] & 15) << 4 | d[2] >> 2);
        if (d[3] >= 0) bytes[n++] = (unsigned char)((d[2] & 3) << 6 | d[3]);
    }
    return n;
}

enum { SIDE = 130, FACTOR = 4 }; /* enlarged to 520, at least 400 */

/* Noise, which PNG cannot make small: several pieces. */
static void noise(Image *picture)
{
    if (!EXPECT(image_alloc(picture, SIDE, SIDE, 1))) exit(1);
    float *x = test_random(SIDE * SIDE, 1, 0.5F);
    image_bytes(picture->pixels, x, SIDE * SIDE);
}

static void expect_enlarged(const Image *picture, const unsigned char *png, size_t size)
{
    Err err = {0};
    Image decoded = {0};
    if (!EXPECT_OK(image_decode(png, size, "sent", IMAGE_AS_STORED, &decoded, &err), err)) return;
    EXPECT_INT(decoded.width, SIDE * FACTOR);
    EXPECT_INT(decoded.height, SIDE * FACTOR);
    bool same = decoded.channels == 1;
    for (int y = 0; same && y < decoded.height; y++)
        for (int x = 0; x < decoded.width; x++)
            same = same && decoded.pixels[y * decoded.width + x] ==
                               picture->pixels[y / FACTOR * SIDE + x / FACTOR];
    EXPECT(same);
    image_free(&decoded);
}

TEST(kitty_gets_the_png_in_pieces_of_at_most_4096_characters)
{
    Image picture = {0};
    size_t size, bytes = 0;
    int pieces = 0;
    noise(&picture);
    char *text = text_of(PICTURE_KITTY, &picture, usual, &size), *at = text;
    unsigned char *png = malloc(size);
    while (strncmp(at, "\x1b_G", 3) == 0) {
        const char *first = "\x1b_Ga=T,f=100,q=2,m=1;", *next = "\x1b_Gm=";
        const char *head = pieces == 0 ? first : next;
        EXPECT(strncmp(at, head, strlen(head)) == 0);
        char *data = strchr(at, ';') + 1, *end = strstr(data, "\x1b\\");
        bool last = data[-2] == '0';
        EXPECT(end - data <= 4096);
        bytes += decode(data, (size_t)(end - data), png + bytes);
        at = end + 2;
        pieces++;
        EXPECT_INT(last, strcmp(at, "\n") == 0);
    }
    EXPECT_TEXT(at, "\n");
    EXPECT(pieces > 2);
    expect_enlarged(&picture, png, bytes);
    free(png);
    image_free(&picture);
}

TEST(kitty_scales_a_picture_wider_than_its_window)
{
    Image picture = {0};
    size_t size;
    noise(&picture);
    char *text = text_of(PICTURE_KITTY, &picture, (TerminalWidth){80, 519}, &size);
    EXPECT(strncmp(text, "\x1b_Ga=T,f=100,q=2,c=80,m=1;", 25) == 0);
    text = text_of(PICTURE_KITTY, &picture, (TerminalWidth){80, 520}, &size);
    EXPECT(strncmp(text, "\x1b_Ga=T,f=100,q=2,m=1;", 20) == 0);
    image_free(&picture);
}

TEST(iterm2_gets_the_png_and_its_size)
{
    Image picture = {0};
    size_t size, said = 0;
    int head = 0;
    noise(&picture);
    char *text = text_of(PICTURE_ITERM2, &picture, usual, &size);
    unsigned char *png = malloc(size);
    EXPECT_INT(sscanf(text, "\x1b]1337;File=inline=1;size=%zu;width=auto;preserveAspectRatio=1:%n",
                      &said, &head),
               1);
    EXPECT(head > 0 && strcmp(text + size - 2, "\a\n") == 0);
    size_t bytes = decode(text + head, size - 2 - (size_t)head, png);
    EXPECT_INT(bytes, said);
    expect_enlarged(&picture, png, bytes);
    free(png);
    image_free(&picture);
}
