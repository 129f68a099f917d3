/* The test harness: named cases, a filter, and one closing line "N passed, N failed".
 *
 *   TEST(rng_known_answers) { EXPECT(...); }
 *
 * Usage of a test binary: test_rng [--list] [FILTER]. Exit 1 if any case failed. Comparisons are
 * written so that NaN fails. Cases that need what this machine lacks are counted in lines
 * "N skipped: why" before the closing one. */
#ifndef DIFFC_TESTS_TEST_H
#define DIFFC_TESTS_TEST_H

/* What nearly every test needs. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*TestFunction)(void);
void test_register(const char *name, TestFunction function);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void test_register_##name(void)                            \
    {                                                                                              \
        test_register(#name, test_##name);                                                         \
    }                                                                                              \
    static void test_##name(void)

/* Each failing expectation prints file, line and values, and fails the case; the case goes on. */
#define EXPECT(condition) test_expect((condition), #condition, __FILE__, __LINE__)
#define EXPECT_NEAR(actual, expected, tolerance)                                                   \
    test_expect_near((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
#define EXPECT_INT(actual, expected)                                                               \
    test_expect_int((actual), (expected), #actual, __FILE__, __LINE__)
#define EXPECT_TEXT(actual, expected)                                                              \
    test_expect_text((actual), (expected), #actual, __FILE__, __LINE__)
/* `needle` stands in `text`. */
#define EXPECT_CONTAINS(text, needle)                                                              \
    test_expect_contains((text), (needle), #text, __FILE__, __LINE__)
/* The call succeeds; else what it says is printed (Err in base/err.h). */
#define EXPECT_OK(call, error) test_expect_ok((call), (error).text, #call, __FILE__, __LINE__)
/* The call fails with an error of this kind and these words. */
#define EXPECT_REFUSED(call, error, error_kind, words)                                             \
    (EXPECT_FAILS(call, error, words), EXPECT_INT((error).kind, error_kind))
/* The call fails with these words. */
#define EXPECT_FAILS(call, error, words) (EXPECT(!(call)), EXPECT_CONTAINS((error).text, words))
/* ||a - b||_2 <= tolerance * ||b||_2, and no NaN; prints the worst element. */
#define EXPECT_CLOSE(a, b, n, tolerance)                                                           \
    test_expect_close((a), (b), (n), (tolerance), #a, __FILE__, __LINE__)
/* Same bytes. */
#define EXPECT_SAME(a, b, bytes) test_expect_same((a), (b), (bytes), #a, __FILE__, __LINE__)

/* The file at `path` holds this text and no more. */
#define EXPECT_FILE(path, text) test_expect_file((path), (text), __FILE__, __LINE__)
/* How many names the folder at `path` has; -1: it is none. */
int test_count_names(const char *path);

/* The larger of two errors, for a loop that keeps the worst; NaN once either is (fmax drops it). */
double test_larger(double a, double b);

bool test_expect(bool ok, const char *text, const char *file, int line);
bool test_expect_ok(bool ok, const char *said, const char *text, const char *file, int line);
bool test_expect_near(double actual, double expected, double tolerance, const char *text,
                      const char *file, int line);
bool test_expect_int(long long actual, long long expected, const char *text, const char *file,
                     int line);
bool test_expect_text(const char *actual, const char *expected, const char *text, const char *file,
                      int line);
bool test_expect_contains(const char *actual, const char *needle, const char *text,
                          const char *file, int line);
bool test_expect_close(const float *a, const float *b, size_t n, double tolerance, const char *text,
                       const char *file, int line);
bool test_expect_file(const char *path, const char *expected, const char *file, int line);
bool test_expect_same(const void *a, const void *b, size_t bytes, const char *text,
                      const char *file, int line);

/* The running case is counted as skipped instead of passed; the caller then returns. */
void test_skip(const char *why);
/* The folder of Fashion-MNIST: the one of Debian's package, or data/fashion-mnist; NULL: neither. */
const char *test_find_fashion_mnist(void);
/* The same for a case that cannot do without; NULL skips the case, which then returns. */
const char *test_need_fashion_mnist(void);

/* n floats of N(0,1) * scale from the test seed; `tag` names the stream. */
void test_normals(float *y, size_t n, unsigned tag, float scale);
/* The sum of a[i] b[i], in double. */
double test_dot(const float *a, const float *b, size_t n);
/* n floats, zero, of test_normals, or copied; the harness frees them when the case ends. */
float *test_floats(size_t n);
float *test_copy(const float *x, size_t n);
float *test_random(size_t n, unsigned tag, float scale);

/* a b + c with the rounding of the level in use (vec.h): once where it has fused multiply-adds, else
 * the product first. */
float test_multiply_add(float a, float b, float c);

/* f(what) is called when the case ends. */
void test_at_end(void (*f)(void *what), void *what);
void test_end_now(void *what); /* it is called now instead */

/* A fresh scratch folder for the running case, removed when it ends. */
const char *test_folder(void);
/* A path in it, until the case ends; 32 of them at most. */
const char *test_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Removes a file or a folder with all that is in it; true when nothing is left. No shell reads the
 * path, so it may hold spaces and quotes. */
bool test_remove_tree(const char *path);

/* Runs body with 1, 2, 3 and 8 threads in turn (the harness restores the count). */
#define FOR_THREADS(variable)                                                                      \
    for (int test_i_ = 0, variable = test_thread_count(0); test_i_ < 4;                            \
         test_i_++, variable = test_thread_count(test_i_))
int test_thread_count(int i);

#endif
