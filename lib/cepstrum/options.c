/* Options of the transform and the presets behind them.
 * Presets: this library's own; Padgett et al., Ultramicroscopy 214, 112994 (2020); round Hann; power; Shi et
 * al., npj Comput. Mater. 8, 114 (2022). Must not: look at frames. */
#include <math.h>

#include "internal.h"

#define AUTO ((double)NAN)

static const char kind[] = "cepstrum";

static const cep_option table[] = {
    {"preset", CEPMAN_OPTION_CHOICE, 0, 4, 0, "paper|padgett|round-hann|squared|double-log",
     "published formula that sets what is not set one by one"},
    {"subtract", CEPMAN_OPTION_CHOICE, 0, 2, 0, "preset|none|min",
     "what is taken from the counts before the logarithm: nothing or the frame's minimum"},
    {"offset", CEPMAN_OPTION_REAL, 0, CEP_OFFSET_MOST, AUTO, "auto",
     "added to the counts before the logarithm, in offset-unit; auto: the preset's, or the scan's background "
     "counts"},
    {"offset-unit", CEPMAN_OPTION_CHOICE, 0, 2, 0, "counts|range|mean",
     "what offset is relative to: counts, or the frame's range (maximum - minimum) or mean"},
    {"floor", CEPMAN_OPTION_REAL, 0, 1e12, AUTO, "auto",
     "counts below it are raised to it before offset is added; auto: the preset's"},
    {"window", CEPMAN_OPTION_CHOICE, 0, 5, 0, "preset|gaussian|hann|round-hann|tukey|none",
     "weight of the logarithm over the frame"},
    {"sigma", CEPMAN_OPTION_REAL, 0.01, 100, 0.4, NULL,
     "width of the Gaussian window, fraction of the half width"},
    {"alpha", CEPMAN_OPTION_REAL, 0, 1, 0.5, NULL, "share of the Tukey window that is tapered, 0 to 1"},
    {"centre", CEPMAN_OPTION_CHOICE, 0, 1, 0, "frame|beam",
     "where the window sits: the frame's centre, or each frame's direct beam"},
    {"power", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "squared magnitude instead of magnitude"},
    {"log1p", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "logarithm of 1 + value"},
    {"pad", CEPMAN_OPTION_INTEGER, 0, 16384, 0, NULL,
     "zero-pad windowed frames to this many pixels on a side, 0: no padding"},
    {"fit", CEPMAN_OPTION_CHOICE, 0, 2, FIT_NONE, "none|crop|pad",
     "sides that are quick to transform, products of 2, 3 and 5: crop frames around their centre to the next "
     "such sides "
     "below, or zero-pad them to the next above"},
    {"ring-in", CEPMAN_OPTION_REAL, 0, 1e6, AUTO, "auto",
     "smallest quefrency kept, in ring-unit; auto: 5 pixels, less on frames below 20"},
    {"ring-out", CEPMAN_OPTION_REAL, 0, 1e6, AUTO, "auto",
     "largest quefrency kept, in ring-unit; auto: 40 pixels, less on frames below 82"},
    {"ring-unit", CEPMAN_OPTION_CHOICE, 0, 1, 0, "pixel|angstrom",
     "unit of the ring: cepstrum pixels, or angstrom for calibrated frames"},
    {"scale", CEPMAN_OPTION_CHOICE, 0, 2, SCALE_L2, "none|l2|standard",
     "scaling of features: none, each frame to unit length, each feature to mean 0 and deviation 1"},
    {"storage", CEPMAN_OPTION_CHOICE, 0, 1, 0, "float32|float16",
     "how features are kept: float16 takes half the memory and has 11 significant bits, up to 65504"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

typedef struct preset {
    bool subtract_least;
    double offset, floor;
    int window;
    bool power, log1p;
} preset;

/* In the order of the table's choices. */
static const preset presets[] = {
    {false, AUTO, 0, WINDOW_GAUSSIAN, false, false}, {true, 0.1, 0, WINDOW_HANN, false, false},
    {true, 1, 0, WINDOW_ROUND_HANN, false, false},   {false, 0, 0.01, WINDOW_HANN, true, false},
    {false, 1, 1, WINDOW_NONE, false, true},
};

cepman_status cepman_cepstrum_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, kind, table);
}

cepman_status cep_settings_options(cepman_options **out, cepman_context *ctx, const cepman_options *options)
{
    return cep_options_resolve(out, ctx, options, kind, table);
}

