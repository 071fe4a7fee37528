/* EMPAD-G2: the two scales of a pixel joined, background and dark level subtracted, flattened.
 * A word holds an analogue (bits 0..13) and a digital number (14..29) and which gain the analogue one was taken at (31).
 * Linear sensors: a (1 - g) + G1 (a - B2) g + G2 d; quadratic: a (1 - g) + Ml a g + alpha a^2 g + Md d + Oh g - Ot
 * (Philipp et al., Microsc. Microanal. 28, 425 (2022), and the public reader of its authors' data).
 * Must not: know files. */
#include "empad2.h"

#include <string.h>

double cep_empad2_level(const unsigned char *frame)
{
    enum { BINS = 42, REACH = 5 };
    size_t count[BINS] = {0}, peak = 0;
    for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++) {
        float value;
        memcpy(&value, frame + 4 * p, 4);
        double at = ((double)value + 205) / 10;
        if (at >= 0 && at < BINS) count[(size_t)at]++;
        if (at == BINS) count[BINS - 1]++;
    }
    for (size_t i = 1; i < BINS; i++)
        if (count[i] > count[peak]) peak = i;
    if (peak < REACH || peak > BINS - REACH - 1) return 0;
    /* Least squares of a + b t + c t^2 over ten bins, t = -4.5 .. 4.5: sums of t^2 and t^4 are 82.5 and 1208.625. */
    double sum = 0, first = 0, second = 0;
    for (size_t i = 0; i < 2 * REACH; i++) {
        double t = (double)i - 4.5, n = (double)count[peak - REACH + i];
        sum += n;
        first += n * t;
        second += n * t * t;
    }
    double b = first / 82.5, c = (10 * second - 82.5 * sum) / (10 * 1208.625 - 82.5 * 82.5);
    double middle = ((double)peak - 0.5) * 10 - 200, top = middle - 10 * b / (2 * c);
    double low = ((double)peak - REACH) * 10 - 200, high = ((double)peak + REACH) * 10 - 200;
    return top > low && top < high ? top : 0;
}

static float join(const cep_empad2_half *h, bool quadratic, size_t p, uint32_t word)
{
    float analogue = (float)(word & 0x3fff), digital = (float)(word >> 14 & 0xffff);
    bool high = word >> 31;
    if (!quadratic) {
        float rest = high ? h->gain[p] * (analogue - h->base[p]) : analogue,
              counted = h->digital[p] * digital;
        return (float)((double)rest + (double)counted);
    }
    double a = (double)analogue, value = a;
    if (high) value = (double)h->gain[p] * a + (double)h->square[p] * a * a + (double)h->high[p];
    return (float)(value + (double)h->digital[p] * (double)digital - (double)h->base[p]);
}

void cep_empad2_convert(const cep_empad2 *sensor, size_t which, unsigned char *frame)
{
    const cep_empad2_half *h = &sensor->half[which];
    for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++) {
        uint32_t word;
        float value;
        memcpy(&word, frame + 4 * p, 4);
        value = join(h, sensor->quadratic, p, word);
        if (sensor->background) value -= h->background[p];
        memcpy(frame + 4 * p, &value, 4);
    }
    if (!sensor->background) return;
    double level = cep_empad2_level(frame);
    for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++) {
        float value;
        memcpy(&value, frame + 4 * p, 4);
        value = (float)((double)value - level) * h->flat[p];
        memcpy(frame + 4 * p, &value, 4);
    }
}
