/* Noise that ends too early, and what would help. */
#include <math.h>
#include <stdio.h>

#include "diffusion/noise_end.h"
#include "methods/method.h"
#include "model/model.h"

/* EDDPM's literal chain leaves out the noise of the steps that it skips. */
static int kept_steps(const ModelConfig *m, const Config *c)
{
    bool literal = method_of(m->method)->learns_steps && m->alphas == ALPHAS_LITERAL && !m->kept;
    return c && literal ? c->method.mask.keep : m->noise.T;
}

static double end_of(const ModelConfig *m, const Process *p, const Config *c)
{
    int keep = kept_steps(m, c);
    double log_end = log(noise_end_alpha_bar(p));
    if (keep == m->noise.T) return exp(log_end);
    bool straight =
        m->noise.schedule == SCHEDULE_LINEAR || m->noise.schedule == SCHEDULE_SCALED_LINEAR;
    return straight ? noise_end_of_betas(m->noise.schedule, m->noise.T, keep, m->noise.beta_start,
                                         m->noise.beta_end)
                    : exp(log_end * keep / m->noise.T);
}

/* What to change, and where that leads. */
static void cure(const ModelConfig *m, const Process *p, const Config *c, char *out, size_t size)
{
    ProcessKind kind = m->noise.kind;
    out[0] = '\0';
    if (kept_steps(m, c) < m->noise.T && noise_end_alpha_bar(p) <= NOISE_END_MOST) {
        snprintf(out, size, "; method.alphas=merged ends where all %d steps end", m->noise.T);
        return;
    }
    if (kind != PROCESS_DDPM) {
        snprintf(out, size, "; method.beta_max=%.10g brings it to %g",
                 noise_end_beta_max(m->noise.beta_min), NOISE_END_USUAL);
        return;
    }
    switch (c->method.noise.schedule) {
    case SCHEDULE_LINEAR:
    case SCHEDULE_SCALED_LINEAR: {
        double end = noise_end_beta_end(m->noise.schedule, m->noise.T, kept_steps(m, c),
                                        m->noise.beta_start);
        if (end > 0)
            snprintf(out, size, "; method.beta_end=%.12g brings it to %g", end, NOISE_END_USUAL);
        else
            snprintf(out, size, "; more method.steps are needed");
        return;
    }
    case SCHEDULE_LOGSNR:
        snprintf(out, size, "; method.logsnr_end=%.10g brings it to %g", noise_end_logsnr(),
                 NOISE_END_USUAL);
        return;
    case SCHEDULE_UNIF:
        snprintf(out, size, "; method.steps=%d brings it to %g", noise_end_unif_steps(),
                 NOISE_END_MOST);
        return;
    case SCHEDULE_BETAS:
        snprintf(out, size, "; larger method.betas bring it down");
        return;
    case SCHEDULE_COSINE:
        snprintf(out, size, "; more method.steps bring it down");
        return;
    }
}

bool noise_advice(const ModelConfig *m, const Process *p, const Config *c, char *out, size_t size)
{
    char advice[120] = "";
    ProcessKind kind = m->noise.kind;
    if (kind == PROCESS_SMLD || kind == PROCESS_VE) {
        if (!(m->noise.sigma_max < NOISE_END_PART * m->widest)) return false;
        snprintf(out, size,
                 "method.sigma_max is %.4g, but two training %s are %.4g apart: sampling starts "
                 "from noise alone, but the noisiest of training still show an image; leave "
                 "method.sigma_max out (it is then computed) or set it to about %.2g",
                 m->noise.sigma_max, m->network == NETWORK_MLP ? "points" : "images", m->widest,
                 m->widest);
        return true;
    }
    double end = end_of(m, p, c);
    if (!(end > NOISE_END_MOST)) return false;
    if (c) cure(m, p, c, advice, sizeof advice);
    snprintf(out, size,
             "alpha_bar_T is %.3g%s: the noisiest %s of training still hold %.0f %% of the clean "
             "one, but sampling starts from noise alone, so samples drift to the middle%s",
             end, kept_steps(m, c) < m->noise.T ? " with steps kept evenly" : "",
             m->network == NETWORK_MLP ? "points" : "images", 100 * sqrt(end), advice);
    return true;
}
