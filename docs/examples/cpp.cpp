/* libcepman from C++17: handles that give themselves back, failures as exceptions, and the library's parallel loops on
 * the program's own threads.
 *
 *   c++ -std=c++17 cpp.cpp $(pkg-config --cflags --libs cepman) -pthread -o cpp && ./cpp
 *
 * The wrappers below are all a C++ program needs; copy them. */
#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <cepman/cepman.h>

namespace cep
{

// One owner per handle: std::unique_ptr whose deleter is the handle's own unref.
template <auto unref> struct deleter {
    template <class T> void operator()(T *handle) const
    {
        unref(handle);
    }
};
template <class T, auto unref> using handle = std::unique_ptr<T, deleter<unref>>;

using context = handle<cepman_context, cepman_context_unref>;
using options = handle<cepman_options, cepman_options_unref>;
using dataset = handle<cepman_dataset, cepman_dataset_unref>;
using cepstrum = handle<cepman_cepstrum, cepman_cepstrum_unref>;
using matrix = handle<cepman_matrix, cepman_matrix_unref>;
using labels = handle<cepman_labels, cepman_labels_unref>;
using umap = handle<cepman_umap, cepman_umap_unref>;
using kmeans = handle<cepman_kmeans, cepman_kmeans_unref>;

struct error : std::runtime_error {
    cepman_status status;
    error(cepman_status s, const std::string &sentence) : std::runtime_error(sentence), status(s)
    {
    }
};

inline void check(const context &c, cepman_status s)
{
    if (s == CEPMAN_OK) return;
    const std::string sentence = c ? cepman_context_error(c.get()) : "";
    throw error(s, sentence.empty() ? cepman_status_text(s) : sentence);
}

// make<cep::umap>(ctx, cepman_umap_fit, matrix, options): calls f(&out, ctx, ...) and owns what it made.
template <class Handle, class F, class... Args> Handle make(const context &c, F f, Args... args)
{
    typename Handle::pointer out = nullptr;
    check(c, f(&out, c.get(), args...));
    return Handle(out);
}

// options with values given as text, whatever their type: {{"dims", "2"}, {"min-dist", "0.05"}}
template <class F>
options make_options(const context &c, F create,
                     const std::vector<std::pair<std::string, std::string>> &values)
{
    options made = make<options>(c, create);
    for (const auto &[name, value] : values)
        check(c, cepman_options_parse(made.get(), c.get(), name.c_str(), value.c_str()));
    return made;
}

} // namespace cep

// The program's executor: here plain threads, in an instrument's software its own pool.
struct crew {
    unsigned size = 2;
    std::atomic<std::size_t> tasks{0};

    static unsigned concurrency(void *self)
    {
        return static_cast<crew *>(self)->size;
    }

    static int run(void *self, void (*task)(void *, size_t), void *argument, size_t count)
    {
        crew &us = *static_cast<crew *>(self);
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t i = next++; i < count; i = next++, us.tasks++)
                task(argument, i);
        };
        std::vector<std::thread> threads;
        try {
            for (unsigned i = 1; i < us.size; i++)
                threads.emplace_back(work);
        } catch (...) {
            // Fewer threads do the same work; and no exception may pass through C.
        }
        work();
        for (auto &thread : threads)
            thread.join();
        return 0;
    }
};

int main()
try {
    cepman_context *raw = nullptr;
    if (cepman_context_create(&raw, nullptr) != CEPMAN_OK) throw std::bad_alloc();
    const cep::context ctx(raw);
    crew us;
    const cepman_executor executor = {sizeof executor, &us, crew::concurrency, crew::run};
    cep::check(ctx, cepman_context_set_executor(ctx.get(), &executor));

    const auto scene =
        cep::make_options(ctx, cepman_simulate_options_create,
                          {{"scene", "twin-domains"}, {"scan-rows", "20"}, {"scan-columns", "20"}});
    cepman_dataset *scan_raw = nullptr;
    cepman_labels *truth_raw = nullptr;
    cep::check(ctx, cepman_simulate(&scan_raw, &truth_raw, ctx.get(), scene.get()));
    const cep::dataset scan(scan_raw);
    const cep::labels truth(truth_raw);

    const auto transform = cep::make<cep::cepstrum>(ctx, cepman_cepstrum_create, scan.get(), nullptr);
    const auto features = cep::make<cep::matrix>(ctx, cepman_cepstrum_run, transform.get(), scan.get());
    const auto how = cep::make_options(ctx, cepman_umap_options_create, {{"dims", "2"}, {"seed", "7"}});
    const auto embedding = cep::make<cep::umap>(ctx, cepman_umap_fit, features.get(), how.get());
    const auto size = std::to_string(cepman_labels_clusters(truth.get()));
    const auto groups = cep::make_options(ctx, cepman_kmeans_options_create, {{"k", size}});
    const auto clusters = cep::make<cep::kmeans>(
        ctx, cepman_kmeans_fit, cepman_umap_embedding(embedding.get()), nullptr, nullptr, groups.get());
    double accuracy = 0;
    cep::check(ctx, cepman_validity_accuracy(&accuracy, ctx.get(), cepman_kmeans_labels(clusters.get()),
                                             truth.get()));
    std::printf("%zu frames in %s domains, %.1f %% of the points right, %zu tasks on our own threads\n",
                cepman_dataset_frames(scan.get()), size.c_str(), 100 * accuracy, us.tasks.load());

    // A failure is an exception with the library's sentence.
    try {
        cep::make_options(ctx, cepman_umap_options_create, {{"min-dist", "-1"}});
    } catch (const cep::error &e) {
        std::printf("as expected: %s\n", e.what());
        return 0;
    }
    return 1;
} catch (const std::exception &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
