#include "math/product_blas.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/product_table.h"
#include "math/vec.h"

#ifndef BLAS_LIBRARY /* the name that the loader finds it by, from .ci/blas.sh */
#define BLAS_LIBRARY ""
#endif

/* The header of each library declares this function in its own way; the numbers are the same in all. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void Sgemm(int order, int transpose_a, int transpose_b, int M, int N, int K, float alpha,
                   const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

typedef void Dgemm(int order, int transpose_a, int transpose_b, int M, int N, int K, double alpha,
                   const double *a, int lda, const double *b, int ldb, double beta, double *c,
                   int ldc);
/* LAPACK's, called as Fortran: behind the arguments stand the lengths of the two words. */
typedef void Dsyevd(const char *job, const char *part, const int *n, double *a, const int *lda,
                    double *values, double *work, const int *work_size, int *whole,
                    const int *whole_size, int *info, size_t job_length, size_t part_length);

static Sgemm *sgemm;
static Dgemm *dgemm;
static Dsyevd *dsyevd;
static void *library;
static char name[160] = "none";
static const char *core;

/* A function of the library; C has no conversion from a data pointer. */
#define FIND(function, symbol)                                                                     \
    do {                                                                                           \
        void *found_ = dlsym(library, symbol);                                                     \
        memcpy(&(function), &found_, sizeof found_);                                               \
    } while (0)

/* ---- Loading ---- */

/* Read by the libraries while they are loaded. */
static const char *const thread_settings[] = {"OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS",
                                              "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};
enum { THREAD_SETTINGS = sizeof thread_settings / sizeof *thread_settings };

static const char *core_of_cpu(void)
{
    SimdLevel has = vec_cpu_level();
    return has == SIMD_AVX512 ? "SkylakeX" : has == SIMD_AVX2 ? "Haswell" : NULL;
}

static void put_variable(const char *variable, const char *value)
{
    if (value)
        setenv(variable, value, 1);
    else
        unsetenv(variable);
}

/* The environment is as before when the library is there: other code of this process may use it too. */
static void load(void)
{
    if (library) return;
    char *before[THREAD_SETTINGS];
    bool names_core = !getenv("OPENBLAS_CORETYPE") && core_of_cpu();
    for (int i = 0; i < THREAD_SETTINGS; i++) {
        const char *value = getenv(thread_settings[i]);
        before[i] = value ? strdup(value) : NULL;
        setenv(thread_settings[i], "1", 1);
    }
    if (names_core) setenv("OPENBLAS_CORETYPE", core_of_cpu(), 1);
    library = dlopen(BLAS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (names_core) unsetenv("OPENBLAS_CORETYPE");
    for (int i = 0; i < THREAD_SETTINGS; i++) {
        put_variable(thread_settings[i], before[i]);
        free(before[i]);
    }
}

/* Libraries built with OpenMP forget the environment's number in new threads. */
static void hold_to_one_thread(void)
{
    static const char *const setters[] = {"openblas_set_num_threads", "bli_thread_set_num_threads",
                                          "MKL_Set_Num_Threads"};
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++) {
        void (*set)(long threads);
        FIND(set, setters[i]);
        if (set) set(1);
    }
}

static void find_name(void)
{
    char *(*text)(void);
    FIND(text, "openblas_get_config");
    if (text) {
        /* The first two words are name and version. */
        char build[80];
        snprintf(build, sizeof build, "%s", text());
        char *space = strchr(build, ' '), *end = space ? strchr(space + 1, ' ') : NULL;
        if (end) *end = '\0';
        FIND(text, "openblas_get_corename");
        core = text ? text() : "unknown";
        snprintf(name, sizeof name, "%s, core %s", build, core);
        return;
    }
    FIND(text, "bli_info_get_version_str");
    if (text) {
        int (*id)(void);
        const char *(*arch)(int);
        FIND(id, "bli_arch_query_id");
        FIND(arch, "bli_arch_string");
        snprintf(name, sizeof name, "BLIS %s, core %s", text(), id && arch ? arch(id()) : "?");
        return;
    }
    const char *file = strrchr(BLAS_LIBRARY, '/');
    snprintf(name, sizeof name, "%s", file ? file + 1 : BLAS_LIBRARY);
}

static void begin_use(void)
{
    hold_to_one_thread();
    find_name();
}

const char *product_blas_name(void)
{
    return name;
}

const char *product_blas_low_core(void)
{
    static const char *const before_avx2[] = {
        "Prescott",    "Core2",  "Penryn",    "Dunnington", "Nehalem",
        "Sandybridge", "Atom",   "Athlon",    "Opteron",    "Opteron_SSE3",
        "Barcelona",   "Bobcat", "Bulldozer", "Piledriver", "Steamroller"};
    static const char *const before_avx512[] = {"Haswell", "Excavator", "Zen"};
    for (size_t i = 0; core && i < sizeof before_avx2 / sizeof *before_avx2; i++)
        if (strcmp(core, before_avx2[i]) == 0) return vec_cpu_level() >= SIMD_AVX2 ? core : NULL;
    for (size_t i = 0; core && i < sizeof before_avx512 / sizeof *before_avx512; i++)
        if (strcmp(core, before_avx512[i]) == 0)
            return vec_cpu_level() >= SIMD_AVX512 ? core : NULL;
    return NULL;
}

/* ---- The check ---- */

enum { CHECK_M = 19, CHECK_N = 37, CHECK_K = 23 };

static float check_value(int i)
{
    return (float)(i * 37 % 101 - 50) / 50;
}

/* C = A B + C in one of the forms that are used, against sums in double. */
static bool multiplies(bool transpose_a, bool transpose_b)
{
    float a[CHECK_M * CHECK_K], b[CHECK_K * CHECK_N], c[CHECK_M * CHECK_N];
    for (int i = 0; i < CHECK_M * CHECK_K; i++) a[i] = check_value(i);
    for (int i = 0; i < CHECK_K * CHECK_N; i++) b[i] = check_value(i + 7);
    for (int i = 0; i < CHECK_M * CHECK_N; i++) c[i] = check_value(i + 3);
    sgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE,
          CHECK_M, CHECK_N, CHECK_K, 1, a, transpose_a ? CHECK_M : CHECK_K, b,
          transpose_b ? CHECK_K : CHECK_N, 1, c, CHECK_N);
    for (int i = 0; i < CHECK_M; i++) {
        for (int j = 0; j < CHECK_N; j++) {
            double sum = (double)check_value(i * CHECK_N + j + 3);
            for (int k = 0; k < CHECK_K; k++)
                sum += (double)a[transpose_a ? k * CHECK_M + i : i * CHECK_K + k] *
                       (double)b[transpose_b ? j * CHECK_K + k : k * CHECK_N + j];
            if (!(fabs((double)c[i * CHECK_N + j] - sum) < 1e-4)) return false;
        }
    }
    return true;
}

