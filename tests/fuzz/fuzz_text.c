/* The parsers of text: Merlin headers, .hdr records and time stamps, elements and attributes of EMPAD records, calibrations. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mib.h"
#include "seeds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cep_fault fault;
    cep_mib_header header;
    cep_mib_record record;
    cep_text text = {(const char *)data, (const char *)data + size}, inside, attributes, value;
    uint64_t integer;
    double real;
    if (cep_mib_parse(data, size, "input", &fault, &header) == CEPMAN_OK && header.header_bytes < 64) abort();
    cep_mib_parse_record(text, &record);
    if ((record.rows == 0) != (record.columns == 0)) abort();
    static const char *const names[] = {"root", "raw_file", "pix_x", "scan_parameters",
                                        "optics.get_full_scan_field_of_view"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < 3 && cep_xml_element(text, names[i], k, &inside, &attributes); k++) {
            if (inside.at < text.at || inside.end > text.end || inside.at > inside.end) abort();
            cep_text_integer(inside, &integer);
            cep_text_real(inside, &real);
            cep_text_list_real(inside, &real);
            char name[16];
            if (cep_xml_attribute(attributes, "filename", &value)) cep_text_copy(value, name, sizeof name);
        }
    double step = -1, pixel = -1;
    if (cep_calibrations_parse(text, &step, &pixel) && (step <= 0 || pixel <= 0)) abort();
    int64_t times[64], scratch[64];
    size_t n = size / 8 < 64 ? size / 8 : 64;
    if (n) memcpy(times, data, n * 8);
    for (size_t i = 0; i < n; i++)
        times[i] &= INT64_MAX >> 1;
    size_t columns = cep_mib_columns(times, n, scratch);
    if (columns > n) abort();
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    if (index == 0) return seed_of("empad", 0, data, room);
    if (index == 1) return seed_of("mib", 0, data, room);
    static const char record[] = "HDR,\t\r\nFrames in Acquisition (Number):\t8\r\nFrames per Trigger "
                                 "(Number):\t4\r\nScanX:\t4\r\nScanY:\t2\r\nEnd\t";
    static const char calibrations[] =
        "{\"a\": [1, {\"b\": \"\\\"}\"}], \"scan_step_nm\": 1.5, \"reciprocal_pixel_per_angstrom\": 3.2e-2}";
    if (index == 3) {
        memcpy(data, calibrations, sizeof calibrations - 1);
        return sizeof calibrations - 1;
    }
    if (index != 2) return 0;
    memcpy(data, record, sizeof record - 1);
    return sizeof record - 1;
}
