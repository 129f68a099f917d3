/* libdiffc: images from a trained diffusion model, and what else the model can do with images, in C.
 *
 *     #include <diffc.h>                       cc program.c $(pkg-config --cflags --libs diffc)
 *
 *     DiffcError error;
 *     DiffcModel *model = diffc_open("runs/demo", 0, 0, &error);
 *     if (!model) return fputs(error.text, stderr), 1;
 *     DiffcDescription d;
 *     diffc_describe(model, &d, sizeof d);
 *     float *images = malloc(16 * d.values * sizeof *images);
 *     DiffcSampleOptions options;
 *     diffc_sample_defaults(&options, sizeof options);
 *     options.sampler = "ddim", options.steps = 50;
 *     if (diffc_sample(model, &options, 16, images, &error)) fputs(error.text, stderr);
 *     diffc_close(model);
 *
 * Images are float32 [count, height, width, channels], row after row (NHWC), with values in [-1, 1]. A
 * model of points in the plane makes [count, 1, 1, 2], whose values have no bounds. Every buffer is the
 * caller's, holds count * values numbers (`values` of the description) and is not kept after the call.
 * Input and output of a call may not overlap.
 *
 * Errors. A call returns 0 or the kind of its error, and then fills *error (NULL is allowed) with one
 * sentence that names the place, the value and what would be right; what is in the output buffers
 * is then undefined. The library checks what it can: a NULL model or buffer and a negative count are
 * DIFFC_ERROR_ARGUMENT. Text is UTF-8.
 *
 * Threads. One thread at a time may use a model; different threads may use different models at once. An
 * image's bits depend neither on the number of threads nor on the images made with it, and are those of
 * the program diffc with the same settings on the same instruction set.
 *
 * The process. Nothing needs to be called first. The library prints nothing, ends no process, installs no
 * signal handler and sets no environment variable. What it does to the process all the same:
 *   - It reads DIFFC_CPU (plain, avx2, avx512, blas) when it is loaded; a level that this CPU or build lacks
 *     is taken as plain. It reads OMP_NUM_THREADS and OMP_THREAD_LIMIT at the first call.
 *   - It computes with OpenMP, whose threads stay until the process ends. They spin for milliseconds
 *     after each piece of work; OMP_WAIT_POLICY=passive or GOMP_SPINCOUNT=2000 in the environment shorten that.
 *   - diffc_set_threads, where it is called.
 *   - An internal error, which is a fault of the library, prints one line and aborts.
 *
 * What is stable. Programs compiled with this header run with every libdiffc.so.0: functions keep their
 * meaning, values of enumerations their number, and structs grow only at their end, which their first
 * member, `size`, makes safe in both directions. What breaks such a program changes the number of the
 * soname. Names of samplers, protocols and settings stay as they are for the program diffc. Not promised: the
 * words of errors, and equal bits from one version to the next. Everything else in the library is internal. */
#ifndef DIFFC_H
#define DIFFC_H

#include <stddef.h>
#include <stdint.h>

#define DIFFC_VERSION "0.1.0"
#define DIFFC_DATE    "2026-11-30" /* of this version */

#if defined(__GNUC__)
#define DIFFC_PUBLIC __attribute__((visibility("default")))
#else
#define DIFFC_PUBLIC
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    DIFFC_OK = 0,
    DIFFC_ERROR_FILE = 1,       /* a file or folder cannot be read */
    DIFFC_ERROR_FORMAT = 2,     /* a file is not what it should be */
    DIFFC_ERROR_MEMORY = 3,     /* not enough memory */
    DIFFC_ERROR_ARGUMENT = 4,   /* an argument or a setting is wrong */
    DIFFC_ERROR_DIVERGED = 5,   /* a prediction or an image is not finite */
    DIFFC_ERROR_LIMIT = 6,      /* a computation did not reach its goal within its limits */
    DIFFC_ERROR_INTERRUPTED = 7 /* by the progress callback */
} DiffcErrorKind;

typedef struct {
    int kind; /* DiffcErrorKind */
    char text[1024];
} DiffcError;

