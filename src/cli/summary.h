/* What is known about a model, as text lines and as JSON members. */
#ifndef DIFFC_CLI_SUMMARY_H
#define DIFFC_CLI_SUMMARY_H

#include "io/diffusers/model_folder.h"
#include "io/json.h"
#include "net/net.h"

/* One line of a table: output_line (results) or term_note (narration). */
typedef void (*LineWriter)(const char *format, ...);

/* "ddpm, 1,000 steps, linear schedule from 0.0001 to 0.02, predicts eps" */
void describe_method(const ModelConfig *m, char *out, size_t size);
/* The same as members of the open object: method, steps, ... prediction. */
void method_json(JsonWriter *w, const ModelConfig *m);

/* "28x28x1, channels 32 64 64, 1 block a level, attention at 7x7"; of an mlp "points of 2 values, 3 hidden layers
 * of 128 units". */
void describe_network(const ModelConfig *m, Shape image, char *out, size_t size);

/* "opens as DDPMPipeline" or "does not open: it has no scheduler for sub-VP". */
void describe_diffusers(const ModelConfig *m, char *out, size_t size);
/* Member "diffusers": {"pipeline" (null: it does not open), "but"}. */
void diffusers_json(JsonWriter *w, const ModelConfig *m);

/* The names of classes, in the order of their numbers, as rows of a table; NULL: none. Those that m never draws are
 * marked. */
void class_lines(LineWriter line, ClassName *names, int count, const ModelConfig *m);
/* "cat, dog (never drawn)" on one line; "": m has no names. Cut to size, with "..." in the place of the rest. */
void describe_classes(const ModelConfig *m, char *out, size_t size);
/* Member "class_names". NULL: none. */
void class_names_json(JsonWriter *w, ClassName *names, int count);

/* Rows that every table of a network has: network, parameters, compute. Here and below a height of 0 is a
 * model that does not say its size: sizes, and what follows from them, are left out (null). */
void network_lines(LineWriter line, const ModelConfig *m, Shape image, size_t parameters,
                   double forward_flop);
/* Members "image", "channels", "blocks", "attention", "classes", "params", "forward_gflop"; of an mlp
 * "network", "dims", "width", "layers" instead of the first five. */
void network_json(JsonWriter *w, const ModelConfig *m, Shape image, size_t parameters,
                  double forward_flop);

#endif
