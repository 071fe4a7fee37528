/* cepman.hpp, stage by stage: every function gives what the C call gives, in its C++ form.
 * A program without a test library; prints TAP.
 * Must not: use anything of the library but cepman.hpp. */
#include <cstdlib>
#include <cstring>
#include <numeric>

#include <unistd.h>

#include <cepman/cepman.hpp>

#include "check.hpp"

namespace
{

/* A file of this process, removed when the object goes. */
struct file {
    std::string path;
    explicit file(const char *name) : path(std::string(folder()) + "/" + name + std::to_string(getpid()))
    {
    }
    ~file()
    {
        unlink(path.c_str());
    }
    static const char *folder()
    {
        const char *named = std::getenv("TMPDIR");
        return named ? named : "/tmp";
    }
};

/* Three groups of 40 points in four dimensions, the last one thinner. */
cepman::matrix groups(const cepman::context &ctx, std::size_t rows = 120)
{
    std::vector<float> data(rows * 4);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < data.size(); i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = static_cast<float>(i / 4 % 3 == i % 4) * 9.0f + static_cast<float>(state >> 8) * 0x1p-24f;
    }
    return cepman::matrix::take(ctx, std::move(data), rows, 4);
}

template <class T> std::vector<T> held(cepman::span<const T> seen)
{
    return {seen.begin(), seen.end()};
}
std::vector<float> held(const cepman::context &ctx, const cepman::matrix &rows)
{
    return rows.read(ctx, 0, rows.rows());
}

void matrices()
{
    const cepman::context ctx;
    const auto data = groups(ctx);
    const file saved("cepman_hpp_matrix");
    data.save(ctx, saved.path);
    const auto mapped = cepman::matrix::map(ctx, saved.path);
    check(mapped.type() == CEPMAN_TYPE_F32 && mapped.read(ctx, 0, 120) == held(ctx, data), "a mapped matrix");
    const auto half = data.convert(ctx, CEPMAN_TYPE_F16);
    check(half.type() == CEPMAN_TYPE_F16 && half.row(0).empty() && half.read(ctx, 119, 1).size() == 4,
          "a matrix of float16");
    check(thrown<cepman::error>([&] { half.read(ctx, 119, 2); }).find("119 + 2") != std::string::npos,
          "rows beyond the last are refused");
    const std::size_t some[] = {3, 1};
    check(data.select(ctx, {some, 2}).read(ctx, 1, 1) == data.read(ctx, 1, 1), "rows of a selection");
    const auto names = cepman::loaded_versions();
    check(names.library == CEPMAN_VERSION_STRING && !names.fftw.empty() && !names.openblas.empty(),
          "versions");
}