/* Called by the thread that made the call, after each call of the network, with the part of the work that
 * is done, 0 to 1; negative where it is not known. A value other than 0 stops with
 * DIFFC_ERROR_INTERRUPTED. It may not use the model. */
typedef int (*DiffcProgress)(void *context, double part);

/* The version of the library that runs, as "0.1.0"; DIFFC_VERSION is that of the header. */
DIFFC_PUBLIC const char *diffc_version(void);

/* The number of threads of the whole process for this library, from 1 to 256; 0: the default, which is
 * OMP_NUM_THREADS or else the CPUs that the process may use; where CPUs are threads of one core, which is
 * measured in 10 ms, one thread for each core if they compute no more together than one of them. Call it while no other call runs; models that
 * are open keep working. It also sets OpenMP's number for the calling thread. bind: not 0 gives each thread a CPU of its own
 * where there are as many CPUs as threads, the calling thread included, as the program diffc does. Without it Linux
 * may keep two threads on one CPU, which makes single images many times slower. Returns the number set,
 * which is smaller than asked for where the system starts no more threads. */
DIFFC_PUBLIC int diffc_set_threads(int threads, int bind);

/* ---- a model ---- */

typedef struct DiffcModel DiffcModel;

/* Opens a run folder of diffc or a folder in the layout of diffusers. height and width: the size of the
 * images, 0 for the model's own. NULL on failure. */
DIFFC_PUBLIC DiffcModel *diffc_open(const char *path, int height, int width, DiffcError *error);
DIFFC_PUBLIC void diffc_close(DiffcModel *model); /* NULL is allowed */

/* Strings belong to the model or the library and live as long as the model. */
typedef struct {
    size_t size;
    const char *method; /* "ddpm", "eddpm", "smld", "sde", "cdm" */
    int points;         /* 1: makes points of the plane; 0: images */
    int height, width, channels;
    size_t values;        /* height * width * channels */
    int classes;          /* of a class-conditional model; else 0 */
    int steps;            /* noise levels of the chain; 0: noise is continuous in time */
    double time_min;      /* the cleanest and the noisiest time that the network */
    double time_max;      /* was trained for; a chain's are 0 and steps - 1 */
    uint64_t parameters;  /* numbers in the network's weights */
    const char *sampler;  /* the default of diffc_sample */
    const char *protocol; /* the default of diffc_nll; NULL: points are not scored */
    int warnings;         /* how many diffc_warning has */
} DiffcDescription;

/* size: sizeof *out, whatever the library's. */
DIFFC_PUBLIC int diffc_describe(const DiffcModel *model, DiffcDescription *out, size_t size);
/* What was odd about the folder, such as unknown keys; NULL from index `warnings` on. */
DIFFC_PUBLIC const char *diffc_warning(const DiffcModel *model, int index);
/* The name of class `label`, from 0 to classes - 1. NULL: it has none in the model's folder, or there is no such class. */
DIFFC_PUBLIC const char *diffc_class_name(const DiffcModel *model, int label);

/* ---- images from noise ---- */

typedef struct {
    size_t size;         /* set by diffc_sample_defaults */
    const char *sampler; /* NULL: the model's own; 'diffc sample --help' lists them */
    int steps;           /* network calls an image; 0: the model's or the sampler's own number */
    int label;           /* class of every image; negative: by its seed */
    uint64_t
        seed;  /* of the first image; image k has seed + k, and the same seed is the same image */
    int batch; /* images made together; 0: what suits the cache. Changes no image */
    /* More settings: "key=value", a list ended by NULL, or NULL. The keys are those of the section "sample" of
     * a configuration ('diffc train --help'), such as "eta=0.5", "spacing=karras", "guidance=2". Those
     * that are not given are the model's own. */
    const char *const *settings;
    DiffcProgress progress; /* may be NULL */
    void *context;
} DiffcSampleOptions;

/* Fills *options with the defaults: seed 0, label -1, everything else the model's own. size: sizeof *options. */
DIFFC_PUBLIC void diffc_sample_defaults(DiffcSampleOptions *options, size_t size);

