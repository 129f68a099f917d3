/* A program of somebody else, compiled against the installed library by installed.sh: it writes the bytes of
 * three images of the model `run` to images.raw and what the first is worth to bits, and returns the line of
 * the first promise that does not hold. */
#include <diffc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMISE(condition)                                                                         \
    if (!(condition)) return __LINE__ % 256

enum { COUNT = 3, VALUES = 16 * 16 };

static int stop(void *context, double part)
{
    return ++*(int *)context == 2 || part > 1;
}

int main(void)
{
    static float images[COUNT * VALUES], eps[VALUES], clean[VALUES];
    static unsigned char bytes[COUNT * VALUES];
    const char *eta[] = {"eta=0.5", NULL}, *wrong[] = {"etta=0.5", NULL};
    double bits = 0, time = 0, alpha = 0, sigma = 0;
    int calls = 0;
    DiffcError error;
    DiffcDescription d;
    DiffcSampleOptions o;
    DiffcNllOptions nll;
    PROMISE(!diffc_open("nothing", 0, 0, &error) && error.kind == DIFFC_ERROR_FILE);
    PROMISE(strstr(error.text, "nothing: no such run or model folder"));
    PROMISE(!diffc_open("run", 7, 7, &error) && error.kind == DIFFC_ERROR_ARGUMENT);
    DiffcModel *model = diffc_open("run", 0, 0, &error);
    PROMISE(model && strcmp(diffc_version(), DIFFC_VERSION) == 0);
    PROMISE(diffc_describe(model, &d, sizeof d) == DIFFC_OK && d.size == sizeof d);
    PROMISE(strcmp(d.method, "ddpm") == 0 && d.values == VALUES && d.steps == 20);
    PROMISE(d.classes == 0 && !diffc_class_name(model, 0) && !diffc_class_name(NULL, 0));
    PROMISE(strcmp(d.sampler, "ddim") == 0 && strcmp(d.protocol, "bound") == 0);
    diffc_sample_defaults(&o, sizeof o);
    o.settings = wrong;
    PROMISE(diffc_sample(model, &o, COUNT, images, &error) == DIFFC_ERROR_ARGUMENT);
    PROMISE(strstr(error.text, "sample.etta") && strstr(error.text, "sample.eta"));
    o.settings = eta, o.steps = 5, o.seed = 7, o.progress = stop, o.context = &calls;
    PROMISE(diffc_sample(model, &o, COUNT, images, &error) == DIFFC_ERROR_INTERRUPTED);
    PROMISE(calls == 2);
    o.progress = NULL;
    PROMISE(diffc_sample(model, &o, COUNT, images, &error) == DIFFC_OK && !error.text[0]);
    diffc_to_bytes(images, COUNT * VALUES, bytes);
    PROMISE(diffc_nll(model, NULL, 1, bytes, &bits, NULL, &error) == DIFFC_OK);
    diffc_nll_defaults(&nll, sizeof nll);
    nll.probes = 2;
    PROMISE(diffc_nll(model, &nll, 1, bytes, &bits, NULL, &error) == DIFFC_ERROR_ARGUMENT);
    PROMISE(strstr(error.text, "probes belongs to the protocol ode; bound does not use it"));
    nll.protocol = "ode", nll.probes = 0, nll.draws = -1;
    PROMISE(diffc_nll(model, &nll, 1, bytes, &bits, NULL, &error) == DIFFC_ERROR_ARGUMENT);
    PROMISE(strstr(error.text, "draws is -1; it must be from 1 to 1000, or 0 for the default"));
    nll.dequant_by = "norma", nll.draws = 0;
    PROMISE(diffc_nll(model, &nll, 1, bytes, &bits, NULL, &error) == DIFFC_ERROR_ARGUMENT);
    PROMISE(strstr(error.text, "dequant_by is 'norma'; it must be uniform or normal"));
    FILE *file = fopen("images.raw", "wb");
    PROMISE(file && fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes && fclose(file) == 0);
    file = fopen("bits", "w");
    PROMISE(file && fprintf(file, "%.6f\n", bits) > 0 && fclose(file) == 0);
    /* One step of the mathematics: what is denoised is what the noise leaves. */
    PROMISE(diffc_time(model, 1, &time, &error) == DIFFC_OK);
    PROMISE(diffc_level(model, time, &alpha, &sigma, &error) == DIFFC_OK);
    PROMISE(diffc_denoise(model, 1, images, 1, -1, clean, &error) == DIFFC_OK);
    for (int i = 0; i < VALUES; i++) images[i] = (float)(alpha * (double)images[i]);
    PROMISE(diffc_predict_noise(model, 1, images, &time, -1, eps, &error) == DIFFC_OK);
    for (int i = 0; i < VALUES; i++) {
        double x0 = ((double)images[i] - sigma * (double)eps[i]) / alpha - (double)clean[i];
        PROMISE(x0 < 1e-5 && x0 > -1e-5);
    }
    PROMISE(diffc_predict_noise(model, 1, images, &time, 3, eps, &error) == DIFFC_ERROR_ARGUMENT);
    /* Structs of other versions: a shorter one, and a longer one that asks for something unknown. */
    struct {
        DiffcSampleOptions known;
        int unknown;
    } longer;
    diffc_sample_defaults(&longer.known, sizeof longer);
    PROMISE(diffc_sample(model, &longer.known, 0, images, &error) == DIFFC_OK);
    longer.unknown = 1;
    PROMISE(diffc_sample(model, &longer.known, 0, images, &error) == DIFFC_ERROR_ARGUMENT);
    diffc_sample_defaults(&o, offsetof(DiffcSampleOptions, label));
    PROMISE(diffc_sample(model, &o, 0, images, &error) == DIFFC_OK);
    diffc_close(model);
    return 0;
}
