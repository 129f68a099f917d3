/* The options of `diffc nll`, and which protocol reads which. */
#ifndef DIFFC_CLI_NLL_OPTIONS_H
#define DIFFC_CLI_NLL_OPTIONS_H

#include "cli/options.h"
#include "diffusion/protocol.h"
#include "diffusion/sample_config.h"

#define NLL_ROW(m, ...) NLL_ROW_##m,
enum {
    NLL_ROW_MODEL,
    NLL_ROW_LABEL,
    NLL_ROW_PROTOCOL,
    NLL_ROW_STEPS,
    NLL_ROW_SPACING,
    NLL_ROW_EXACT,
    NLL_ROW_VARIANCE,
    NLL_ROW_FIT_DATA,
    NLL_ROW_FIT_COUNT,
    NLL_ROW_PER_STEP,
    NLL_ROW_LEVEL,
    LIKELIHOOD_SETTINGS(NLL_ROW, NLL_ROW, NLL_ROW, NLL_ROW) NLL_ROW_DATA,
    NLL_ROW_PART,
    NLL_ROW_COUNT,
    NLL_ROW_RESIZE,
    NLL_ROW_SEED,
    NLL_ROW_BATCH,
    NLL_ROW_CSV,
    NLL_ROW_THREADS,
    NLL_ROW_JSON,
    NLL_ROW_QUIET,
    NLL_ROWS
};

extern const Option nll_options[NLL_ROWS + 1];

/* variance_words, and one more. */
enum { NLL_VARIANCE_FITTED = VARIANCE_LEARNED + 1 };
const char *nll_variance_name(const void *context, int kind);

/* The options that are LIKELIHOOD_SETTINGS, where they are given. */
void nll_take_settings(const OptionValue *v, LikelihoodRun *run);

/* Refuses options that the protocol would ignore, and options that contradict each other. */
bool nll_check_options(const OptionValue *v, const Protocol *protocol, Err *err);

#endif
