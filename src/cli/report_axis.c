#include "cli/report_axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double axis_place(const Axis *a, double value)
{
    double way = a->log ? log(value / a->low) / log(a->high / a->low)
                        : (value - a->low) / (a->high - a->low);
    return a->from + way * (a->to - a->from);
}

/* "0.5" for "0.5000". */
static void cut_zeros(char *text)
{
    size_t length = strlen(text);
    if (!strchr(text, '.')) return;
    while (text[length - 1] == '0') length--;
    text[length - (text[length - 1] == '.')] = '\0';
}

/* "1.5e-4": so many decimals at most. */
static void put_scientific(double size, int decimals, char *out, size_t out_size)
{
    char text[32];
    snprintf(text, sizeof text, "%.*e", decimals, size);
    char *mark = strchr(text, 'e');
    int power = atoi(mark + 1);
    *mark = '\0';
    cut_zeros(text);
    snprintf(out, out_size, "%se%d", text, power);
}

/* Of ticks `step` apart, the largest of which has the size `most`. */
static void label_linear(double at, double step, double most, char out[TICK_LABEL_BYTES])
{
    static const struct {
        double unit;
        const char *suffix;
    } units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    double unit = 1;
    const char *suffix = "";
    for (size_t i = 0; i < sizeof units / sizeof *units && unit == 1; i++)
        if (most >= 10 * units[i].unit || (units[i].unit > 1e3 && most >= units[i].unit)) {
            unit = units[i].unit;
            suffix = units[i].suffix;
        }
    if (fabs(at) < step / 2) {
        snprintf(out, TICK_LABEL_BYTES, "0");
        return;
    }
    int decimals = (int)fmax(0, -floor(log10(step / unit) + 1e-9));
    if (most < 0.01) {
        double more = floor(log10(fabs(at)) + 1e-9) - floor(log10(step) + 1e-9);
        char text[TICK_LABEL_BYTES / 2];
        put_scientific(fabs(at), (int)fmax(0, more), text, sizeof text);
        snprintf(out, TICK_LABEL_BYTES, "%s%s", at < 0 ? "−" : "", text);
        return;
    }
    snprintf(out, TICK_LABEL_BYTES, "%s%.*f%s", at < 0 ? "−" : "", decimals, fabs(at) / unit,
             suffix);
}

static double linear_step(double span, int wanted)
{
    double raw = span / wanted, power = pow(10, floor(log10(raw)));
    double rest = raw / power;
    return power * (rest < 1.414 ? 1 : rest < 3.162 ? 2 : rest < 7.071 ? 5 : 10);
}

static int linear_ticks(const Axis *a, int wanted, Tick *out)
{
    double step = linear_step(a->high - a->low, wanted), slack = 1e-6 * step;
    double most = fmax(fabs(a->low), fabs(a->high));
    int count = 0;
    for (double k = ceil((a->low - slack) / step); k * step <= a->high + slack; k++) {
        if (count == MOST_TICKS) break;
        out[count].at = k * step;
        label_linear(k * step, step, most, out[count++].label);
    }
    return count;
}

static void label_log(double factor, int power, char out[TICK_LABEL_BYTES])
{
    double value = factor * pow(10, power);
    if (power < -3 || power > 5)
        snprintf(out, TICK_LABEL_BYTES, "%ge%d", factor, power);
    else if (value >= 1e4)
        snprintf(out, TICK_LABEL_BYTES, "%gk", value / 1e3);
    else
        snprintf(out, TICK_LABEL_BYTES, "%g", value);
}

static int log_ticks(const Axis *a, int wanted, Tick *out)
{
    static const double coarse[] = {1, 2, 5}, close[] = {1, 1.5, 2, 3, 5, 7};
    double decades = log10(a->high / a->low);
    const double *factors = decades < 1 ? close : coarse;
    int each = (int)ceil(decades / wanted - 0.4), count = 0,
        fine = decades < 1                   ? 6
               : 3 * decades <= 1.3 * wanted ? 3
                                             : 1;
    if (each < 1) each = 1;
    for (int p = (int)floor(log10(a->low)); pow(10, p) <= a->high * (1 + 1e-9); p++)
        for (int f = 0; f < fine && p % each == 0; f++) {
            double at = factors[f] * pow(10, p);
            if (at < a->low * (1 - 1e-9) || at > a->high * (1 + 1e-9) || count == MOST_TICKS)
                continue;
            out[count].at = at;
            label_log(factors[f], p, out[count++].label);
        }
    return count;
}

int axis_ticks(const Axis *a, int wanted, Tick out[MOST_TICKS])
{
    int count = a->log ? log_ticks(a, wanted, out) : linear_ticks(a, wanted, out);
    if (count >= 2 || !a->log) return count;
    /* Less than an octave: even ticks serve better. */
    return linear_ticks(a, wanted, out);
}

void axis_round_outwards(Axis *a, int wanted)
{
    if (a->log) {
        if (a->high > a->low * 1.1) return;
        a->low /= 1.5;
        a->high *= 1.5;
        return;
    }
    if (!(a->high - a->low > 1e-9 * fmax(fabs(a->high), fabs(a->low)))) {
        double room = a->high != 0 ? 0.1 * fabs(a->high) : 1;
        a->low -= room;
        a->high += room;
    }
    double step = linear_step(a->high - a->low, wanted);
    a->low = step * floor(a->low / step + 1e-6);
    a->high = step * ceil(a->high / step - 1e-6);
}

/* Digits in threes, from the left of the decimal point. */
static void group_digits(const char *digits, char *out)
{
    size_t whole = strcspn(digits, "."), length = strlen(digits);
    for (size_t i = 0; i <= length; i++) {
        *out++ = digits[i];
        if (i + 1 < whole && (whole - i - 1) % 3 == 0) *out++ = ',';
    }
}

void axis_show_value(double value, char out[VALUE_BYTES])
{
    char text[VALUE_BYTES / 2];
    double size = fabs(value);
    const char *sign = value < 0 ? "−" : "";
    if (!isfinite(value)) {
        snprintf(out, VALUE_BYTES, "–");
    } else if (size >= 1e12 || (size > 0 && size < 1e-3)) {
        put_scientific(size, 3, text, sizeof text);
        snprintf(out, VALUE_BYTES, "%s%s", sign, text);
    } else {
        int decimals = size >= 1000 || size == rint(size) ? 0 : 3 - (int)floor(log10(size));
        snprintf(text, sizeof text, "%.*f", decimals > 6 ? 6 : decimals, size);
        cut_zeros(text);
        snprintf(out, VALUE_BYTES, "%s", sign);
        group_digits(text, out + strlen(out));
    }
}
