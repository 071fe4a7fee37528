/* Results of `cepman experiment` as a table of all runs (CSV), as one JSON, and as means on stdout.
 * Means are over the ranges of tilt for each seed; the deviation is that of the seeds (denominator count - 1), the range
 * goes from the worst of them to the best.
 * Must not: round what goes to files below the digits that read back the same. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "experiment.h"

const result *experiment_result(const experiment *e, size_t at, size_t tilt, size_t seed, size_t m)
{
    return &e->results[((at * e->tilt_count + tilt) * e->seed_count + seed) * e->method_count + m];
}

summary experiment_summary(const experiment *e, size_t at, size_t m)
{
    summary s = {.least = 1};
    double square = 0;
    const double seeds = (double)e->seed_count;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < e->seed_count; i++) {
            double one = 0;
            for (size_t k = 0; k < e->tilt_count; k++)
                one += experiment_result(e, at, k, i, m)->accuracy / (double)e->tilt_count;
            if (one < s.least) s.least = one;
            if (one > s.most) s.most = one;
            if (pass == 0)
                s.mean += one / seeds;
            else
                square += (one - s.mean) * (one - s.mean);
        }
    s.deviation = seeds > 1 ? sqrt(square / (seeds - 1)) : 0;
    return s;
}

int experiment_csv(const experiment *e, const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f) return tool_fail("%s: cannot write", path);
    fputs("scene,theory,tilt,seed,method,accuracy,ari,ami,noise,clusters,points\n", f);
    for (size_t c = 0; c < e->setup_count; c++)
        for (size_t k = 0; k < e->tilt_count; k++)
            for (size_t s = 0; s < e->seed_count; s++)
                for (size_t m = 0; m < e->method_count; m++) {
                    const result *r = experiment_result(e, c, k, s, m);
                    fprintf(f, "%s,%s,%.10g,%" PRId64 ",%s,%.6f,%.6f,%.6f,%.6f,%zu,%zu\n", e->setups[c].scene,
                            e->setups[c].theory, e->tilts[k], e->seed + (int64_t)s, e->methods[m].name,
                            r->accuracy, r->ari, r->ami, r->noise, r->clusters, r->points);
                }
    bool written = !ferror(f);
    written = fclose(f) == 0 && written;
    return written ? 0 : tool_fail("%s: cannot write", path);
}

static void means_json(const experiment *e, json *j)
{
    json_open(j, "means", '[');
    for (size_t c = 0; c < e->setup_count; c++)
        for (size_t m = 0; m < e->method_count; m++) {
            const summary s = experiment_summary(e, c, m);
            json_open(j, NULL, '{');
            json_text(j, "scene", e->setups[c].scene);
            json_text(j, "theory", e->setups[c].theory);
            json_text(j, "method", e->methods[m].name);
            json_real(j, "accuracy", s.mean);
            json_real(j, "deviation_over_seeds", s.deviation);
            json_real(j, "least_over_seeds", s.least);
            json_real(j, "most_over_seeds", s.most);
            json_open(j, "accuracy_by_tilt", '[');
            for (size_t k = 0; k < e->tilt_count; k++) {
                double sum = 0;
                for (size_t i = 0; i < e->seed_count; i++)
                    sum += experiment_result(e, c, k, i, m)->accuracy;
                json_real(j, NULL, sum / (double)e->seed_count);
            }
            json_close(j, ']');
            json_close(j, '}');
        }
    json_close(j, ']');
}

static void runs_json(const experiment *e, json *j)
{
    json_open(j, "runs", '[');
    for (size_t c = 0; c < e->setup_count; c++)
        for (size_t k = 0; k < e->tilt_count; k++)
            for (size_t s = 0; s < e->seed_count; s++)
                for (size_t m = 0; m < e->method_count; m++) {
                    const result *r = experiment_result(e, c, k, s, m);
                    json_open(j, NULL, '{');
                    json_text(j, "scene", e->setups[c].scene);
                    json_text(j, "theory", e->setups[c].theory);
                    json_real(j, "tilt", e->tilts[k]);
                    json_integer(j, "seed", e->seed + (int64_t)s);
                    json_text(j, "method", e->methods[m].name);
                    json_real(j, "accuracy", r->accuracy);
                    json_real(j, "ari", r->ari);
                    json_real(j, "ami", r->ami);
                    json_real(j, "noise", r->noise);
                    json_integer(j, "clusters", (int64_t)r->clusters);
                    json_integer(j, "points", (int64_t)r->points);
                    json_close(j, '}');
                }
    json_close(j, ']');
}

void experiment_json(const tool *t, const experiment *e, json *j)
{
    json_open(j, NULL, '{');
    json_text(j, "experiment", e->name);
    json_text(j, "version", cepman_version());
    json_integer(j, "first_seed", e->seed);
    json_integer(j, "seeds", (int64_t)e->seed_count);
    json_open(j, "tilts", '[');
    for (size_t k = 0; k < e->tilt_count; k++)
        json_real(j, NULL, e->tilts[k]);
    json_close(j, ']');
    json_open(j, "options", '{');
    for (size_t i = 0; i < t->stages; i++)
        json_options(j, cepman_options_kind(t->stage[i]), t->stage[i], true);
    json_close(j, '}');
    means_json(e, j);
    runs_json(e, j);
    json_close(j, '}');
}

void experiment_print(const experiment *e)
{
    size_t widest = 6;
    for (size_t m = 0; m < e->method_count; m++)
        if (strlen(e->methods[m].name) > widest) widest = strlen(e->methods[m].name);
    printf("accuracy in %%, mean over %zu tilts and %zu seeds (worst and best seed)\n\n%-*s", e->tilt_count,
           e->seed_count, (int)widest, "");
    for (size_t c = 0; c < e->setup_count; c++)
        printf("  %18s", e->setups[c].scene);
    printf("\n%-*s", (int)widest, "method");
    for (size_t c = 0; c < e->setup_count; c++)
        printf("  %18s", e->setups[c].theory);
    putchar('\n');
    for (size_t m = 0; m < e->method_count; m++) {
        printf("%-*s", (int)widest, e->methods[m].name);
        for (size_t c = 0; c < e->setup_count; c++) {
            const summary s = experiment_summary(e, c, m);
            printf("  %6.1f (%5.1f %5.1f)", 100 * s.mean, 100 * s.least, 100 * s.most);
        }
        putchar('\n');
    }
}
