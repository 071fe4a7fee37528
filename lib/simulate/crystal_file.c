/* Crystals by name or from a file: the library's own text format, or CIF (cif.c).
 * The own format is lines of words: cell, centring, symmetry, atom; '#' begins a comment (docs/formats.md).
 * Must not: trust a number, or read past the text. */
#include <math.h>
#include <string.h>

#include "structure.h"

bool cep_word_is(cep_word word, const char *text)
{
    return strlen(text) == word.length && memcmp(text, word.at, word.length) == 0;
}

bool cep_word_real(cep_word word, double *value)
{
    char text[48];
    size_t n = word.length;
    if (n > 3 && word.at[n - 1] == ')') /* 4.086(2) */
        for (size_t k = n - 2; k > 0; k--) {
            if (word.at[k] == '(' && k < n - 2) n = k;
            if (word.at[k] < '0' || word.at[k] > '9') break;
        }
    if (n == 0 || n >= sizeof text) return false;
    memcpy(text, word.at, n);
    text[n] = 0;
    double number;
    if (!cep_parse_real(text, &number) || !(number - number == 0)) return false;
    *value = number;
    return true;
}

int cep_word_element(cep_word word)
{
    char symbol[2];
    size_t n = 0;
    for (; n < 2 && n < word.length; n++) {
        char c = word.at[n];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        if (!upper && !lower) break;
        symbol[n] = n == 0 ? (char)(c & ~0x20) : (char)(c | 0x20);
    }
    if (n == 0) return 0;
    int number = n == 2 ? cep_element_number(symbol, 2) : 0;
    return number ? number : cep_element_number(symbol, 1);
}

cepman_status cep_check_atom(const cep_structure *s, cep_fault *fault, const cep_atom *a, size_t line)
{
    for (int i = 0; i < 3; i++)
        if (!(fabs(a->at[i]) <= 100))
            return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                                 "%s: line %zu: an atom at %g, must be -100 to 100 (fractions of the cell)",
                                 s->name, line, a->at[i]);
    if (!(a->b >= 0 && a->b <= 20))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                             "%s: line %zu: B is %g square angstrom, must be 0 to 20", s->name, line, a->b);
    if (!(a->occupancy >= 0 && a->occupancy <= 1))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: line %zu: an occupancy of %g, must be 0 to 1",
                             s->name, line, a->occupancy);
    return CEPMAN_OK;
}

/* ---- the own format ---------------------------------------------------------------------------------------------- */

typedef struct reading {
    cep_structure *s;
    cep_fault *fault;
    size_t line;
    bool has_cell;
    cep_word centring;
    size_t operators;
    cep_symmetry symmetry[CEP_MOST_OPERATORS];
} reading;

/* The next word of the line; length 0 at its end. */
static cep_word next_word(cep_word *rest)
{
    while (rest->length && (*rest->at == ' ' || *rest->at == '\t' || *rest->at == '\r')) {
        rest->at++;
        rest->length--;
    }
    cep_word word = {rest->at, 0};
    while (rest->length && *rest->at != ' ' && *rest->at != '\t' && *rest->at != '\r') {
        rest->at++;
        rest->length--;
        word.length++;
    }
    return word;
}

/* least .. most numbers up to the line's end; how many, or -1. */
static int numbers(cep_word rest, int least, int most, double *value)
{
    int n = 0;
    for (cep_word w = next_word(&rest); w.length; w = next_word(&rest)) {
        if (n == most || !cep_word_real(w, &value[n])) return -1;
        n++;
    }
    return n < least ? -1 : n;
}

static cepman_status read_line(reading *r, cep_word line)
{
    const char *name = r->s->name;
    cep_word what = next_word(&line);
    if (what.length == 0) return CEPMAN_OK;
    if (cep_word_is(what, "cell")) {
        double v[6] = {0, 0, 0, 90, 90, 90};
        int n = numbers(line, 1, 6, v);
        if (n != 1 && n != 3 && n != 6)
            return cep_fault_set(
                r->fault, CEPMAN_ERR_FORMAT,
                "%s: line %zu: cell needs 1, 3 or 6 numbers: a, b, c in angstrom, alpha, beta, "
                "gamma in degrees",
                name, r->line);
        if (n == 1) v[1] = v[2] = v[0];
        r->has_cell = true;
        return cep_structure_cell(r->s, r->fault, v, v + 3);
    }
    if (cep_word_is(what, "centring")) {
        r->centring = next_word(&line);
        return CEPMAN_OK;
    }
    if (cep_word_is(what, "symmetry")) {
        if (r->operators == CEP_MOST_OPERATORS)
            return cep_fault_set(r->fault, CEPMAN_ERR_FORMAT, "%s: line %zu: more than %d operators", name,
                                 r->line, CEP_MOST_OPERATORS);
        if (!cep_symmetry_parse(&r->symmetry[r->operators++], line.at, line.length))
            return cep_fault_set(r->fault, CEPMAN_ERR_FORMAT,
                                 "%s: line %zu: symmetry needs an operator like 1/2-x,-y,1/2+z", name,
                                 r->line);
        return CEPMAN_OK;
    }
    if (cep_word_is(what, "atom")) {
        double v[5] = {0, 0, 0, 0.5, 1};
        cep_word symbol = next_word(&line);
        int element = cep_word_element(symbol);
        if (!element || numbers(line, 3, 5, v) < 0)
            return cep_fault_set(
                r->fault, CEPMAN_ERR_FORMAT,
                "%s: line %zu: atom needs an element, x, y, z, then B and occupancy if wanted", name,
                r->line);
        cep_atom atom = {element, {v[0], v[1], v[2]}, v[3], v[4]};
        cepman_status s = cep_check_atom(r->s, r->fault, &atom, r->line);
        return s ? s : cep_structure_atom(r->s, r->fault, &atom);
    }
    return cep_fault_set(r->fault, CEPMAN_ERR_FORMAT,
                         "%s: line %zu: the first word must be cell, centring, symmetry or atom", name,
                         r->line);
}

