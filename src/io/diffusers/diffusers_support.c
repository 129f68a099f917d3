/* Which models diffusers can open, and what it lacks for the others. Checked against diffusers 0.42 by
 * tests/golden/compare_diffusers.py. */
#include "io/diffusers/scheduler_class.h"

/* What diffusers has no class for; NULL: nothing is missing. */
static const char *missing(const ModelConfig *m, const SchedulerClass *c)
{
    if (m->network == NETWORK_MLP) return "it has no network of points";
    if (c->lacks) return c->lacks;
    if (m->unet.input_fouriers > 0) return "its UNet2DModel has no Fourier features of the image";
    if (m->old_class)
        return "its scheduler is of an older diffc and unknown there; trained on, it is saved anew";
    return NULL;
}

/* What the pipeline that opens does otherwise than diffc; NULL: nothing. */
static const char *difference(const ModelConfig *m, const SchedulerClass *c)
{
    const UNetConfig *unet = &m->unet;
    bool score = c->has & HAS_SCORE;
    if (score && (unet->in_channels != 3 || unet->sample_height <= 0 ||
                  unet->sample_height != unet->sample_width))
        return "that makes square images of 3 channels only; its unet and scheduler open alone";
    if (score && !unet->center_input)
        return "that shows values from 0 to 1, and these images lie in -1 to 1";
    if (unet->classes > 0) return "that gives its unet no class; its unet and scheduler open alone";
    if (m->kept) return "that takes all steps, not only those kept";
    return NULL;
}

DiffusersSupport model_diffusers_support(const ModelConfig *m)
{
    const SchedulerClass *c = scheduler_class_of(m);
    const char *lacks = missing(m, c);
    return lacks ? (DiffusersSupport){.pipeline = NULL, .but = lacks}
                 : (DiffusersSupport){.pipeline = c->pipeline, .but = difference(m, c)};
}
