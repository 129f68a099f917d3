/* The report's tables of the configuration. */
#include <string.h>

#include "base/mem.h"
#include "cli/report_sections.h"
#include "cli/report_training.h"
#include "io/config_fields.h"

enum { SHOWN_BYTES = 200 };

typedef struct {
    TextBuffer *h;
    const ReportRun *runs;
    int count;
    Config standard;
    Config resolved[REPORT_MOST_RUNS];
} Settings;

static bool has_config(const ReportRun *r)
{
    return r->config_lack.kind == ERR_NONE;
}

/* A key that means something for a run. */
static bool reads(const Settings *s, int run, const Field *f)
{
    const Config *c = &s->resolved[run];
    return has_config(&s->runs[run]) && (!f->group || f->group & config_method(c)->reads) &&
           config_condition_holds(c, f);
}

static bool is_read(const Settings *s, const Field *f)
{
    for (int r = 0; r < s->count; r++)
        if (reads(s, r, f)) return true;
    return false;
}

/* The value as JSON; without memory config_show gives a question mark, and the page is lost. */
static void show(TextBuffer *h, const Config *c, const Field *f, char out[SHOWN_BYTES])
{
    config_show(c, f, out, SHOWN_BYTES);
    if (strcmp(out, "?") == 0) h->failed = true;
}

static bool differ(const Settings *s, const Config *a, const Config *b, const Field *f)
{
    char x[SHOWN_BYTES], y[SHOWN_BYTES];
    show(s->h, a, f, x);
    show(s->h, b, f, y);
    return strcmp(x, y) != 0;
}

static bool is_own(const Settings *s, int run, const Field *f)
{
    return reads(s, run, f) && differ(s, &s->runs[run].config, &s->standard, f);
}

static bool is_notable(const Settings *s, const Field *f)
{
    for (int r = 0; r < s->count; r++)
        if (is_own(s, r, f)) return true;
    return false;
}

/* A text without the quotes that JSON has. */
static void put_value(TextBuffer *h, const Config *c, const Field *f)
{
    char shown[SHOWN_BYTES];
    show(h, c, f, shown);
    size_t length = strlen(shown);
    bool quoted = length >= 2 && shown[0] == '"' && shown[length - 1] == '"';
    if (quoted) shown[length - 1] = '\0';
    html_words(h, length == 2 && quoted ? "–" : shown + quoted);
}

/* "auto (8)", where the configuration alone decides it. */
static void put_own(const Settings *s, int run, const Field *f)
{
    const Config *c = &s->runs[run].config;
    html_put(s->h, "<td class='%s'>", is_own(s, run, f) ? "own" : "");
    if (!reads(s, run, f)) {
        html_markup(s->h, "</td>");
        return;
    }
    put_value(s->h, c, f);
    if (differ(s, c, &s->resolved[run], f)) {
        html_markup(s->h, " <small>(");
        put_value(s->h, &s->resolved[run], f);
        html_markup(s->h, ")</small>");
    }
    html_markup(s->h, "</td>");
}

static void put_head(const Settings *s, bool help)
{
    html_put(s->h, "<div class=scroll><table class='keys%s'><thead><tr><th>key</th>",
             s->count > 1 ? " several" : "");
    for (int r = 0; r < s->count; r++) {
        html_put(s->h, "<th class='run %s'>", s->count > 1 ? report_run_style(r) : "");
        html_words(s->h, s->count > 1 ? s->runs[r].name : "value");
        html_markup(s->h, "</th>");
    }
    html_put(s->h, "<th>default</th>%s</tr></thead>\n", help ? "<th class=help></th>" : "");
}

static void put_row(const Settings *s, const Field *f, bool help)
{
    html_put(s->h, "<tr class='%s'><th scope=row>", is_notable(s, f) ? "notable" : "");
    html_words(s->h, f->section);
    html_markup(s->h, ".<wbr>");
    html_words(s->h, f->key);
    html_markup(s->h, "</th>");
    for (int r = 0; r < s->count; r++) put_own(s, r, f);
    html_markup(s->h, "<td>");
    put_value(s->h, &s->standard, f);
    html_markup(s->h, "</td>");
    if (help) {
        html_markup(s->h, "<td class=help>");
        html_words(s->h, f->help);
        html_markup(s->h, "</td>");
    }
    html_markup(s->h, "</tr>\n");
}

static void put_table(const Settings *s, bool all)
{
    put_head(s, all);
    for (const Field *f = config_fields; f->key; f++)
        if (all ? is_read(s, f) : is_notable(s, f)) put_row(s, f, all);
    html_markup(s->h, "</table></div>\n");
}

static void put_lacks(const Settings *s)
{
    for (int r = 0; r < s->count; r++) {
        if (has_config(&s->runs[r])) continue;
        html_markup(s->h, "<p class=problem>");
        if (s->count > 1) {
            html_words(s->h, s->runs[r].name);
            html_markup(s->h, ": ");
        }
        html_words(s->h, s->runs[r].config_lack.text);
        html_markup(s->h, "</p>");
    }
}

bool report_put_configuration(TextBuffer *h, const ReportRun *runs, int count)
{
    Settings *s = mem_alloc(1, sizeof *s);
    bool any = false;
    if (!s) return false;
    s->h = h;
    s->runs = runs;
    s->count = count;
    config_defaults(&s->standard);
    for (int r = 0; r < count; r++) {
        s->resolved[r] = runs[r].config; /* its betas stay the run's */
        config_resolve(&s->resolved[r]);
        any = any || has_config(&runs[r]);
    }
    html_markup(h, "<section><h2>Configuration</h2>");
    put_lacks(s);
    if (any) {
        html_markup(h, "<p class=note>What differs from the defaults.</p>");
        put_table(s, false);
        html_markup(h, "<details><summary>All keys that are read</summary>");
        put_table(s, true);
        html_markup(h, "</details>");
    }
    html_markup(h, "</section>\n");
    mem_free(s);
    return !h->failed;
}
