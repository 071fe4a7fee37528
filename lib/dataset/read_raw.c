/* Headerless binary files, described by the caller: frames of one number type at equal distances.
 * Nothing in the file says what it is, so that only the option `format` chooses this reader.
 * Must not: guess a shape. */
#include "reader.h"

/* In the order of the option's words. */
static const cepman_type types[] = {CEPMAN_TYPE_U8,  CEPMAN_TYPE_I8,  CEPMAN_TYPE_U16, CEPMAN_TYPE_I16,
                                    CEPMAN_TYPE_U32, CEPMAN_TYPE_I32, CEPMAN_TYPE_I64, CEPMAN_TYPE_F32,
                                    CEPMAN_TYPE_F64, CEPMAN_TYPE_F16};

static bool raw_probe(const cep_opening *o)
{
    (void)o;
    return false;
}

static cepman_status raw_open(cep_opening *o)
{
    size_t height = (size_t)cep_options_integer(o->options, "raw-height");
    size_t width = (size_t)cep_options_integer(o->options, "raw-width");
    uint64_t size = cep_file_size(o->file);
    if (!height || !width)
        return cep_fault_set(o->fault, CEPMAN_ERR_ARGUMENT,
                             "%s: a file without a header needs the options raw-height and raw-width",
                             o->path);
    o->info.type = types[cep_options_choice(o->options, "raw-type")];
    o->info.height = height;
    o->info.width = width;
    size_t number = cepman_type_size(o->info.type);
    bool big = cep_options_choice(o->options, "raw-order") == 1;
    cep_strides s = {.offset = (uint64_t)cep_options_integer(o->options, "raw-offset")};
    s.bytes = s.frame_bytes = height * width * number; /* at most 2^40 * 8 */
    s.stride = s.bytes + (uint64_t)cep_options_integer(o->options, "raw-gap");
    s.swap = number > 1 && (big ? cep_swaps_big() : cep_swaps_little()) ? number : 0;
    /* A last frame that is not whole has been cut; the gap after it may be missing. */
    uint64_t data = size > s.offset ? size - s.offset : 0, rest = data % s.stride;
    o->promised = data / s.stride + (rest > 0);
    return cep_strides_open(o, &s);
}

const cep_reader cep_reader_raw = {"raw", raw_probe, raw_open};
