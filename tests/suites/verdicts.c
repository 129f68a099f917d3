/* What diffc makes of files of a test suite: reads their paths from stdin, one a line, and prints for
 * each one line, "refused", "WIDTHxHEIGHTxCHANNELS CRC-32 of the pixels" or, for .json, "accepted". */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/fsio.h"
#include "data/image.h"
#include "io/json.h"

static void image_verdict(const FileBytes *file)
{
    Image image;
    if (!image_decode(file->bytes, file->size, "file", IMAGE_AS_STORED, &image, NULL)) {
        puts("refused");
        return;
    }
    size_t size = (size_t)image.height * (size_t)image.width * (size_t)image.channels;
    printf("%dx%dx%d %08lx\n", image.width, image.height, image.channels,
           crc32(0, image.pixels, (uInt)size));
    image_free(&image);
}

static void json_verdict(const FileBytes *file)
{
    Json *v = json_parse((const char *)file->bytes, file->size, "file", false, NULL);
    puts(v ? "accepted" : "refused");
    json_free(v);
}

int main(void)
{
    char path[PATH_BYTES];
    while (fgets(path, sizeof path, stdin)) {
        FileBytes file;
        Err err = {0};
        path[strcspn(path, "\n")] = '\0';
        const char *dot = strrchr(path, '.');
        if (!file_read(path, IMAGE_MAX_BYTES, &file, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        if (dot && strcasecmp(dot, ".json") == 0)
            json_verdict(&file);
        else
            image_verdict(&file);
        fflush(stdout); /* the lines before a crash count the files before it */
        file_free(&file);
    }
    return 0;
}
