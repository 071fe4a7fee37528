/* Labels as colours that people with any colour vision can tell apart.
 * Okabe and Ito, Color Universal Design (2008); further labels mix the seven with white or black.
 * Must not: give black to a cluster: black is noise. */
#include "base.h"
#include "matrix.h"
#include "maps.h"

static const uint8_t seven[7][3] = {
    {230, 159, 0},  /* orange */
    {86, 180, 233}, /* sky blue */
    {0, 158, 115},  /* bluish green */
    {240, 228, 66}, /* yellow */
    {0, 114, 178},  /* blue */
    {213, 94, 0},   /* vermilion */
    {204, 121, 167} /* reddish purple */
};

/* 1/2, 1/4, 3/4, 1/8, ...: van der Corput's sequence, so that a few rounds already lie far apart. */
static double corput(size_t round)
{
    double value = 0, step = 0.5;
    for (; round; round >>= 1, step /= 2)
        if (round & 1) value += step;
    return value;
}

static void colour(int32_t label, uint8_t rgb[3])
{
    size_t round = (size_t)label / 7;
    const uint8_t *pure = seven[label % 7];
    /* Odd rounds go towards white by up to 0.8, even ones towards black by up to 0.65. */
    double white = round & 1 ? 0.1 + 0.7 * corput((round + 1) / 2) : 0;
    double black = round && !(round & 1) ? 0.1 + 0.55 * corput(round / 2) : 0;
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)((pure[c] + (255 - pure[c]) * white) * (1 - black) + 0.5);
}

cepman_status cepman_maps_label_colours(uint8_t *rgb, cepman_context *ctx, const cepman_labels *labels)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, labels && (rgb || !cepman_labels_count(labels)), CEPMAN_ERR_ARGUMENT,
                "label colours: rgb or labels is NULL");
    const int32_t *values = cepman_labels_data(labels);
    for (size_t i = 0; i < cepman_labels_count(labels); i++) {
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = 0;
        if (values[i] >= 0) colour(values[i], rgb + 3 * i);
    }
    return CEPMAN_OK;
}
