/* A denoiser's calls, cut into passes of its network. */
#ifndef DIFFC_NETWORK_PARTS_H
#define DIFFC_NETWORK_PARTS_H

#include "methods/network.h"

/* What the functions of a Denoiser or a DensityModel were given; NULL where they have no such thing. */
typedef struct {
    const double *x; /* [count, dims], as all but levels and log_p */
    const NoiseLevel *levels;
    int stride;
    const double *v;
    double *eps, *jtv, *variance;
    double *log_p; /* [count] */
} NetworkCall;

/* Rows first .. first+count-1 of a call, for a network of at least so many images. */
typedef struct {
    Network *network;
    const NetworkDenoiser *denoiser;
    int first, count;
} NetworkPart;

/* Does the work for all parts of a call of `count` rows. false: the error of the first that failed. */
typedef bool (*NetworkWork)(const NetworkPart *part, const NetworkCall *call, Err *err);
bool network_in_parts(const NetworkDenoiser *d, int count, NetworkWork work,
                      const NetworkCall *call, Err *err);

/* Which image a row of a call is. */
int network_image(const NetworkDenoiser *d, int row);

#endif
