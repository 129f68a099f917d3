#include "cli/main_help.h"

#include "cli/commands.h"

const ExitCode exit_codes[] = {{0, "done"},
                               {1, "a file, a format or memory failed"},
                               {2, "the command line or the configuration is wrong"},
                               {3, "a loss, a gradient or a sample is not finite"},
                               {130, "interrupted (a training is saved first)"},
                               {.meaning = NULL}};

void main_help(FILE *out)
{
    fputs("diffc trains, samples and scores small diffusion models on a CPU.\n\n"
          "usage: diffc COMMAND [options]\n\n"
          "  diffc train configs/fashion-ddpm.json\n"
          "  diffc sample --out grid.png\n"
          "  diffc nll data/boot.png\n\n"
          "Commands:\n",
          out);
    for (int i = 0; commands[i]; i++) {
        int at = fprintf(out, "  %s", commands[i]->name);
        help_wrap(out, at, 12, commands[i]->summary);
    }
    fputs("\nOptions:\n"
          "  -h, --help     this text\n"
          "      --version  the version, and what it runs on\n\n"
          "Results go to stdout, everything else to stderr. --json makes stdout one JSON\n"
          "object a line. NO_COLOR is respected; DIFFC_CPU=plain|avx2|avx512|blas chooses\n"
          "the instruction set, or products by a BLAS.\n\n"
          "Exit codes:\n",
          out);
    for (const ExitCode *e = exit_codes; e->meaning; e++)
        fprintf(out, "  %3d  %s\n", e->code, e->meaning);
}
