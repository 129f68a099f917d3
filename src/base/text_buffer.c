#include "base/text_buffer.h"

#include <stdlib.h>
#include <string.h>

char *text_buffer_room(TextBuffer *b, size_t size)
{
    enum { FIRST = 1 << 14 };
    if (b->failed) return NULL;
    if (b->text && b->size + size < b->room) return b->text + b->size;
    size_t room = 2 * (b->size + size) + FIRST;
    char *text = realloc(b->text, room);
    b->failed = !text;
    if (b->failed) return NULL;
    b->text = text;
    b->room = room;
    return text + b->size;
}

void text_buffer_add(TextBuffer *b, const char *bytes, size_t size)
{
    char *end = text_buffer_room(b, size);
    if (!end) return;
    memcpy(end, bytes, size);
    end[size] = '\0';
    b->size += size;
}

void text_buffer_free(TextBuffer *b)
{
    free(b->text);
    *b = (TextBuffer){0};
}
