/* Prints the option tables of all stages, one line a row with tabs between, as programs outside see them:
 * header, function, kind, name, type, minimum, maximum, default, words, help. options.py checks and documents them. */
#include <stdio.h>
#include <stdlib.h>

#include <cepman/cepman.h>

#include "option_tables.h"

int main(void)
{
    static const char *const types[] = {"flag", "integer", "real", "choice", "text"};
    cepman_context *ctx = NULL;
    if (cepman_context_create(&ctx, NULL)) return 1;
    for (size_t t = 0; t < sizeof option_tables / sizeof option_tables[0]; t++) {
        cepman_options *o = NULL;
        if (option_tables[t].create(&o, ctx)) {
            fprintf(stderr, "%s: %s\n", option_tables[t].function, cepman_context_error(ctx));
            return 1;
        }
        for (size_t i = 0; i < cepman_options_count(o); i++) {
            char value[1000];
            const char *choices = cepman_options_choices(o, i), *help = cepman_options_help(o, i);
            if (cepman_options_format(o, i, value, sizeof value) >= sizeof value) return 1;
            /* What is printed must be taken back: parse() and format() agree on the default. */
            if (cepman_options_parse(o, ctx, cepman_options_name(o, i), value)) {
                fprintf(stderr, "%s: its default: %s\n", option_tables[t].function,
                        cepman_context_error(ctx));
                return 1;
            }
            printf("%s\t%s\t%s\t%s\t%s\t%.17g\t%.17g\t%s\t%s\t%s\n", option_tables[t].header,
                   option_tables[t].function, cepman_options_kind(o), cepman_options_name(o, i),
                   types[cepman_options_type(o, i)], cepman_options_minimum(o, i),
                   cepman_options_maximum(o, i), value, choices ? choices : "", help ? help : "");
        }
        cepman_options_unref(o);
    }
    cepman_context_unref(ctx);
    return 0;
}