bool product_blas_is_built(void)
{
    return *BLAS_LIBRARY != '\0';
}

bool product_blas_start(Err *err)
{
    if (sgemm) return true;
    load();
    if (!library)
        return err_set(err, ERR_IO,
                       "the BLAS cannot be loaded: %s; install it, or set DIFFC_CPU=plain to work "
                       "without (slower)",
                       dlerror());
    FIND(sgemm, "cblas_sgemm");
    if (!sgemm)
        return err_set(err, ERR_IO,
                       "%s has no cblas_sgemm; install the CBLAS of that library, or set "
                       "DIFFC_CPU=plain to work without (slower)",
                       BLAS_LIBRARY);
    begin_use();
    if (multiplies(false, false) && multiplies(true, false) && multiplies(false, true)) return true;
    sgemm = NULL;
    return err_set(
        err, ERR_IO,
        "%s (%s) multiplies wrongly on this CPU; set %sDIFFC_CPU to another level than blas", name,
        BLAS_LIBRARY, core ? "OPENBLAS_CORETYPE to another core, or " : "");
}

/* ---- In double ---- */

void product_blas_double(bool transpose_a, bool transpose_b, int M, int N, int K, const double *a,
                         int lda, const double *b, int ldb, double beta, double *c, int ldc)
{
    dgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE,
          M, N, K, 1, a, lda, b, ldb, beta, c, ldc);
}

/* Fortran's columns are our rows: its lower part is our upper one, and its eigenvectors are rows. */
int product_blas_eigen(double *a, int n, double *values, double *work, int *whole)
{
    int work_size = 1 + 6 * n + 2 * n * n, whole_size = 3 + 5 * n, info = 0;
    dsyevd("V", "L", &n, a, &n, values, work, &work_size, whole, &whole_size, &info, 1, 1);
    return info;
}

/* A = V^T diag(values) V, made again by dgemm. */
static bool decomposes(void)
{
    enum { N = 7 };
    double a[N * N], v[N * N], scaled[N * N], again[N * N], values[N];
    double work[1 + 6 * N + 2 * N * N];
    int whole[3 + 5 * N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i * N + j] = v[i * N + j] = (double)check_value(i > j ? i * N + j : j * N + i);
    if (product_blas_eigen(v, N, values, work, whole) != 0) return false;
    for (int i = 0; i < N * N; i++) scaled[i] = values[i / N] * v[i];
    product_blas_double(true, false, N, N, N, v, N, scaled, N, 0, again, N);
    for (int i = 0; i < N * N; i++)
        if (!(fabs(again[i] - a[i]) < 1e-12)) return false;
    return true;
}

