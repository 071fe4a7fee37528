/* The same program in C++17: the headers have C linkage, and handles fit std::unique_ptr. */
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <cepman/cepman.h>

template <typename Handle, void (*Unref)(Handle *)> struct Release {
    void operator()(Handle *handle) const
    {
        Unref(handle);
    }
};
using Context = std::unique_ptr<cepman_context, Release<cepman_context, cepman_context_unref>>;
using Matrix = std::unique_ptr<cepman_matrix, Release<cepman_matrix, cepman_matrix_unref>>;

int main()
{
    cepman_context *raw = nullptr;
    if (cepman_context_create(&raw, nullptr) != CEPMAN_OK) return 1;
    Context ctx(raw);
    auto check = [&](cepman_status status, const char *what) {
        if (status != CEPMAN_OK)
            std::printf("%s: %s: %s\n", what, cepman_status_text(status), cepman_context_error(ctx.get()));
        return status == CEPMAN_OK;
    };
    if (std::string(cepman_version()) != CEPMAN_VERSION_STRING) return 2;
    if (!check(cepman_context_set_threads(ctx.get(), 2), "threads")) return 1;
    std::vector<float> rows(20 * 4);
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 4; j++)
            rows[static_cast<std::size_t>(i * 4 + j)] = static_cast<float>((i * 7 + j * j * 3) % 11);
    cepman_matrix *made = nullptr;
    if (!check(cepman_matrix_copy(&made, ctx.get(), rows.data(), 20, 4, 4), "matrix")) return 1;
    Matrix matrix(made);
    std::printf("version %s, matrix of %zu x %zu\n", cepman_version(), cepman_matrix_rows(matrix.get()),
                cepman_matrix_columns(matrix.get()));
    return 0;
}
