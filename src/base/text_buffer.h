/* A text that grows: pages and tables that are made in memory before they are written. */
#ifndef DIFFC_TEXT_BUFFER_H
#define DIFFC_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
typedef struct {
    char *text; /* size bytes and a closing zero; NULL: nothing was added yet */
    size_t size, room;
    bool failed; /* no memory; what came after is lost */
} TextBuffer;

void text_buffer_free(TextBuffer *b);
void text_buffer_add(TextBuffer *b, const char *bytes, size_t size);
/* Room for `size` bytes and a closing zero at the text's end, which the caller fills and counts in b->size;
 * NULL without memory. */
char *text_buffer_room(TextBuffer *b, size_t size);

#endif
