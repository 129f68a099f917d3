/* Images as what Inception v3 makes of them, the features that FID, KID, precision and recall are published
 * in: as the program pytorch-fid (Seitzer 2020) computes them. An image is enlarged or shrunk to 299x299
 * pixels by linear interpolation between pixel centres (also where it shrinks: pixels between are passed over),
 * scaled to [-1,1], and given in three equal channels if it is grey. */
#ifndef DIFFC_INCEPTION_FEATURES_H
#define DIFFC_INCEPTION_FEATURES_H

#include "model/image_set.h"
#include "net/networks.h"

typedef struct {
    const char *path; /* of the weights, the caller's */
    ParamTable table;
    float *weights;
    Net **nets; /* [copies] which run side by side; all read the weights that the first holds */
    int copies; /* one for each thread */
    int x, y;   /* input and output nodes */
} Inception;

/* Reads the weights (inception_weights.h) and plans a network for each thread. */
bool inception_open(Inception *in, const char *path, Err *err);
/* Also after a failure. */
void inception_close(Inception *in);

/* ERR_USAGE where images have other than 1 or 3 channels; `name` is what has them. */
bool inception_takes(Shape image, const char *name, Err *err);
/* out [count of s, INCEPTION_FEATURES]. The bits of an image's features depend neither on the other images nor on
 * threads. ERR_FORMAT: the weights make features that are not finite. Shared by the processes (shared_work.h). */
bool inception_features(Inception *in, const ImageSet *s, const WorkProgress *progress, float *out,
                        Err *err);

#endif
