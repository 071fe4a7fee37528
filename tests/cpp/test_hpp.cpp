/* cepman.hpp: ownership, exceptions in both directions, spans, and the same bits as the C calls.
 * A program without a test library; prints TAP.
 * Must not: use anything of the library but cepman.hpp. */
#include <atomic>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <thread>

#include <cepman/cepman.hpp>

#include "check.hpp"

namespace
{

struct surprise : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct counting_executor : cepman::executor {
    std::atomic<std::size_t> tasks{0};
    bool fail = false;
    unsigned concurrency() override
    {
        return 2;
    }
    void run(void (*task)(void *, std::size_t), void *argument, std::size_t count) override
    {
        if (fail) throw surprise("the executor fell over");
        std::thread helper([&] {
            for (std::size_t i = 1; i < count; i += 2)
                task(argument, i), tasks++;
        });
        for (std::size_t i = 0; i < count; i += 2)
            task(argument, i), tasks++;
        helper.join();
    }
};

struct ramp_source : cepman::frame_source {
    std::size_t ready = 6;
    bool fail = false;
    std::atomic<int> *alive;
    explicit ramp_source(std::atomic<int> *count) : alive(count)
    {
        ++*alive;
    }
    ~ramp_source() override
    {
        --*alive;
    }
    void read(std::size_t first, std::size_t count, void *destination) override
    {
        if (fail) throw surprise("no frame");
        auto *out = static_cast<std::uint16_t *>(destination);
        for (std::size_t i = 0; i < count * 64; i++)
            out[i] = static_cast<std::uint16_t>((first * 64 + i) % 251);
    }
    std::size_t available() override
    {
        return ready;
    }
};

cepman::simulated twins(const cepman::context &ctx)
{
    return cepman::simulate(
        ctx, cepman::simulate_options(ctx).set("scan-rows", 10).set("scan-columns", 10).set("frame", 32));
}

void ownership()
{
    const cepman::context ctx;
    const std::size_t before = ctx.memory_used();
    {
        const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
        const auto a = cepman::matrix::copy(ctx, numbers, 3, 2);
        auto b = a;
        check(a.get() == b.get(), "a copy shares the handle");
        const auto c = std::move(b);
        check(!b && c.get() == a.get(), "a moved-from handle is empty");
        b = c;
        b = std::as_const(b);
        check(b.get() == a.get(), "assigning to itself keeps the handle");
        const auto taken = cepman::matrix::take(ctx, std::vector<float>(numbers), 2, 3);
        check(taken.row(1)[2] == 6 && taken.row(2).empty(), "rows are spans, none beyond the last");
        const std::vector<std::size_t> rows = {2, 0};
        check(a.select(ctx, rows).row(0)[0] == 5, "rows can be selected");
        check(thrown<cepman::error>([&] { cepman::matrix::copy(ctx, numbers, 4, 2); }).find("6 numbers") !=
                  std::string::npos,
              "a span of the wrong size is refused with a sentence");
        check(thrown<cepman::error>([&] { cepman::matrix::take(ctx, numbers, 7, 0); }) != "none",
              "rows without columns do not hold numbers");
    }
    check(ctx.memory_used() == before, "everything is given back");
    cepman::matrix outlives;
    {
        const cepman::context other;
        outlives = cepman::matrix::copy(other, std::vector<float>{7}, 1, 1);
    }
    check(outlives.row(0)[0] == 7, "results outlive their context");
}

void failures_are_exceptions()
{
    const cepman::context ctx;
    check(thrown<cepman::error>([&] { cepman::umap::options(ctx).set("min-dist", -1.0); }).find("min-dist") !=
              std::string::npos,
          "a value out of range is an error with the option's name");
    check(thrown<cepman::error>([&] { cepman::dataset::open(ctx, "/nowhere/scan.mib"); }).find("/nowhere") !=
              std::string::npos,
          "a missing file is an error with its path");
    try {
        cepman::kmeans::options(ctx).set("k", "many");
        check(false, "text that is no number is refused");
    } catch (const cepman::error &e) {
        check(e.status() != CEPMAN_OK, "an error carries its status");
    }
    ctx.cancel();
    check(thrown<cepman::cancelled>([&] { twins(ctx); }) != "none", "a cancelled call throws cancelled");
    ctx.clear_cancel();
    check(twins(ctx).scan.frames() == 100, "and works again afterwards");
}

void exceptions_of_callbacks()
{
    cepman::context ctx;
    int polls = 0;
    ctx.on_poll([&] {
        polls++;
        if (polls == 2) throw surprise("enough");
        return false;
    });
    check(thrown<surprise>([&] { twins(ctx); }) == "enough", "what a poll throws comes out of the call");
    check(twins(ctx).scan.frames() == 100, "the next call is not spoilt by it");
    ctx.on_poll([] { return true; });
    check(thrown<cepman::cancelled>([&] { twins(ctx); }) != "none", "a poll that says stop cancels");
    ctx.on_poll(nullptr);

    ctx.on_progress([](std::string_view, std::uint64_t, std::uint64_t) { throw surprise("progress"); });
    check(thrown<surprise>([&] { twins(ctx); }) == "progress", "what progress throws comes out of the call");
    ctx.on_progress(nullptr);
    const std::size_t idle = ctx.memory_used();
    twins(ctx);
    check(ctx.memory_used() == idle, "and nothing is kept");

    auto crew = std::make_shared<counting_executor>();
    ctx.set_executor(crew);
    const auto by_host = twins(ctx).scan.read<std::uint16_t>(ctx, 0, 100);
    check(crew->tasks > 0, "the host's executor does the work");
    crew->fail = true;
    check(thrown<surprise>([&] { twins(ctx); }) == "the executor fell over",
          "what it throws comes out of the call");
    ctx.set_executor(nullptr);
    check(crew.use_count() == 1, "the executor is given back");
    check(twins(ctx).scan.read<std::uint16_t>(ctx, 0, 100) == by_host, "the same bits without it");
}

void sources()
{
    const cepman::context ctx;
    std::atomic<int> alive{0};
    {
        auto ramp = std::make_shared<ramp_source>(&alive);
        const auto live = cepman::dataset::from_source(ctx, ramp, CEPMAN_TYPE_U16, 2, 4, 8, 8);
        check(live.available() == 6 && live.frames() == 8, "a source tells what is ready");
        const auto two = live.read<std::uint16_t>(ctx, 4, 2);
        check(two.size() == 128 && two[0] == 256 % 251, "frames come from the source");
        check(thrown<cepman::error>([&] { live.read<float>(ctx, 0, 1); }).find("u16") != std::string::npos,
              "reading as another type is refused");
        check(thrown<cepman::error>([&] { live.read_f32(ctx, 7, 9); }) != "none",
              "so are frames beyond the last");
        ramp->fail = true;
        check(thrown<cepman::error>([&] { live.read_f32(ctx, 0, 1); }) != "none",
              "a source that throws is a failure");
        check(thrown<cepman::error>([&] {
                  cepman::dataset::from_source(ctx, std::make_shared<ramp_source>(&alive), CEPMAN_TYPE_U16, 2,
                                               4, 0, 8);
              }) != "none",
              "a source of no pixels is refused");
    }
    check(alive == 0, "sources end with their datasets, and when none was made");
}

void chain()
{
    const cepman::context ctx(2);
    const auto scan = twins(ctx);
    const auto transform =
        cepman::cepstrum::create(ctx, scan.scan, cepman::cepstrum::options(ctx).set("ring-in", 2));
    const auto features = transform.run(ctx, scan.scan);
    check(features.rows() == 100 && features.columns() == transform.features(), "features of every frame");
    check(transform.options_in_force(ctx).real("ring-in") == 2, "options in force can be read");

    cepman_matrix *plain = nullptr;
    cepman_cepstrum_run(&plain, ctx.get(), transform.get(), scan.scan.get());
    const auto same = cepman::matrix::adopt(plain);
    bool equal = true;
    for (std::size_t i = 0; i < 100; i++)
        equal = equal && std::memcmp(same.row(i).data(), features.row(i).data(), 4 * features.columns()) == 0;
    check(equal, "the same bits as the C calls");

    auto worker = cepman::cepstrum_worker::create(ctx, transform);
    const auto frame = scan.scan.read<std::uint16_t>(ctx, 5, 1);
    std::vector<float> one(transform.features());
    worker.run(frame.data(), 1, one.data(), one.size());
    check(std::memcmp(one.data(), features.row(5).data(), 4 * one.size()) == 0,
          "a worker gives the scan's row");
    check(thrown<cepman::error>([&] { worker.run(frame.data(), 1, one.data(), 1); }) != "none",
          "a row too short is refused with the worker's sentence");

    const auto scores = cepman::pca::fit(ctx, features, cepman::pca::options(ctx).set("components", 5));
    check(scores.size() == 5 && scores.component(5).empty(), "components");
    const auto points = scores.apply(ctx, features);
    const auto coder = cepman::vae::fit(
        ctx, features,
        cepman::vae::options(ctx).set("dims", 2).set("hidden-1", 16).set("hidden-2", 0).set("epochs", 3));
    check(coder.embedding().columns() == 2 && coder.reconstruction().size() == 3 &&
              coder.divergence().size() == 3 &&
              coder.decode(ctx, coder.apply(ctx, features)).columns() == coder.features(),
          "an auto-encoder");
    const auto graph = cepman::neighbors::build(ctx, points, cepman::neighbors::options(ctx).set("k", 10));
    const auto embedding = cepman::umap::fit_graph(
        ctx, points, graph, cepman::umap::options(ctx).set("dims", 2).set("epochs", 50));
    check(embedding.embedding().columns() == 2 && graph.indices().size() == 1000, "graph and embedding");
    const auto groups =
        cepman::kmeans::fit(ctx, embedding.embedding(), cepman::kmeans::options(ctx).set("k", 4));
    const auto tree = cepman::hdbscan_tree::build(ctx, embedding.embedding());
    const auto islands = cepman::hdbscan::extract(ctx, tree);
    check(groups.labels().clusters() == 4 && tree.linkage(ctx).size() == 4 * 99, "clusters and the tree");
    check(islands.probabilities().size() == 100 &&
              islands.persistence().size() == islands.labels().clusters(),
          "memberships");
    const double ari = cepman::validity::ari(ctx, groups.labels(), groups.labels());
    check(ari == 1, "a clustering agrees with itself");
    const auto means = cepman::maps::cluster_means(ctx, scan.scan, groups.labels());
    check(means.rows() == 5 && cepman::maps::label_colours(ctx, groups.labels()).size() == 300, "maps");
    const auto images = cepman::maps::statistics(ctx, transform.images(ctx, scan.scan));
    check(images.mean.size() == transform.image_height() * transform.image_width(), "mean cepstrum");
}

} // namespace

int main()
{
    return run({ownership, failures_are_exceptions, exceptions_of_callbacks, sources, chain});
}