static cepman_status read_own(cep_structure *s, cep_fault *fault, const char *text, size_t length)
{
    reading *r = cep_alloc_zero(s->mem, 1, sizeof *r);
    if (!r) return cep_fault_memory(fault, s->mem, "operators", 1, sizeof *r);
    cepman_status status = CEPMAN_OK;
    r->s = s;
    r->fault = fault;
    r->centring = (cep_word){"P", 1};
    for (size_t at = 0; !status && at < length; at++) {
        const char *line = text + at, *end = memchr(line, '\n', length - at);
        size_t n = end ? (size_t)(end - line) : length - at;
        const char *comment = memchr(line, '#', n);
        at += n;
        r->line++;
        status = read_line(r, (cep_word){line, comment ? (size_t)(comment - line) : n});
    }
    if (!status && !r->has_cell)
        status = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: no line begins with cell", s->name);
    if (!status) status = cep_structure_expand(s, fault, r->symmetry, r->operators);
    if (!status && !cep_structure_centre(s, fault, r->centring, &status))
        status =
            cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: centring must be P, I, A, B, C, F or R", s->name);
    cep_free(s->mem, r);
    return status;
}

/* ---- by content, by name ------------------------------------------------------------------------------------------- */

/* CIF has a line that begins with data_; nothing of ours does. */
static bool is_cif(const char *text, size_t length)
{
    bool start = true;
    for (size_t i = 0; i + 5 <= length; i++) {
        if (start && (memcmp(text + i, "data_", 5) == 0 || memcmp(text + i, "DATA_", 5) == 0)) return true;
        start = text[i] == '\n';
    }
    return false;
}

cepman_status cep_structure_parse(cep_structure **out, cep_memory *mem, cep_fault *fault, const char *name,
                                  const char *text, size_t length)
{
    cep_structure *s = cep_structure_create(mem, name);
    if (!s) return cep_fault_memory(fault, mem, "crystal", 1, sizeof *s);
    cepman_status status =
        is_cif(text, length) ? cep_structure_cif(s, fault, text, length) : read_own(s, fault, text, length);
    double most = 0;
    for (size_t i = 0; i < s->atoms; i++)
        most += s->atom[i].occupancy;
    if (!status && !(most > 0))
        status = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: there are no atoms in the cell", name);
    if (status)
        cep_structure_free(s);
    else
        *out = s;
    return status;
}

cepman_status cep_structure_open(cep_structure **out, cep_memory *mem, cep_fault *fault, const char *what)
{
    cepman_status status = CEPMAN_OK;
    cep_structure *s = cep_structure_create(mem, what);
    if (!s) return cep_fault_memory(fault, mem, "crystal", 1, sizeof *s);
    if (cep_structure_builtin(s, fault, what, &status)) {
        if (status)
            cep_structure_free(s);
        else
            *out = s;
        return status;
    }
    cep_structure_free(s);
    if (!strchr(what, '.') && !strchr(what, '/'))
        return cep_fault_set(
            fault, CEPMAN_ERR_ARGUMENT,
            "crystal '%.100s' is neither built in (Al Ni Cu Rh Pd Ag Ir Pt Au Pb SnSe gamma-Al2O3 "
            "alpha-Al2O3) nor the name of a file (it has no '.' or '/')",
            what);
    char *text = NULL;
    size_t length = 0;
    status = cep_file_slurp(&text, &length, mem, fault, what, (size_t)1 << 20);
    if (status) return status;
    const char *name = strrchr(what, '/');
    status = cep_structure_parse(out, mem, fault, name ? name + 1 : what, text, length);
    cep_free(mem, text);
    return status;
}
