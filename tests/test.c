#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/vec.h"

enum { MAX_CASES = 512 };
static struct {
    const char *name;
    TestFunction function;
} cases[MAX_CASES];
static int case_count;
static bool case_failed;
static const char *case_skipped; /* why, or NULL */
static char folder[PATH_BYTES];

void test_register(const char *name, TestFunction function)
{
    if (case_count == MAX_CASES) abort();
    cases[case_count].name = name;
    cases[case_count++].function = function;
}

static bool report(bool ok, const char *file, int line)
{
    if (!ok) {
        case_failed = true;
        printf("  %s:%d: ", file, line);
    }
    return ok;
}

double test_larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

bool test_expect(bool ok, const char *text, const char *file, int line)
{
    if (!report(ok, file, line)) printf("%s is false\n", text);
    return ok;
}

bool test_expect_ok(bool ok, const char *said, const char *text, const char *file, int line)
{
    if (!test_expect(ok, text, file, line)) printf("  %s\n", said);
    return ok;
}

bool test_expect_near(double actual, double expected, double tolerance, const char *text,
                      const char *file, int line)
{
    bool ok = fabs(actual - expected) <= tolerance;
    if (!report(ok, file, line))
        printf("%s is %.10g, expected %.10g within %.3g\n", text, actual, expected, tolerance);
    return ok;
}

bool test_expect_int(long long actual, long long expected, const char *text, const char *file,
                     int line)
{
    bool ok = actual == expected;
    if (!report(ok, file, line)) printf("%s is %lld, expected %lld\n", text, actual, expected);
    return ok;
}

bool test_expect_text(const char *actual, const char *expected, const char *text, const char *file,
                      int line)
{
    bool ok = actual && strcmp(actual, expected) == 0;
    if (!report(ok, file, line))
        printf("%s is\n    %s\n  expected\n    %s\n", text, actual ? actual : "(null)", expected);
    return ok;
}

bool test_expect_contains(const char *actual, const char *needle, const char *text,
                          const char *file, int line)
{
    bool ok = actual && strstr(actual, needle) != NULL;
    if (!report(ok, file, line))
        printf("%s is\n    %s\n  which does not contain\n    %s\n", text,
               actual ? actual : "(null)", needle);
    return ok;
}

bool test_expect_close(const float *a, const float *b, size_t n, double tolerance, const char *text,
                       const char *file, int line)
{
    double difference = 0, norm = 0, worst = -1;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        difference += d * d;
        norm += (double)b[i] * (double)b[i];
        if (!(fabs(d) <= worst)) {
            worst = fabs(d);
            at = i;
        }
    }
    bool ok = sqrt(difference) <= tolerance * sqrt(norm);
    if (!report(ok, file, line))
        printf("%s: relative error %.3g above %.3g; worst at [%zu]: %.9g, expected %.9g\n", text,
               sqrt(difference / norm), tolerance, at, n ? (double)a[at] : 0.0,
               n ? (double)b[at] : 0.0);
    return ok;
}

bool test_expect_same(const void *a, const void *b, size_t bytes, const char *text,
                      const char *file, int line)
{
    bool ok = memcmp(a, b, bytes) == 0;
    if (!report(ok, file, line)) {
        size_t at = 0;
        while (((const char *)a)[at] == ((const char *)b)[at]) at++;
        printf("%s differs at byte %zu of %zu\n", text, at, bytes);
    }
    return ok;
}

bool test_expect_file(const char *path, const char *expected, const char *file, int line)
{
    FileBytes bytes;
    Err err = {0};
    if (!test_expect_ok(file_read(path, 1 << 20, &bytes, &err), err.text, path, file, line))
        return false;
    bool ok = test_expect_text((const char *)bytes.bytes, expected, path, file, line);
    file_free(&bytes);
    return ok;
}

int test_count_names(const char *path)
{
    Names names;
    if (!folder_list(path, &names, NULL)) return -1;
    int count = (int)names.count;
    names_free(&names);
    return count;
}

void test_skip(const char *why)
{
    case_skipped = why;
}