/* images [count, height, width, channels], written; points [count, 1, 1, 2]. options NULL: the defaults. */
DIFFC_PUBLIC int diffc_sample(DiffcModel *model, const DiffcSampleOptions *options, int count,
                              float *images, DiffcError *error);

/* bytes[i] = 255 (x[i] + 1) / 2, rounded to nearest and clamped to 0 .. 255, as in picture files; and the
 * value of a byte, x[i] = bytes[i] / 127.5 - 1. */
DIFFC_PUBLIC void diffc_to_bytes(const float *x, size_t n, unsigned char *bytes);
DIFFC_PUBLIC void diffc_from_bytes(const unsigned char *bytes, size_t n, float *x);

/* ---- the noise in images ---- */

/* The noise level at a time of the model, x = alpha x0 + sigma eps, eps ~ N(0, I). Times between a chain's
 * steps are allowed. */
DIFFC_PUBLIC int diffc_level(const DiffcModel *model, double time, double *alpha, double *sigma,
                             DiffcError *error);

/* The time at which sigma / alpha, the noise of x / alpha, is `noise`, above 0; clamped to the model's times. */
DIFFC_PUBLIC int diffc_time(const DiffcModel *model, double noise, double *time, DiffcError *error);

/* eps [count, ...]: the noise that the network finds in x [count, ...], image i at times[i]. label: class of
 * every image; negative: none, where the model has no classes or was trained without them too. The score is
 * -eps / sigma, and the clean image (x - sigma eps) / alpha. */
DIFFC_PUBLIC int diffc_predict_noise(DiffcModel *model, int count, const float *x,
                                     const double *times, int label, float *eps, DiffcError *error);

/* clean [count, ...]: E[x0 | noisy] for noisy = x0 + noise n, n ~ N(0, I), the best estimate by squared error; one
 * network call an image. noise is in units of the values, so a level of grey of 256 is 2/255; 0 copies. It is
 * clamped to the noise of the model's times. For models of images. */
DIFFC_PUBLIC int diffc_denoise(DiffcModel *model, int count, const float *noisy, double noise,
                               int label, float *clean, DiffcError *error);

/* ---- how likely images are ---- */

typedef struct {
    size_t size;          /* set by diffc_nll_defaults */
    const char *protocol; /* "bound", "ode", "exact" ('diffc nll --help'); NULL: the model's own */
    int label;            /* class of every image; negative: none, as above */
    uint64_t seed;        /* of all draws; an image's figures depend on it and on the image alone */
    /* 0 is the default of the protocol. Another value is an error where the protocol does not read it, and outside
     * the range that 'diffc nll --help' shows. */
    int calls;              /* bound: network calls an image; negative: all terms */
    int probes;             /* ode: directions of the trace estimate */
    int draws;              /* ode, exact: draws of noise of one grey level */
    double tolerance;       /* ode: error allowed in each step */
    int call_limit;         /* ode: network calls of one solve */
    int level;              /* exact: noise level of the density, up to steps + 1 */
    DiffcProgress progress; /* may be NULL */
    void *context;
    const char *
        dequant_by; /* ode: the noise that is added to the pixels, "uniform" or "normal"; NULL: uniform */
} DiffcNllOptions;

/* Fills *options with the defaults of 'diffc nll IMAGE': seed 0, label -1, everything else the protocol's own.
 * size: sizeof *options. */
DIFFC_PUBLIC void diffc_nll_defaults(DiffcNllOptions *options, size_t size);

/* bits_per_dim [count]: -log2 P of each image per value, or what the protocol gives instead; standard_error
 * [count] or NULL: by the draws, NaN when there was but one. images [count, height, width, channels]: 8-bit
 * values. For models of images. options NULL: the defaults. */
DIFFC_PUBLIC int diffc_nll(DiffcModel *model, const DiffcNllOptions *options, int count,
                           const unsigned char *images, double *bits_per_dim,
                           double *standard_error, DiffcError *error);

#ifdef __cplusplus
}
#endif

#endif
