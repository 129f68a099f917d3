/* Inception v3's features of raw images, for tests/bench/inception_speed.py:
 *
 *   inception_speed WEIGHTS.safetensors HEIGHT WIDTH CHANNELS COUNT THREADS <images >features
 *
 * Reads COUNT images [H,W,C] of bytes, makes their features twice, writes the second [COUNT,2048] in float32, and the
 * seconds it took and those of all CPUs on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "model/inception_features.h"

static bool run(Inception *in, const ImageSet *s, float *features, Err *err)
{
    double seconds = 0, of_cpus = 0;
    for (int i = 0; i < 2; i++) {
        double start = clock_seconds(), before = (double)clock();
        if (!inception_features(in, s, NULL, features, err)) return false;
        seconds = clock_seconds() - start;
        of_cpus = ((double)clock() - before) / CLOCKS_PER_SEC;
    }
    fprintf(stderr, "%.4f %.4f\n", seconds, of_cpus);
    return fwrite(features, sizeof(float) * INCEPTION_FEATURES, s->count, stdout) == s->count;
}

int main(int count, char **words)
{
    Inception in;
    Err err = {0};
    if (count != 7) return 2;
    ImageSet s = {
        {atoi(words[2]), atoi(words[3]), atoi(words[4])}, (size_t)atoi(words[5]), NULL, NULL};
    parallel_set_threads(atoi(words[6]));
    parallel_bind_threads();
    unsigned char *pixels = calloc(s.count, image_set_dims(&s));
    float *features = calloc(s.count, sizeof(float) * INCEPTION_FEATURES);
    s.pixels = pixels;
    bool ok = pixels && features && fread(pixels, image_set_dims(&s), s.count, stdin) == s.count &&
              inception_open(&in, words[1], &err) && run(&in, &s, features, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : 1;
}