const char *test_find_fashion_mnist(void)
{
    static const char *const folders[] = {"/usr/share/datasets/fashion-mnist",
                                          "data/fashion-mnist"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (access(folders[i], R_OK) == 0) return folders[i];
    return NULL;
}

const char *test_need_fashion_mnist(void)
{
    const char *folder_found = test_find_fashion_mnist();
    if (!folder_found) test_skip("Fashion-MNIST is not installed");
    return folder_found;
}

/* How often each reason to skip was given. */
enum { MAX_REASONS = 8 };
static struct {
    const char *why;
    int count;
} reasons[MAX_REASONS];

static void count_skipped(const char *why)
{
    for (int i = 0; i < MAX_REASONS; i++) {
        if (reasons[i].why && strcmp(reasons[i].why, why) != 0) continue;
        reasons[i].why = why;
        reasons[i].count++;
        return;
    }
    abort();
}

void test_normals(float *y, size_t n, unsigned tag, float scale)
{
    rng_normals_float(y, n, 20240607, rng_stream(RNG_TEST, tag), 0);
    for (size_t i = 0; i < n; i++) y[i] *= scale;
}

double test_dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static struct AtEnd {
    struct AtEnd *next;
    void (*f)(void *what);
    void *what;
} * at_end; /* of the running case, the newest first */

void test_at_end(void (*f)(void *what), void *what)
{
    struct AtEnd *a = malloc(sizeof *a);
    if (!a) abort();
    *a = (struct AtEnd){.next = at_end, .f = f, .what = what};
    at_end = a;
}

static void end_one(struct AtEnd **place)
{
    struct AtEnd *a = *place;
    *place = a->next;
    a->f(a->what);
    free(a);
}

void test_end_now(void *what)
{
    struct AtEnd **place = &at_end;
    while (*place && (*place)->what != what) place = &(*place)->next;
    if (!*place) abort();
    end_one(place);
}

static void end_case(void)
{
    while (at_end) end_one(&at_end);
}

float *test_floats(size_t n)
{
    float *y = calloc(n ? n : 1, sizeof *y);
    if (!y) abort();
    test_at_end(free, y);
    return y;
}

float *test_copy(const float *x, size_t n)
{
    return memcpy(test_floats(n), x, n * sizeof *x);
}

float *test_random(size_t n, unsigned tag, float scale)
{
    float *y = test_floats(n);
    test_normals(y, n, tag, scale);
    return y;
}

float test_multiply_add(float a, float b, float c)
{
#if defined(__aarch64__) || (defined(__AVX2__) && defined(__FMA__))
    return fmaf(a, b, c);
#else
    return vec_simd_level() == SIMD_PLAIN ? a * b + c : fmaf(a, b, c);
#endif
}

static int paths_given;

bool test_remove_tree(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0) return errno == ENOENT;
    if (!S_ISDIR(s.st_mode)) return unlink(path) == 0;
    chmod(path, S_IRWXU);
    DIR *list = opendir(path);
    bool ok = list != NULL;
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        size_t size = strlen(path) + strlen(entry->d_name) + 2;
        char *inner = malloc(size);
        if (!inner) abort();
        snprintf(inner, size, "%s/%s", path, entry->d_name);
        ok = test_remove_tree(inner) && ok;
        free(inner);
    }
    if (list) closedir(list);
    return rmdir(path) == 0 && ok;
}

static void remove_folder(void)
{
    if (!folder[0]) return;
    if (!test_remove_tree(folder)) printf("  cannot remove %s\n", folder);
    folder[0] = '\0';
    paths_given = 0;
}

const char *test_folder(void)
{
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        int n =
            snprintf(folder, sizeof folder, "%s/diffc-test-XXXXXX", base && *base ? base : "/tmp");
        if (n >= (int)sizeof folder || !mkdtemp(folder)) {
            printf("no folder can be made in TMPDIR (%s)\n", base && *base ? base : "/tmp");
            exit(2);
        }
    }
    return folder;
}

const char *test_path(const char *format, ...)
{
    enum { PATHS = 32, BYTES = PATH_BYTES };
    static char paths[PATHS][BYTES];
    if (paths_given == PATHS) abort();
    char *path = paths[paths_given++];
    int used = snprintf(path, BYTES, "%s/", test_folder());
    va_list values;
    va_start(values, format);
    if (used >= BYTES ||
        vsnprintf(path + used, (size_t)(BYTES - used), format, values) >= BYTES - used)
        abort();
    va_end(values);
    return path;
}

int test_thread_count(int i)
{
    static const int counts[] = {1, 2, 3, 8};
    int threads = i < 4 ? counts[i] : 2;
    parallel_set_threads(threads);
    return parallel_threads(); /* fewer where OMP_THREAD_LIMIT or the system allows no more */
}

int main(int argc, char **argv)
{
    const char *filter = NULL;
    int passed = 0, failed = 0, skipped = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            for (int k = 0; k < case_count; k++) puts(cases[k].name);
            return 0;
        }
        filter = argv[i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    Err err;
    if (!vec_init(&err)) {
        puts(err.text);
        return 2;
    }
    for (int i = 0; i < case_count; i++) {
        if (filter && !strstr(cases[i].name, filter)) continue;
        case_failed = false;
        case_skipped = NULL;
        parallel_set_threads(2);
        cases[i].function();
        remove_folder();
        end_case();
        if (case_failed) printf("FAIL %s\n", cases[i].name);
        if (case_skipped && !case_failed) {
            count_skipped(case_skipped);
            skipped++;
            continue;
        }
        case_failed ? failed++ : passed++;
    }
    if (passed + failed + skipped == 0) {
        printf("no case matches %s\n", filter ? filter : "");
        return 2;
    }
    for (int i = 0; i < MAX_REASONS && reasons[i].why; i++)
        printf("%d skipped: %s\n", reasons[i].count, reasons[i].why);
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
