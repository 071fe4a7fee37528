/* The same program in C++17: the headers have C linkage, and handles fit std::unique_ptr. */
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cepman/cepman.h>

template <auto Unref> struct Release {
    template <typename Handle> void operator()(Handle *handle) const
    {
        Unref(handle);
    }
};
template <typename Handle, auto Unref> using Owned = std::unique_ptr<Handle, Release<Unref>>;

static cepman_context *context;

/* Calls f(&handle, context, arguments...) and owns what it makes. */
template <typename Handle, auto Unref, typename Function, typename... Arguments>
static Owned<Handle, Unref> make(Function f, Arguments... arguments)
{
    Handle *handle = nullptr;
    if (f(&handle, context, arguments...) != CEPMAN_OK)
        throw std::runtime_error(cepman_context_error(context));
    return Owned<Handle, Unref>(handle);
}

static void check(cepman_status status)
{
    if (status != CEPMAN_OK) throw std::runtime_error(cepman_context_error(context));
}

static void run()
{
    const int scan = 6, side = 32;
    std::vector<std::uint16_t> frames(static_cast<std::size_t>(scan * scan * side * side));
    for (int i = 0; i < scan * scan; i++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                int along = i < scan * scan / 2 ? x : y;
                frames[static_cast<std::size_t>((i * side + y) * side + x)] =
                    static_cast<std::uint16_t>(20 + (along % 4 == 0 ? 400 + 3 * i : 0) + (i * 7 + x * y) % 5);
            }
    check(cepman_context_set_threads(context, 2));
    auto dataset = make<cepman_dataset, cepman_dataset_unref>(
        cepman_dataset_wrap, frames.data(), CEPMAN_TYPE_U16, scan, scan, side, side, nullptr, nullptr);
    auto transform =
        make<cepman_cepstrum, cepman_cepstrum_unref>(cepman_cepstrum_create, dataset.get(), nullptr);
    auto features =
        make<cepman_matrix, cepman_matrix_unref>(cepman_cepstrum_run, transform.get(), dataset.get());
    auto options = make<cepman_options, cepman_options_unref>(cepman_pca_options_create);
    check(cepman_options_set_integer(options.get(), context, "components", 2));
    auto pca = make<cepman_pca, cepman_pca_unref>(cepman_pca_fit, features.get(), options.get());
    auto scores = make<cepman_matrix, cepman_matrix_unref>(cepman_pca_apply, pca.get(), features.get());
    options = make<cepman_options, cepman_options_unref>(cepman_kmeans_options_create);
    check(cepman_options_parse(options.get(), context, "k", "2"));
    auto clusters = make<cepman_kmeans, cepman_kmeans_unref>(cepman_kmeans_fit, scores.get(), nullptr,
                                                             nullptr, options.get());
    const std::int32_t *label = cepman_labels_data(cepman_kmeans_labels(clusters.get()));
    std::printf("libcepman %s: %zu frames, %zu features, %zu scores\n", cepman_version(),
                cepman_matrix_rows(features.get()), cepman_matrix_columns(features.get()),
                cepman_matrix_columns(scores.get()));
    for (int i = 0; i < scan * scan; i++)
        std::printf("%c%s", label[i] == label[0] ? '=' : '|', i % scan == scan - 1 ? "\n" : "");
}

int main()
{
    if (std::string(cepman_version()) != CEPMAN_VERSION_STRING) return 2;
    if (cepman_context_create(&context, nullptr) != CEPMAN_OK) return 1;
    int result = 0;
    try {
        run();
    } catch (const std::exception &e) {
        std::printf("failed: %s\n", e.what());
        result = 1;
    }
    cepman_context_unref(context);
    return result;
}