static const char lapack_advice[] = "build diffc for a library with LAPACK (make BLAS=openblas; "
                                    "Debian's package is libopenblas-dev)";

bool product_blas_start_double(const char *what, Err *err)
{
    if (dgemm && dsyevd) return true;
    if (!product_blas_is_built())
        return err_set(err, ERR_IO, "%s needs LAPACK, and this diffc was built without a BLAS; %s",
                       what, lapack_advice);
    load();
    if (!library)
        return err_set(err, ERR_IO, "%s needs a BLAS, which cannot be loaded: %s; install it", what,
                       dlerror());
    FIND(dgemm, "cblas_dgemm");
    FIND(dsyevd, "dsyevd_");
    if (!dgemm || !dsyevd)
        return err_set(err, ERR_IO, "%s needs LAPACK, and %s has no %s; %s", what, BLAS_LIBRARY,
                       dgemm ? "dsyevd" : "cblas_dgemm", lapack_advice);
    begin_use();
    if (decomposes()) return true;
    dgemm = NULL;
    return err_set(err, ERR_IO, "%s needs LAPACK, and %s (%s) computes wrongly on this CPU%s", what,
                   name, BLAS_LIBRARY, core ? "; set OPENBLAS_CORETYPE to another core" : "");
}

/* ---- The table ---- */

enum { COLUMNS = PRODUCT_PANEL * 64 };

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* B as it is, [K,N] or transposed [N,K], without gaps. */
static void pack(const Product *p, float *packed, int panel)
{
    int first = panel * COLUMNS, columns = min_int(COLUMNS, p->N - first);
    size_t rows = (size_t)(p->transpose_b ? columns : p->K);
    size_t width = (size_t)(p->transpose_b ? p->K : p->N),
           count = p->transpose_b ? width : (size_t)columns;
    const float *b = p->b + (size_t)first * (p->transpose_b ? (size_t)p->ldb : 1);
    float *to = packed + (size_t)first * (p->transpose_b ? width : 1);
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * width, b + i * (size_t)p->ldb, count * sizeof *to);
}

/* Makes C what the product is added to, and returns the factor that it then has in sgemm. */
static float begin(const Product *p, int row, int rows, int column, int columns)
{
    if (!p->bias && p->beta == 0) return 0;
    if (!p->bias && p->d == p->c && p->ldd == p->ldc) return p->beta;
    const float *bias = p->bias ? p->bias + column : NULL;
    for (int i = row; i < row + rows; i++) {
        float *c = p->c + (size_t)i * (size_t)p->ldc + column;
        const float *d = p->d + (size_t)i * (size_t)p->ldd + column;
        if (p->beta == 0)
            memcpy(c, bias, (size_t)columns * sizeof *c);
        else
            for (int j = 0; j < columns; j++) c[j] = (bias ? bias[j] : 0) + p->beta * d[j];
    }
    return 1;
}

static void run_panel(const Product *p, const float *packed, int row, int rows, int column,
                      int columns)
{
    bool transpose_b = p->transpose_b;
    int ldb = !packed ? p->ldb : transpose_b ? p->K : p->N, K = p->a_rest ? p->K_a : p->K;
    const float *b = packed ? packed : p->b;
    const float *a = p->a + (size_t)row * (p->transpose_a ? 1 : (size_t)p->lda);
    float *c = p->c + (size_t)row * (size_t)p->ldc + column;
    b += (size_t)column * (transpose_b ? (size_t)ldb : 1);
    sgemm(ROW_MAJOR, p->transpose_a ? TRANSPOSE : NO_TRANSPOSE,
          transpose_b ? TRANSPOSE : NO_TRANSPOSE, rows, columns, K, p->alpha, a, p->lda, b, ldb,
          begin(p, row, rows, column, columns), c, p->ldc);
    if (!p->a_rest) return;
    b += (size_t)K * (transpose_b ? 1 : (size_t)ldb);
    sgemm(ROW_MAJOR, NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, rows, columns, p->K - K,
          p->alpha, p->a_rest + (size_t)row * (size_t)p->lda_rest, p->lda_rest, b, ldb, 1, c,
          p->ldc);
}

static void run(const Product *p, const float *packed, int first_row, int last_row, int first_panel,
                int last_panel)
{
    for (int panel = first_panel; panel < last_panel; panel++) {
        int column = panel * COLUMNS;
        run_panel(p, packed, first_row, last_row - first_row, column,
                  min_int(COLUMNS, p->N - column));
    }
}

const ProductTable product_table_blas = {
    .lanes = COLUMNS / PRODUCT_PANEL,
    .rows = 256,
    .library = true,
    .pack = pack,
    .run = run,
};
