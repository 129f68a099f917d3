/* usage: write_inception FILE: weights of Inception v3 by a formula (inception_file.h), for tests of the program. */
#include "inception_file.h"
#include "test.h"

/* What inception_file.c asks of the harness, which brings a main of its own. */
float *test_floats(size_t n)
{
    float *values = calloc(n, sizeof *values);
    if (!values) abort();
    return values;
}

bool test_expect_ok(bool ok, const char *said, const char *text, const char *file, int line)
{
    if (ok) return true;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, text, said);
    exit(1);
}

int main(int count, char **words)
{
    if (count != 2) return 2;
    write_inception_file(words[1]);
    return 0;
}