void simulations()
{
    const cepman::context ctx;
    const auto made = cepman::simulation::scan(ctx, cepman::simulation::options(ctx)
                                                        .set("scan-rows", 6)
                                                        .set("scan-columns", 7)
                                                        .set("frame", 32)
                                                        .set("hot-pixels", 0.01));
    const auto scan = made.dataset();
    check(scan.frames() == 42 && made.truth().values().size() == 42 &&
              made.boundary().values().size() == 42 && made.state().rows() == 42 &&
              made.bad_pixels().size() == 32 * 32,
          "a simulation and its truth");

    const auto transform = cepman::cepstrum::create(ctx, scan);
    const auto all = transform.run(ctx, scan);
    std::vector<float> some(2 * transform.features());
    transform.read(ctx, scan, 40, 2, some);
    check(std::memcmp(some.data(), all.row(40).data(), some.size() / 2 * sizeof(float)) == 0,
          "features in blocks");
    check(thrown<cepman::error>([&] { transform.read(ctx, scan, 40, 1, some); }) != "none",
          "of the right size");
    const file stored("cepman_hpp_features");
    transform.run_file(ctx, scan, stored.path);
    check(held(ctx, cepman::matrix::load(ctx, stored.path)) == held(ctx, all), "features to a file");

    auto sums = cepman::pca_accumulator::create(ctx, all.columns());
    sums.add(ctx, held(ctx, all));
    check(sums.rows() == 42, "rows that are not kept");
    auto other = cepman::pca_accumulator::create(ctx, all.columns());
    other.merge(ctx, sums.sums(ctx));
    check(other.rows() == 42, "rows of another accumulator");
    other.reset();
    check(other.rows() == 0, "as new");
    const auto components = sums.finish(ctx, cepman::pca::options(ctx).set("components", 3));
    std::vector<double> vectors;
    for (std::size_t i = 0; i < 3; i++)
        vectors.insert(vectors.end(), components.component(i).begin(), components.component(i).end());
    const auto again = cepman::pca::copy(ctx, components.mean(), vectors, components.variance(),
                                         components.total_variance());
    check(again.project(ctx, held(ctx, all)) == components.project(ctx, held(ctx, all)),
          "components of numbers give the same scores");
    const auto sharp = cepman::domains_sharpen(ctx, again.apply(ctx, all), again, 6, 7,
                                               cepman::domains_options(ctx).set("power", 2));
    check(sharp.rows() == 42 && sharp.columns() == 3, "sharpened features of a scan");
    check(thrown<cepman::error>([&] { cepman::domains_sharpen(ctx, all, again, 6, 7); }) != "none",
          "of as many columns as components");
    const auto block = ctx.allocate(1000);
    check(block && ctx.memory_used() >= 1000, "memory of the context");
    ctx.poll();
    ctx.report("mine", 1, 2);
    const auto mine = [&] { ctx.fail(CEPMAN_ERR_DATA, "a sentence"); };
    check(thrown<cepman::error>(mine).find("a sentence") != std::string::npos,
          "a failure of a library on top");
    const auto places = cepman::umap::fit(ctx, all, cepman::umap::options(ctx).set("epochs", 5));
    const auto model = cepman::umap::from_embedding(ctx, all, places.graph(), places.embedding());
    check(held(ctx, model.apply(ctx, all)) == held(ctx, places.apply(ctx, all)),
          "a model of an embedding places alike");
    check(components.project(ctx, held(ctx, all)).size() == 3 * 42, "scores of the caller's rows");

    auto pass = cepman::maps::pass::create(ctx, scan);
    std::vector<float> bright;
    cepman::maps::shift_images shifts;
    cepman::maps::statistics_images images, cepstra;
    cepman::maps::place beam = {};
    pass.virtual_detector(ctx, bright, 16, 16, 0, 4);
    pass.centre_of_mass(ctx, shifts);
    pass.statistics(ctx, images);
    pass.statistics(ctx, cepstra, transform.images(ctx, scan));
    pass.beam(ctx, beam);
    const std::size_t means = pass.cluster_means(ctx, made.truth());
    check(!pass.means(means), "nothing before the run");
    const std::size_t seen = pass.pixels(ctx);
    pass.run(ctx);
    pass.run(ctx); /* again: the first matrix is given back */
    const auto alone = cepman::maps::statistics(ctx, scan);
    check(bright == cepman::maps::virtual_detector(ctx, scan, 16, 16, 0, 4) && images.mean == alone.mean &&
              images.deviation == alone.deviation && images.maximum == alone.maximum &&
              shifts.y.size() == 42 &&
              cepstra.mean.size() == transform.image_height() * transform.image_width() &&
              beam.y == cepman::maps::beam(ctx, scan).y &&
              held(ctx, pass.means(means)) == held(ctx, cepman::maps::cluster_means(ctx, scan, made.truth())),
          "a pass gives what the maps alone give");
    const auto bad = cepman::pixels::find(ctx, scan, cepman::pixels::options(ctx).set("sample", 0));
    check(held(pass.bad_pixels(seen).kinds()) == held(bad.kinds()) && bad.height() == 32 &&
              bad.width() == 32 && bad.frames() == 42 && bad.count(CEPMAN_PIXEL_HOT) > 0 &&
              bad.values(CEPMAN_VALUE_NAN) == 0 && bad.saturation() == 65535 && bad.contrast() > 1,
          "bad pixels");
    const auto masked = scan.view_masked(ctx, bad.kinds());
    check(masked.mask().size() == 32 * 32 && masked.view_centred(ctx).mask().empty(),
          "frames masked and centred");
    auto moved = std::move(pass);
    check(moved.means(means).rows() > 0, "a pass can be moved");
}

