/* Symmetry operators written as "x, -y, z + 1/2", and the atoms that they make of a crystal's independent ones.
 * International Tables for Crystallography A, section 11 (symbols of symmetry operations as coordinate triplets).
 * Must not: place two equal atoms on one site, or take an operator that does not map the lattice onto itself. */
#include <math.h>
#include <string.h>

#include "structure.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One of the three parts. Digits make numbers, '/' divides, letters end a term. */
static bool read_part(const char *p, const char *end, double row[3], double *shift)
{
    bool any = false;
    row[0] = row[1] = row[2] = *shift = 0;
    while (p < end) {
        double sign = 1, number = 1;
        bool signs = false, digits = false;
        while (p < end && blank(*p))
            p++;
        if (p == end) break;
        if (*p == '+' || *p == '-') {
            sign = *p++ == '-' ? -1 : 1;
            signs = true;
        }
        if (any && !signs) return false;
        while (p < end && blank(*p))
            p++;
        const char *from = p;
        while (p < end && ((*p >= '0' && *p <= '9') || *p == '.'))
            p++;
        if (p > from) {
            char word[16];
            if ((size_t)(p - from) >= sizeof word) return false;
            memcpy(word, from, (size_t)(p - from));
            word[p - from] = 0;
            if (!cep_parse_real(word, &number)) return false;
            digits = true;
            if (p < end && *p == '/') {
                double divisor = 0;
                for (p++; p < end && *p >= '0' && *p <= '9' && divisor < 1000; p++)
                    divisor = 10 * divisor + (*p - '0');
                if (divisor == 0) return false;
                number /= divisor;
            }
            if (p < end && *p == '*') p++;
        }
        if (p < end && !blank(*p) && *p != '+' && *p != '-') {
            char c = (char)(*p | 0x20);
            if (c < 'x' || c > 'z') return false;
            row[c - 'x'] += sign * number;
            p++;
        } else if (digits) {
            *shift += sign * number;
        } else {
            return false;
        }
        any = true;
    }
    return any;
}

bool cep_symmetry_parse(cep_symmetry *out, const char *text, size_t length)
{
    const char *p = text, *end = text + length;
    for (int i = 0; i < 3; i++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        if ((comma == NULL) != (i == 2)) return false;
        if (!read_part(p, comma ? comma : end, out->turn[i], &out->shift[i])) return false;
        p = comma ? comma + 1 : end;
    }
    const double(*m)[3] = (const double(*)[3])out->turn;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (m[i][j] != 0 && fabs(m[i][j]) != 1) return false;
    double determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                         m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    return fabs(determinant) == 1;
}

cepman_status cep_structure_atom(cep_structure *s, cep_fault *fault, const cep_atom *atom)
{
    if (s->atoms == CEP_MOST_ATOMS)
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: more than %d atoms", s->name,
                             CEP_MOST_ATOMS);
    if (s->atoms == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        cep_atom *more = cep_alloc(s->mem, room, sizeof *more);
        if (!more) return cep_fault_memory(fault, s->mem, "atoms", room, sizeof *more);
        if (s->atoms) memcpy(more, s->atom, s->atoms * sizeof *more);
        cep_free(s->mem, s->atom);
        s->atom = more;
        s->room = room;
    }
    s->atom[s->atoms++] = *atom;
    return CEPMAN_OK;
}

/* Within 0.01 angstrom, to a translation of the lattice. */
static bool same_site(const cep_structure *s, const double a[3], const double b[3])
{
    double d[3], length = 0;
    for (int i = 0; i < 3; i++) {
        d[i] = a[i] - b[i];
        d[i] -= floor(d[i] + 0.5);
    }
    for (int i = 0; i < 3; i++) {
        double x = d[0] * s->cell[0][i] + d[1] * s->cell[1][i] + d[2] * s->cell[2][i];
        length += x * x;
    }
    return length < 1e-4;
}

cepman_status cep_structure_expand(cep_structure *s, cep_fault *fault, const cep_symmetry *symmetry,
                                   size_t count)
{
    size_t independent = s->atoms;
    for (size_t k = 0; k < independent; k++) {
        /* The images of one atom, each place once; those of different atoms may share a site (mixed occupation). */
        size_t first = s->atoms;
        for (size_t j = 0; j < count; j++) {
            cep_atom image = s->atom[k];
            for (int i = 0; i < 3; i++) {
                const double *row = symmetry[j].turn[i], *at = s->atom[k].at;
                image.at[i] = row[0] * at[0] + row[1] * at[1] + row[2] * at[2] + symmetry[j].shift[i];
                image.at[i] -= floor(image.at[i]);
            }
            bool known = same_site(s, image.at, s->atom[k].at);
            for (size_t i = first; !known && i < s->atoms; i++)
                known = same_site(s, image.at, s->atom[i].at);
            if (known) continue;
            cepman_status status = cep_structure_atom(s, fault, &image);
            if (status) return status;
        }
    }
    return CEPMAN_OK;
}
