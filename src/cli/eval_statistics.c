#include "cli/eval_statistics.h"

#include "base/mem.h"
#include "base/term.h"
#include "base/world.h"
#include "cli/eval_report.h"

bool eval_statistics_open(EvalStatistics *s, Err *err)
{
    const char *option = s->stats ? "stats" : "save-stats";
    if (s->stats && s->save)
        return err_set(err, ERR_USAGE,
                       "--stats and --save-stats are given; images are compared with statistics, "
                       "or their own are written");
    if (!s->weights)
        return err_set(err, ERR_USAGE,
                       "--%s is for features of Inception v3; name its weights with --features",
                       option);
    if (!check_output_file("save-stats", s->save, "npz", err)) return false;
    if (!s->stats) return true;
    if (!feature_moments_read(s->stats, &s->known, err)) return false;
    return s->known.dims == INCEPTION_FEATURES ||
           err_set(err, ERR_FORMAT,
                   "%s: holds statistics of %d features; those of --features are %d", s->stats,
                   s->known.dims, INCEPTION_FEATURES);
}

/* ---- the report ---- */

static void put_source(JsonWriter *w, const EvalStatistics *s, const EvalPictures *p)
{
    output_begin(w);
    json_put_string(w, "event", "done");
    json_put_string(w, "source", p->name);
    json_put_uint(w, "count", p->count);
    json_put_string(w, "features", s->weights);
}

static bool report_distance(const EvalStatistics *s, const EvalPictures *p,
                            const FrechetDistance *d, bool json, Err *err)
{
    char count[32];
    JsonWriter w;
    if (json) {
        put_source(&w, s, p);
        json_put_string(&w, "stats", s->stats);
        json_begin_object(&w, "images");
        json_begin_object(&w, "inception");
        eval_put_frechet(&w, d);
        json_end_object(&w);
        json_end_object(&w);
        eval_put_bias(&w, p->count);
        return output_json(&w, err);
    }
    term_format_count(count, p->count);
    output_line("%s images beside the statistics of %s", count, s->stats);
    output_line("Inception v3 features (%s)", s->weights);
    output_line("  %-12s %9.3f +- %-.3f", "FID", d->distance, d->standard_error);
    eval_bias_line(p->count);
    return true;
}

static bool save(const EvalStatistics *s, const EvalPictures *p, const FeatureMoments *m, bool json,
                 Err *err)
{
    JsonWriter w;
    bool replaces = file_is_there(s->save);
    if (!feature_moments_write(s->save, m, err)) return false;
    note_replaced(s->save, replaces);
    if (!json) {
        output_names(&s->save, 1);
        return true;
    }
    put_source(&w, s, p);
    json_put_string(&w, "save_stats", s->save);
    return output_json(&w, err);
}

/* ---- the work ---- */

static bool compare(const EvalStatistics *s, const Features *f, const FeatureMoments *m,
                    EvalStage *stage, FrechetDistance *out, Err *err)
{
    WorkProgress progress = eval_stage_begin(stage, "Frechet distance");
    const FrechetSet known = {&s->known, NULL}, own = {m, f};
    return frechet_distances(&known, &own, 1, &progress, out, err);
}

static bool run(const EvalStatistics *s, const EvalPictures *p, Inception *inception,
                EvalStage *stage, float *values, FeatureMoments *m, FrechetDistance *d, Err *err)
{
    const Features f = {.count = p->count, .dims = INCEPTION_FEATURES, .values = values};
    WorkProgress of_features = eval_stage_begin(stage, "features of the images");
    if (!inception_features(inception, &p->set, &of_features, values, err)) return false;
    if (world_rank() > 0) return true;
    WorkProgress of_moments = eval_stage_begin(stage, "covariance of the features");
    return feature_moments(&f, &of_moments, m, err) &&
           (!s->stats || compare(s, &f, m, stage, d, err));
}

bool eval_statistics_run(const EvalStatistics *s, const EvalPictures *p, Inception *inception,
                         EvalStage *stage, bool json, Err *err)
{
    FeatureMoments m = {.dims = 0};
    FrechetDistance d = {.distance = 0};
    float *values = mem_alloc(p->count, INCEPTION_FEATURES * sizeof *values);
    bool ok = (values || err_set(err, ERR_MEMORY,
                                 "not enough memory for the features of %zu images", p->count)) &&
              run(s, p, inception, stage, values, &m, &d, err);
    term_progress_end();
    if (!ok && err->kind == ERR_INTERRUPTED)
        err_set(err, ERR_INTERRUPTED, "interrupted in the comparison; nothing is reported");
    if (world_rank() == 0)
        ok = ok && (s->save ? save(s, p, &m, json, err) : report_distance(s, p, &d, json, err));
    feature_moments_free(&m);
    mem_free(values);
    return ok;
}

void eval_statistics_close(EvalStatistics *s)
{
    feature_moments_free(&s->known);
}
