#include "diffusion/protocol.h"

#include "base/text.h"

const Protocol *const protocols[] = {&protocol_bound, &protocol_ode, &protocol_exact, NULL};

const char *protocol_name(const void *context, int index)
{
    (void)context;
    return protocols[index] ? protocols[index]->name : NULL;
}

const Protocol *protocol_usual(const Process *process, bool density)
{
    const Protocol *const *p = protocols;
    ProtocolUse use = density                         ? PROTOCOL_FOR_DENSITY
                      : process->kind == PROCESS_DDPM ? PROTOCOL_FOR_DDPM
                                                      : PROTOCOL_FOR_OTHER;
    while ((*p)->usual != use) p++;
    return *p;
}

static bool serves(const Protocol *p, bool discrete, bool density)
{
    return (discrete || !(p->needs & PROTOCOL_STEPS)) &&
           (density || !(p->needs & PROTOCOL_DENSITY));
}

bool protocol_check(const Protocol *p, const char *model, const Process *process, bool density,
                    Err *err)
{
    char others[128] = "";
    bool discrete = process_is_discrete(process);
    if (serves(p, discrete, density)) return true;
    for (int i = 0; protocols[i]; i++)
        if (serves(protocols[i], discrete, density))
            text_add(others, sizeof others, " and ", protocols[i]->name);
    if (p->needs & PROTOCOL_DENSITY)
        return err_set(err, ERR_USAGE,
                       "the protocol %s needs a model with a density of its own, which only a cdm "
                       "has; %s has %s",
                       p->name, model, others);
    return err_set(err, ERR_USAGE,
                   "the protocol %s needs a chain of discrete steps; the noise of %s is continuous "
                   "in time and has %s",
                   p->name, model, others);
}

void protocol_readers(unsigned reads, const char *between, char *out, size_t size)
{
    out[0] = '\0';
    for (int i = 0; protocols[i]; i++)
        if (protocols[i]->reads & reads) text_add(out, size, between, protocols[i]->name);
}

bool protocol_takes(const Protocol *p, const char *dashes, const char *name, unsigned reads,
                    Err *err)
{
    char readers[128];
    protocol_readers(reads, " or ", readers, sizeof readers);
    return p->reads & reads ||
           err_set(err, ERR_USAGE, "%s%s belongs to the protocol %s; %s does not use it", dashes,
                   name, readers, p->name);
}

int protocol_terms(const Protocol *p, const LikelihoodRun *run)
{
    char name[TERM_NAME_BYTES];
    int n = 0;
    while (p->term_name && p->term_name(run, n, name)) n++;
    return n;
}
