/* libcepman from C++17: <cepman/cepman.hpp> makes handles that give themselves back, spans, and exceptions of failures. Here
 * the library's parallel loops run on the program's own threads.
 *
 *   c++ -std=c++17 cpp.cpp $(pkg-config --cflags --libs cepman) -pthread -o cpp && ./cpp */
#include <atomic>
#include <cstdio>
#include <thread>

#include <cepman/cepman.hpp>

/* Here plain threads; in an instrument's software its own pool. */
class crew : public cepman::executor
{
  public:
    std::atomic<std::size_t> tasks{0};

    unsigned concurrency() override
    {
        return 2;
    }

    void run(void (*task)(void *, std::size_t), void *argument, std::size_t count) override
    {
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t i = next++; i < count; i = next++, tasks++)
                task(argument, i);
        };
        std::thread second(work);
        work();
        second.join();
    }
};

int main()
try {
    cepman::context ctx;
    const auto us = std::make_shared<crew>();
    ctx.set_executor(us);

    const auto [scan, truth] = cepman::simulate(ctx, cepman::simulate_options(ctx)
                                                         .set("scene", "twin-domains")
                                                         .set("scan-rows", 20)
                                                         .set("scan-columns", 20));
    const auto features = cepman::cepstrum::create(ctx, scan).run(ctx, scan);
    const auto embedding =
        cepman::umap::fit(ctx, features, cepman::umap::options(ctx).set("dims", 2).set("seed", 7))
            .embedding();
    const auto clusters =
        cepman::kmeans::fit(ctx, embedding, cepman::kmeans::options(ctx).set("k", truth.clusters())).labels();
    std::printf("%zu frames in %zu domains, %.1f %% of the points right, %zu tasks on our own threads\n",
                scan.frames(), truth.clusters(), 100 * cepman::validity::accuracy(ctx, clusters, truth),
                us->tasks.load());

    // A failure is an exception with the library's sentence.
    try {
        cepman::umap::options(ctx).set("min-dist", -1);
    } catch (const cepman::error &e) {
        std::printf("as expected: %s\n", e.what());
        return 0;
    }
    return 1;
} catch (const std::exception &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
