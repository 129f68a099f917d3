#include "cli/bench_layers.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char *const pass_names[NET_PASSES] = {"forward", "backward", "tangent",
                                                   "second backward"};
static const char outside[] = "outside the network";

typedef struct {
    double seconds, flop, bytes, least;
} Cost;

static Cost pass_cost(const NetProfile *p, int pass)
{
    return (Cost){p->seconds[pass], p->flop[pass], p->bytes[pass], p->least[pass]};
}

static Cost add_costs(Cost a, Cost b)
{
    return (Cost){a.seconds + b.seconds, a.flop + b.flop, a.bytes + b.bytes, a.least + b.least};
}

static Cost kind_cost(const NetProfile *p)
{
    Cost sum = {.seconds = 0};
    for (int pass = 0; pass < NET_PASSES; pass++) sum = add_costs(sum, pass_cost(p, pass));
    return sum;
}

static Cost network_cost(const LayerTimes *l)
{
    Cost sum = {.seconds = 0};
    for (int k = 0; k < l->kinds; k++) sum = add_costs(sum, kind_cost(&l->kind[k]));
    return sum;
}

static void add_profile(NetProfile *to, const NetProfile *p)
{
    for (int pass = 0; pass < NET_PASSES; pass++) {
        to->seconds[pass] += p->seconds[pass];
        to->flop[pass] += p->flop[pass];
        to->bytes[pass] += p->bytes[pass];
        to->least[pass] += p->least[pass];
    }
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
            p.seconds[pass] /= images;
            p.flop[pass] /= images;
            p.bytes[pass] /= images;
            p.least[pass] /= images;
        }
        l->kind[l->kinds++] = p;
    }
}

/* "1.25 G", "830 M", "12 k", "396", "-" for nothing, into out (at least 16 bytes). */
static void format_amount(char *out, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    int unit = 0;
    while (unit < 4 && value >= 999.5) value /= 1e3, unit++;
    if (value > 0)
        snprintf(out, 16, "%.3g%s", value, units[unit]);
    else
        snprintf(out, 16, "-");
}

static void format_rate(char *out, double amount, double seconds)
{
    if (amount > 0)
        snprintf(out, 16, "%.1f", 1e-9 * amount / seconds);
    else
        snprintf(out, 16, "-");
}

/* What bounds most of the least time of a kind; "-" where it has none. */
static const char *main_bound(const NetProfile *p)
{
    int most = 0;
    for (int i = 1; i <= ROOF_PLACES; i++)
        if (p->bound[i] > p->bound[most]) most = i;
    return p->bound[most] > 0 ? roof_place_name((RoofPlace)most) : "-";
}

static void cost_line(const char *name, Cost c, double all_seconds, const char *bound)
{
    char flop[16], bytes[16], flop_rate[16], byte_rate[16], share[16] = "-";
    if (c.least > 0) snprintf(share, sizeof share, "%.0f%%", 100 * c.least / c.seconds);
    format_amount(flop, c.flop);
    format_amount(bytes, c.bytes);
    format_rate(flop_rate, c.flop, c.seconds);
    format_rate(byte_rate, c.bytes, c.seconds);
    output_line("  %-24s %10.4f %5.1f%% %8s %8s %8s %8s %8s %10s", name, 1e3 * c.seconds,
                100 * c.seconds / all_seconds, flop, bytes, flop_rate, byte_rate, share, bound);
}

/* "    forward 0.5933, backward 1.2776" */
static void passes_line(const NetProfile *p)
{
    char text[160] = "";
    int used = 0;
    for (int pass = 0; pass < NET_PASSES; pass++) {
        if (p->seconds[pass] > 0)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%s %.4f", used ? ", " : "",
                             pass_names[pass], 1e3 * p->seconds[pass]);
    }
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
    Cost network = network_cost(l), all = network;
    all.seconds = l->seconds;
    cost_line(outside, (Cost){.seconds = l->seconds - network.seconds}, l->seconds, "-");
    cost_line("in all", all, l->seconds, "-");
}

static void cost_json(JsonWriter *w, const char *task, const char *kind, const char *pass, Cost c)
{
    json_begin_object(w, NULL);
    json_put_string(w, "task", task);
    json_put_string(w, "kind", kind);
    if (pass)
        json_put_string(w, "pass", pass);
    else
        json_put_null(w, "pass");
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
            Cost c = pass_cost(&l->kind[k], pass);
            if (c.seconds > 0) cost_json(w, l->task, l->kind[k].name, pass_names[pass], c);
        }
    cost_json(w, l->task, outside, NULL, (Cost){.seconds = l->seconds - network_cost(l).seconds});
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
