#include "cli/bench_layers.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

static const char *const pass_names[NET_PASSES] = {"forward", "backward", "tangent",
                                                   "second backward"};
static const char outside[] = "outside the network";

static NetCost add_costs(NetCost a, NetCost b)
{
    return (NetCost){a.seconds + b.seconds, a.flop + b.flop, a.bytes + b.bytes, a.least + b.least};
}

static NetCost kind_cost(const NetProfile *p)
{
    NetCost sum = {.seconds = 0};
    for (int pass = 0; pass < NET_PASSES; pass++) sum = add_costs(sum, p->pass[pass]);
    return sum;
}

static NetCost network_cost(const LayerTimes *l)
{
    NetCost sum = {.seconds = 0};
    for (int k = 0; k < l->kinds; k++) sum = add_costs(sum, kind_cost(&l->kind[k]));
    return sum;
}

static void add_profile(NetProfile *to, const NetProfile *p)
{
    for (int pass = 0; pass < NET_PASSES; pass++)
        to->pass[pass] = add_costs(to->pass[pass], p->pass[pass]);
    for (int i = 0; i <= ROOF_PLACES; i++) to->bound[i] += p->bound[i];
}

void layer_times_read(LayerTimes *l, const char *task, const Network *nw, const Roof *roof,
                      double seconds, double images)
{
    *l = (LayerTimes){.task = task, .seconds = seconds / images};
    NetProfile p;
    for (int k = 0; l->kinds < LAYER_KINDS && net_profile_kind(nw->net, k, roof, &p); k++) {
        for (int i = 1; i < nw->copies; i++) {
            NetProfile other;
            net_profile_kind(network_copy(nw, i).net, k, roof, &other);
            add_profile(&p, &other);
        }
        if (kind_cost(&p).seconds <= 0) continue;
        for (int pass = 0; pass < NET_PASSES; pass++) {
            NetCost c = p.pass[pass];
            p.pass[pass] =
                (NetCost){c.seconds / images, c.flop / images, c.bytes / images, c.least / images};
        }
        l->kind[l->kinds++] = p;
    }
}

/* What bounds most of the least time of a kind; "-" where it has none. */
static const char *main_bound(const NetProfile *p)
{
    int most = 0;
    for (int i = 1; i <= ROOF_PLACES; i++)
        if (p->bound[i] > p->bound[most]) most = i;
    return p->bound[most] > 0 ? roof_place_name((RoofPlace)most) : "-";
}

static void cost_line(const char *name, NetCost c, double all_seconds, const char *bound)
{
    char flop[AMOUNT_BYTES] = "-", bytes[AMOUNT_BYTES] = "-";
    char flop_rate[16] = "-", byte_rate[16] = "-", share[16] = "-";
    if (c.flop > 0) format_amount(flop, c.flop, "");
    if (c.flop > 0) snprintf(flop_rate, sizeof flop_rate, "%.1f", 1e-9 * c.flop / c.seconds);
    if (c.bytes > 0) format_amount(bytes, c.bytes, "");
    if (c.bytes > 0) snprintf(byte_rate, sizeof byte_rate, "%.1f", 1e-9 * c.bytes / c.seconds);
    if (c.least > 0) snprintf(share, sizeof share, "%.0f%%", 100 * c.least / c.seconds);
    output_line("  %-24s %10.4f %5.1f%% %8s %8s %8s %8s %8s %10s", name, 1e3 * c.seconds,
                100 * c.seconds / all_seconds, flop, bytes, flop_rate, byte_rate, share, bound);
}

/* "    forward 0.5933, backward 1.2776" */
static void passes_line(const NetProfile *p)
{
    char text[160] = "";
    for (int pass = 0; pass < NET_PASSES; pass++)
        if (p->pass[pass].seconds > 0)
            text_append(text, sizeof text, "%s%s %.4f", *text ? ", " : "", pass_names[pass],
                        1e3 * p->pass[pass].seconds);
    if (strchr(text, ',')) output_line("    %s", text);
}

void layer_times_lines(const LayerTimes *l)
{
    char title[40];
    snprintf(title, sizeof title, "%s, per image", l->task);
    output_line("%-26s %10s %6s %8s %8s %8s %8s %8s %10s", title, "ms", "share", "FLOPs", "bytes",
                "GFLOP/s", "GB/s", "of roof", "bound by");
    for (int k = 0; k < l->kinds; k++) {
        cost_line(l->kind[k].name, kind_cost(&l->kind[k]), l->seconds, main_bound(&l->kind[k]));
        passes_line(&l->kind[k]);
    }
    NetCost network = network_cost(l), all = network;
    all.seconds = l->seconds;
    cost_line(outside, (NetCost){.seconds = l->seconds - network.seconds}, l->seconds, "-");
    cost_line("in all", all, l->seconds, "-");
}

static void cost_json(JsonWriter *w, const char *task, const char *kind, const char *pass,
                      NetCost c)
{
    json_begin_object(w, NULL);
    json_put_string(w, "task", task);
    json_put_string(w, "kind", kind);
    json_put_string(w, "pass", pass);
    json_put_number(w, "seconds", c.seconds);
    json_put_number(w, "flop", c.flop);
    json_put_number(w, "bytes", c.bytes);
    json_put_number(w, "roof_seconds", c.least);
    json_end_object(w);
}

void layer_times_json(JsonWriter *w, const LayerTimes *l)
{
    for (int k = 0; k < l->kinds; k++)
        for (int pass = 0; pass < NET_PASSES; pass++) {
            NetCost c = l->kind[k].pass[pass];
            if (c.seconds > 0) cost_json(w, l->task, l->kind[k].name, pass_names[pass], c);
        }
    cost_json(w, l->task, outside, NULL,
              (NetCost){.seconds = l->seconds - network_cost(l).seconds});
}

void roof_line(const Roof *r)
{
    output_line("  roof         %.4g GFLOP/s; GB/s: L2 %.4g, L3 %.4g, memory %.4g", 1e-9 * r->flops,
                1e-9 * r->bytes[ROOF_L2], 1e-9 * r->bytes[ROOF_L3], 1e-9 * r->bytes[ROOF_MEMORY]);
}

void roof_json(JsonWriter *w, const Roof *r)
{
    json_begin_object(w, "roof");
    json_put_number(w, "gflops", 1e-9 * r->flops);
    json_put_number(w, "l2_gb_per_s", 1e-9 * r->bytes[ROOF_L2]);
    json_put_number(w, "l3_gb_per_s", 1e-9 * r->bytes[ROOF_L3]);
    json_put_number(w, "memory_gb_per_s", 1e-9 * r->bytes[ROOF_MEMORY]);
    json_end_object(w);
}
