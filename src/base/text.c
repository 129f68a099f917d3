#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int utf8_sequence(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if (left == 0) return 0;
    if (p[0] < 0x80) return 1;
    int length = p[0] >= 0xC2 && p[0] < 0xE0   ? 2
                 : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
                 : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                               : 0;
    if (length == 0 || left < (size_t)length) return 0;
    for (int i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    /* Overlong forms, surrogates and code points above 10FFFF show in the second byte. */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] >= 0x90))
        return 0;
    return length;
}

bool text_ends(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

void text_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void text_add(char *list, size_t size, const char *between, const char *word)
{
    text_append(list, size, "%s%s", list[0] ? between : "", word);
}

void text_shell_word(char *out, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "./_-+=:,@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        snprintf(out, size, "%s", word);
        return;
    }
    size_t used = (size_t)snprintf(out, size, "'");
    for (; *word && used < size; word++)
        used += (size_t)(*word == '\'' ? snprintf(out + used, size - used, "'\\''")
                                       : snprintf(out + used, size - used, "%c", *word));
    if (used < size) snprintf(out + used, size - used, "'");
}

void text_escape(char *out, size_t size, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        int length = utf8_sequence((const char *)p, 4); /* the closing zero ends any sequence */
        bool plain = length > 0 && *p >= 0x20 && *p != 0x7F;
        size_t need = plain ? (size_t)length : 4;
        if (used + need + 1 > size) break;
        if (plain) {
            memcpy(out + used, p, need);
            p += length;
        } else {
            out[used] = '\\';
            out[used + 1] = 'x';
            out[used + 2] = hex[*p >> 4];
            out[used + 3] = hex[*p & 15];
            p++;
        }
        used += need;
    }
    if (size) out[used] = '\0';
}

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;
    return least < c ? least : c;
}

int text_distance(const char *a, const char *b)
{
    int rows[3][TEXT_DISTANCE_BYTES + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > TEXT_DISTANCE_BYTES || m > TEXT_DISTANCE_BYTES) return INT_MAX;
    for (int j = 0; j <= m; j++) rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], above2[j - 2] + 1, INT_MAX);
        }
    }
    return rows[n % 3][m];
}

/* The numbers at *a and *b, whose leading zeros do not count; both are passed over. */
static int number_order(const char **a, const char **b)
{
    static const char digits[] = "0123456789";
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    size_t n = strspn(*a, digits), m = strspn(*b, digits);
    if (n != m) return n < m ? -1 : 1;
    int order = memcmp(*a, *b, n);
    *a += n;
    *b += m;
    return order;
}

int text_natural_order(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        bool numbers = *x >= '0' && *x <= '9' && *y >= '0' && *y <= '9';
        int order = numbers ? number_order(&x, &y) : (unsigned char)*x - (unsigned char)*y;
        if (order) return order;
        if (!numbers) x++, y++;
    }
    if (*x || *y) return *x ? 1 : -1;
    return strcmp(a, b); /* "01" and "1" */
}

void text_normalize(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (; *text && used + 1 < size; text++)
        if (!ispunct((unsigned char)*text) && *text != ' ')
            out[used++] = (char)tolower((unsigned char)*text);
    out[used] = '\0';
}