void graphs()
{
    const cepman::context ctx;
    const auto data = groups(ctx);
    const auto three = cepman::neighbors::options(ctx).set("k", 3);
    check(cepman::neighbors::memory(ctx, 120, 4) > 120 * 15 * 8, "memory is stated");
    const auto index = cepman::neighbors_index::create(ctx, data, three);
    const auto found = index.query(ctx, data);
    check(index.count() == 120 && index.columns() == 4 && index.k() == 3 && index.recall() == 1 &&
              std::string(index.method()) == "tree" && found.indices[3 * 7] == 7 &&
              found.distances[3 * 7] == 0,
          "an index finds its own rows");

    const auto how = cepman::umap::options(ctx).set("dims", 2).set("epochs", 20);
    std::vector<float> begin(240);
    std::iota(begin.begin(), begin.end(), 0.0f);
    const auto start = cepman::matrix::take(ctx, begin, 120, 2);
    const auto given = cepman::umap::fit_given(ctx, data, {}, {}, start, how);
    const std::size_t edges = given.graph_starts()[120];
    check(given.features().get() == data.get() && given.graph_columns().size() == edges &&
              given.graph_weights().size() == edges && edges > 120,
          "a start of the caller's, and the fuzzy graph");
    const file model("cepman_hpp_model");
    given.save(ctx, model.path);
    const auto again = cepman::umap::load(ctx, model.path);
    again.prepare(ctx);
    check(held(ctx, again.apply(ctx, data)) == held(ctx, given.embedding()), "a model saved and loaded");
}

void clusterers()
{
    const cepman::context ctx;
    const auto data = groups(ctx);
    const auto fit = cepman::kmeans::fit(ctx, data, cepman::kmeans::options(ctx).set("k", 3));
    check(fit.history().size() == fit.iterations() && fit.iterations() > 0, "inertia of each iteration");
    auto stream = cepman::kmeans_stream::create(ctx, 4, cepman::kmeans_stream::options(ctx).set("k", 3));
    stream.add(ctx, data);
    stream.add(ctx, data, std::vector<double>(120, 2.0));
    check(stream.rows() == 240 && stream.model(ctx).centres().rows() == 3, "K-means of a stream");

    const auto soft = cepman::mixture::fit(ctx, data, cepman::mixture::options(ctx).set("k", 3));
    std::vector<double> shares, densities;
    const auto same = soft.apply(ctx, data, &shares, &densities);
    check(soft.components() == 3 && soft.columns() == 4 && !soft.diagonal() && soft.weights().size() == 3 &&
              soft.means().size() == 12 && soft.covariances().size() == 48 && soft.converged() &&
              soft.history().size() == soft.iterations() && soft.bic() > soft.aic() &&
              std::isfinite(soft.log_likelihood()) && densities.size() == 120,
          "a mixture");
    check(held(same.values()) == held(soft.labels().values()) &&
              shares.size() == soft.responsibilities().size(),
          "a mixture of its own rows");

    const auto graph = cepman::neighbors::build(ctx, data, cepman::neighbors::options(ctx).set("k", 20));
    const auto tree = cepman::hdbscan_tree::build_neighbors(ctx, graph);
    const auto whole = cepman::hdbscan_tree::build(ctx, data);
    const auto found = cepman::hdbscan::extract(ctx, whole);
    std::vector<double> sure;
    const auto labels = found.apply(ctx, data, data, &sure);
    check(tree.points() == 120 && held(labels.values()) == held(found.labels().values()) &&
              sure.size() == 120,
          "HDBSCAN of a graph, and of rows it knows");
    check(found.membership(ctx, data).size() == 120 * found.labels().clusters() &&
              found.condensed_clusters() > found.labels().clusters() &&
              found.condensed_cluster(ctx, 0).size == 120 &&
              found.condensed_point(ctx, 5).cluster != SIZE_MAX,
          "memberships and the condensed tree");
    std::vector<double> each;
    check(cepman::validity::dbcv(ctx, data, fit.labels(), &each) > 0.5 && each.size() == 3 &&
              whole.relative_validity(ctx, fit.labels()) > 0.5 &&
              cepman::validity::inertia(ctx, data, fit.labels()) > 0 &&
              cepman::validity::gap(ctx, data, fit.labels()).deviation > 0,
          "indices without a truth");
    const cepman::labels both[] = {fit.labels(), found.labels()};
    check(cepman::validity::agreement(ctx, {both, 2}) <= 1 &&
              cepman::validity::stability(ctx, data, cepman::kmeans::options(ctx).set("k", 3), 2, 0.8) == 1,
          "clusterings against each other");
}

