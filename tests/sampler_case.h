/* A process, a grid of its levels and a run of a sampler on them. */
#ifndef DIFFC_TESTS_SAMPLER_CASE_H
#define DIFFC_TESTS_SAMPLER_CASE_H

#include "diffusion/sampler.h"
#include "sample_defaults.h"
#include "test.h"

typedef struct {
    Process process;
    LevelGrid grid;
    SampleRun run;
} Case;

static inline void must(bool ok, const Err *err)
{
    if (ok) return;
    fprintf(stderr, "%s\n", err->text);
    EXPECT(!"a step that must succeed");
    exit(1);
}

static inline void case_free(void *what)
{
    Case *c = what;
    level_grid_free(&c->grid);
    process_free(&c->process);
    free(c);
}

/* No clipping, no grid yet. It lives until the case of the test ends. */
static inline Case *case_new(const NoiseConfig *config)
{
    Err err = {0};
    Case *c = calloc(1, sizeof *c);
    test_at_end(case_free, c);
    must(process_make(&c->process, config, &err), &err);
    sample_run_defaults(&c->run);
    c->run.process = &c->process;
    c->run.grid = &c->grid;
    c->run.config.clip = false;
    return c;
}

#endif
