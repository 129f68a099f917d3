/* Protocols: ways to compute how likely an image is (likelihood.h), one table. A protocol is one file,
 * protocol_NAME.c, which ends with its row, and one line of the table in protocol.c. */
#ifndef DIFFC_PROTOCOL_H
#define DIFFC_PROTOCOL_H

#include "diffusion/likelihood.h"

/* What a protocol needs of a model. */
enum {
    PROTOCOL_STEPS = 1 << 0,   /* a chain of discrete steps */
    PROTOCOL_VJP = 1 << 1,     /* a denoiser with predict_vjp */
    PROTOCOL_DENSITY = 1 << 2, /* a DensityModel instead of a denoiser */
};

typedef enum { PROTOCOL_FOR_DENSITY, PROTOCOL_FOR_DDPM, PROTOCOL_FOR_OTHER } ProtocolUse;

/* One of them is set, as the protocol needs. */
typedef struct {
    Denoiser denoiser;
    DensityModel density;
} LikelihoodModel;

typedef struct {
    int count;
    const unsigned char *pixels; /* [count, dims] */
    const uint64_t *seeds;       /* [count]: likelihood_seed */
    double *terms;               /* [count, terms of an image], or NULL */
} ScoredImages;

typedef struct {
    char what[256];      /* what is computed and at what cost, for the start of the work */
    char warning[256];   /* to say there too, or "" */
    char figure[96];     /* beside every figure, after the protocol's name; "" */
    const char *caution; /* the warning of a machine-readable figure, or NULL */
} ProtocolWords;

enum { TERM_NAME_BYTES = 16 };

typedef struct {
    const char *name;      /* as on the command line */
    const char *help;      /* what it computes, and of which methods */
    unsigned needs, reads; /* PROTOCOL_..., LIKELIHOOD_... */
    int images;            /* scored together by default */
    ProtocolUse usual;     /* of which models it is the default: one row for each */
    /* Sets what the user did not; files: image files are scored, not a data set. */
    void (*set_defaults)(LikelihoodRun *run, bool files);
    /* Images that the network is given at once when so many are scored together. */
    double (*rows)(const LikelihoodRun *run, int images);
    /* words is zero at first. */
    void (*describe)(const LikelihoodRun *run, ProtocolWords *words);
    /* The name of term i of an image; false after the last. NULL where there is no table. */
    bool (*term_name)(const LikelihoodRun *run, int i, char name[TERM_NAME_BYTES]);
    /* results [count] */
    bool (*score)(const LikelihoodRun *run, const LikelihoodModel *model,
                  const ScoredImages *images, Likelihood *results, Err *err);
} Protocol;

extern const Protocol protocol_bound, protocol_ode, protocol_exact;
extern const Protocol *const protocols[]; /* NULL after the last */

/* Names in the order of the table, NULL after the last. */
const char *protocol_name(const void *context, int index);
/* The default of a model of this process, which has a density or has not. */
const Protocol *protocol_usual(const Process *process, bool density);
/* ERR_USAGE unless it can score a model of this process; names the model and the protocols that can. */
bool protocol_check(const Protocol *p, const char *model, const Process *process, bool density,
                    Err *err);
/* The names of the protocols that read any of these settings, as "ode<between>exact". */
void protocol_readers(unsigned reads, const char *between, char *out, size_t size);
/* ERR_USAGE, naming the option DASHES+NAME and its protocols, unless this one reads any of these settings. */
bool protocol_takes(const Protocol *p, const char *dashes, const char *name, unsigned reads,
                    Err *err);
/* Terms of an image. */
int protocol_terms(const Protocol *p, const LikelihoodRun *run);

#endif