/* In the order of the enumeration. */
static const char *const windows[] = {"gaussian", "hann", "round-hann", "tukey", "none"};

static bool is_gaussian(int window)
{
    return window == WINDOW_GAUSSIAN;
}

static bool is_tukey(int window)
{
    return window == WINDOW_TUKEY;
}

static bool is_window(int window)
{
    return window != WINDOW_NONE;
}

static bool flag_or(const cepman_options *o, const char *name, bool otherwise)
{
    return cep_options_given(o, name) ? cep_options_flag(o, name) : otherwise;
}

cepman_status cep_settings_read(cep_settings *out, cepman_context *ctx, const cepman_options *o)
{
    const preset *p = &presets[cep_options_choice(o, "preset")];
    cep_settings s = {0};
    int subtract = cep_options_choice(o, "subtract");
    s.subtract_least = subtract == 0 ? p->subtract_least : subtract == 2;
    s.offset = cep_options_given(o, "offset") ? cep_options_real(o, "offset") : p->offset;
    s.offset_unit = cep_options_choice(o, "offset-unit");
    CEP_REQUIRE(ctx, !isnan(s.offset) || s.offset_unit == UNIT_COUNTS, CEPMAN_ERR_OPTION,
                "cepstrum option 'offset-unit' is %s, which needs a number for 'offset', not auto",
                cep_options_text(o, "offset-unit"));
    s.floor = cep_options_auto(o, "floor") ? p->floor : cep_options_real(o, "floor");
    int window = cep_options_choice(o, "window");
    s.window = window == 0 ? p->window : window - 1;
    s.sigma = cep_options_real(o, "sigma");
    s.alpha = cep_options_real(o, "alpha");
    static const struct {
        const char *name;
        bool (*used)(int window);
    } of_windows[] = {{"sigma", is_gaussian}, {"alpha", is_tukey}, {"centre", is_window}};
    for (size_t i = 0; i < sizeof of_windows / sizeof of_windows[0]; i++)
        CEP_REQUIRE(ctx, !cep_options_given(o, of_windows[i].name) || of_windows[i].used(s.window),
                    CEPMAN_ERR_OPTION, "cepstrum option '%s' is given, but the window is %s, which has none",
                    of_windows[i].name, windows[s.window]);
    s.follow_beam = cep_options_choice(o, "centre") == 1 && s.window != WINDOW_NONE;
    s.power = flag_or(o, "power", p->power);
    s.log1p = flag_or(o, "log1p", p->log1p);
    s.pad = (size_t)cep_options_integer(o, "pad");
    s.fit = cep_options_choice(o, "fit");
    s.ring_in = cep_options_real(o, "ring-in");
    s.ring_out = cep_options_real(o, "ring-out");
    s.ring_angstrom = cep_options_choice(o, "ring-unit") == 1;
    s.scale = cep_options_choice(o, "scale");
    s.half = cep_options_choice(o, "storage") == 1;
    CEP_REQUIRE(ctx, !s.half || s.scale != SCALE_STANDARD, CEPMAN_ERR_OPTION,
                "cepstrum option 'storage' is float16, which 'scale' standard cannot take: it needs float32");
    *out = s;
    return CEPMAN_OK;
}

cepman_status cep_settings_write(cepman_options **out, cepman_context *ctx, const cepman_options *options,
                                 const cep_settings *s)
{
    cepman_options *o = NULL;
    cepman_status status = cepman_options_copy(&o, ctx, options);
    if (status) return status;
    if ((status = cepman_options_set_text(o, ctx, "subtract", s->subtract_least ? "min" : "none")) ||
        (status = cepman_options_set_real(o, ctx, "offset", s->offset)) ||
        (status = cepman_options_set_real(o, ctx, "floor", s->floor)) ||
        (status = cepman_options_set_text(o, ctx, "window", windows[s->window])) ||
        (status = cepman_options_set_flag(o, ctx, "power", s->power)) ||
        (status = cepman_options_set_flag(o, ctx, "log1p", s->log1p)) ||
        (status = cepman_options_set_real(o, ctx, "ring-in", s->ring_in)) ||
        (status = cepman_options_set_real(o, ctx, "ring-out", s->ring_out))) {
        cepman_options_unref(o);
        return status;
    }
    *out = o;
    return CEPMAN_OK;
}