void rounds()
{
    const cepman::context ctx;
    const auto data = groups(ctx);
    const auto three = cepman::kmeans::options(ctx).set("k", 3);
    auto tree = cepman::hierarchy::create(ctx, 120, 10, 12);
    tree.split_kmeans(ctx, 0, data, three);
    const auto first = tree.children(0);
    check(first.size() == 3 && tree.find(ctx, "1") == first[1] && tree.path(first[1]) == "1" &&
              tree.parent(first[1]) == 0 && tree.kind(first[1]) == CEPMAN_NODE_CLUSTER &&
              tree.label(first[1]) == 1 && tree.depth(first[1]) == 1 &&
              tree.members(ctx, first[1]).size() == tree.size(first[1]),
          "nodes of a split");
    check(std::string(tree.method(0)) == "kmeans" && std::strstr(tree.parameters(0), "k=3") &&
              std::string(tree.version(0)) == CEPMAN_VERSION_STRING && tree.seed(0) == 42 &&
              tree.score(0, tree.score_names(0).at(0)) > 0,
          "how it was split");
    tree.set_space(ctx, 0, "given");
    tree.set_score(ctx, 0, "mine", 2.5);
    check(std::string(tree.space(0)) == "given" && tree.score(0, "mine") == 2.5,
          "words and numbers of the caller's");
    tree.split_mixture(ctx, first[0], data, cepman::mixture::options(ctx).set("k", 2));
    tree.split_connected(ctx, first[1], 8, 1);
    check(tree.height() == 2 && tree.labels(ctx, 1).clusters() == 3 && tree.labels(ctx).clusters() > 3 &&
              tree.label_nodes(1) == first && tree.paths(ctx, 2).size() == 240,
          "labels at a depth");
    const file saved("cepman_hpp_tree");
    tree.save(ctx, saved.path);
    const auto same = cepman::hierarchy::load(ctx, saved.path);
    check(same.nodes() == tree.nodes() && same.points() == 120 && same.rows() == 10 && same.columns() == 12,
          "saved and loaded");
    tree.prune(ctx, first[0]);
    tree.merge(ctx, {first.data(), 2});
    check(tree.children(0).size() == 2, "merged");
    tree.prune(ctx, 0);
    std::vector<std::int32_t> by(120, 0);
    by[7] = -1;
    by[9] = 1;
    tree.split(ctx, 0, cepman::labels::copy(ctx, by), "mine", "x=1", 5);
    tree.assign_noise(ctx, tree.find(ctx, "noise"), data);
    check(tree.labels(ctx).noise() == 0 && tree.seed(0) == 5, "noise given to its neighbours");
    tree.prune(ctx, 0);
    tree.split_hdbscan(ctx, 0, data);
    check(tree.labels(ctx).clusters() >= 2, "by HDBSCAN");
    check(thrown<cepman::error>([&] { tree.find(ctx, "8/9"); }) != "none", "a path that is not there");
}

} // namespace

int main()
{
    return run({matrices, simulations, graphs, clusterers, rounds});
}
