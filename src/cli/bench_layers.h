/* Where the time of a measurement goes, by kind of operation: for `diffc bench --layers`. */
#ifndef DIFFC_CLI_BENCH_LAYERS_H
#define DIFFC_CLI_BENCH_LAYERS_H

#include "io/json.h"
#include "model/network_open.h"

enum { LAYER_KINDS = 64 /* at most */ };

/* All figures are of one image. */
typedef struct {
    const char *task;             /* "training", "sampling" */
    NetProfile kind[LAYER_KINDS]; /* those that took time */
    int kinds;
    double seconds; /* in all; the rest of the kinds' time is outside the network */
} LayerTimes;

/* What the profiled nets of the network have counted in so many seconds on so many images; those that
 * ran side by side took a share of the time each. */
void layer_times_read(LayerTimes *l, const char *task, const Network *nw, const Roof *roof,
                      double seconds, double images);

/* A table on stdout: one line per kind, and one for its passes where it takes part in several. "of roof" is
 * the least time by the machine's roof over the time it took, and what bounds most of it. */
void layer_times_lines(const LayerTimes *l);

/* Elements of the open array, one for each pass of each kind: "task", "kind", "pass", "seconds",
 * "flop", "bytes", "roof_seconds"; at last the time "outside the network", whose pass is null. */
void layer_times_json(JsonWriter *w, const LayerTimes *l);

/* The roof: a line on stdout; an object "roof". */
void roof_line(const Roof *roof);
void roof_json(JsonWriter *w, const Roof *roof);

#endif
