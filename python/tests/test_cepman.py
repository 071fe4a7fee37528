"""The Python package against the library it wraps: numbers, lifetimes, errors, Ctrl-C."""
import gc
import os
import signal
import tempfile
import threading
import time
import unittest

import numpy as np

import cepman

try:
    import sklearn.base
    import sklearn.pipeline
except ImportError:
    sklearn = None


def twins(**more):
    return cepman.simulate(**{"scan_rows": 12, "scan_columns": 10, "frame": 32, **more})


class Data(unittest.TestCase):
    def test_frames(self):
        scan, truth = twins()
        self.assertEqual(scan.shape, (12, 10, 32, 32))
        self.assertEqual(truth.shape, (12, 10))
        self.assertEqual(scan.dtype, np.uint16)
        whole = scan[:]
        np.testing.assert_array_equal(scan[3, 4], whole[34])
        np.testing.assert_array_equal(scan[-1], whole[-1])
        np.testing.assert_array_equal(scan[-1, -1], whole[-1])
        self.assertEqual(scan[5:5].shape, (0, 32, 32))
        for bad in (120, -121, (12, 0), (0, 0, 0)):
            with self.assertRaises((IndexError, ValueError)):
                scan[bad]
        again = cepman.wrap(whole.reshape(scan.shape))
        np.testing.assert_array_equal(again[7, 7], scan[7, 7])
        self.assertEqual(cepman.wrap(whole).shape, (120, 32, 32))
        with self.assertRaises(ValueError):
            cepman.wrap(whole.astype(complex))

    def test_files(self):
        scan, _ = twins()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scan \u00e4.npy")
            np.save(path, scan[:].reshape(scan.shape).astype(">i4"))
            there = cepman.open(path)
            self.assertEqual((there.format, there.shape, there.dtype), ("npy", scan.shape, np.dtype(np.int32)))
            np.testing.assert_array_equal(there[5, 5], scan[5, 5])
            self.assertEqual(cepman.open(path, scan_rows=6).shape[:2], (6, 20))
            with self.assertRaisesRegex(cepman.Error, "nothing.npy"):
                cepman.open(os.path.join(folder, "nothing.npy"))

    def test_views(self):
        scan, truth = twins()
        self.assertAlmostEqual(scan.calibrated(2.5, 0.1).reciprocal_pixel, 0.1)
        image = scan.virtual_image((16, 16), 0, 100)
        np.testing.assert_allclose(image, scan[:].sum(axis=(1, 2)).reshape(12, 10))
        mask = np.zeros((32, 32), bool)
        mask[16] = True
        np.testing.assert_allclose(scan.masked(mask).virtual_image((16, 16), 0, 100),
                                   np.delete(scan[:], 16, axis=1).sum(axis=(1, 2)).reshape(12, 10))
        means = scan.cluster_means(truth)
        np.testing.assert_allclose(means[1], scan[:][truth.ravel() == 1].mean(axis=0), rtol=1e-5)
        with self.assertRaises(ValueError):
            scan.masked(mask[:5])

    def test_images_of_a_scan(self):
        scan, _ = twins()
        whole = scan[:].astype(float)
        mean, deviation, maximum = scan.statistics()
        np.testing.assert_allclose(mean, whole.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(deviation, whole.std(axis=0), rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(maximum, whole.max(axis=0))
        y, x, radius = scan.beam()
        self.assertTrue(abs(y - 16) < 2 and abs(x - 16) < 2 and radius > 0)
        np.testing.assert_allclose(scan.beam(120), (y, x, radius))
        rows, _ = scan.centre_of_mass()
        weights = whole.sum(axis=2)
        np.testing.assert_allclose(rows.ravel(), weights @ np.arange(32) / weights.sum(axis=1), rtol=1e-5)
        part = scan.region(2, 3, 4, 5)
        np.testing.assert_array_equal(part[1, 2], scan[3, 5])
        np.testing.assert_array_equal(scan.detector(4, 6, 8, 9)[7], scan[7][4:12, 6:15])
        np.testing.assert_array_equal(scan.binned(2)[0], scan[0].reshape(16, 2, 16, 2).sum(axis=(1, 3)))
        self.assertIsNone(scan.mask)
        self.assertEqual(scan.masked(np.eye(32)).mask.sum(), 32)
        kept = cepman.wrap(whole.astype(np.float32)).region(0, 0, 1, 5)  # the frames have no other owner
        gc.collect()
        np.testing.assert_array_equal(kept[4], whole[4])

    def test_bad_pixels(self):
        scan, _ = twins(hot_pixels=0.01)
        kinds, values = scan.bad_pixels()
        self.assertGreater((kinds == 1).sum(), 0)
        self.assertEqual(values["nan"], 0)
        self.assertEqual(scan.masked(kinds).mask.sum(), (kinds > 0).sum())
        self.assertEqual(scan.centred().shape, scan.shape)

    def test_emd(self):
        scan, truth = twins()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scan.h5")
            try:
                scan.write_emd(path, labels=truth, scores=np.zeros((12, 10, 3)), list=np.arange(4))
            except cepman.Error as e:
                self.assertIn("HDF5", str(e))
                self.skipTest("a library without HDF5")
            np.testing.assert_array_equal(cepman.open(path)[:], scan[:])

    def test_arrays_keep_what_they_show(self):
        scan, _ = twins()
        features = cepman.Cepstrum().fit_transform(scan)
        copy = features.copy()
        del scan
        gc.collect()
        [np.ones(100_000) for _ in range(20)]
        np.testing.assert_array_equal(features, copy)
        self.assertFalse(features.flags.writeable)


class Chain(unittest.TestCase):
    def setUp(self):
        self.scan, self.truth = twins()
        self.features = cepman.Cepstrum(ring_in=2).fit_transform(self.scan)

    def test_cepstrum(self):
        transform = cepman.Cepstrum(ring_in=2, scale="none", offset=1, window="none", subtract="none").fit(self.scan)
        row = transform.transform(self.scan)[17].astype(float)
        plane = np.fft.fftshift(np.abs(np.fft.fft2(np.log(self.scan[17] + 1.0))))
        y, x = transform.coordinates_.T
        np.testing.assert_allclose(row, plane[16 + y, 16 + x], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(transform.images(self.scan)[17], plane, rtol=1e-4, atol=1e-3)
        array = cepman.Cepstrum(ring_in=2).fit_transform(self.scan[:].reshape(self.scan.shape))
        np.testing.assert_array_equal(array, self.features)

    def test_pca(self):
        pca = cepman.PCA(components=4)
        scores = pca.fit_transform(self.features)
        centred = self.features.astype(float) - self.features.mean(axis=0, dtype=float)
        singular = np.linalg.svd(centred, compute_uv=False)
        np.testing.assert_allclose(pca.explained_variance_, singular[:4] ** 2 / 119, rtol=1e-4)
        np.testing.assert_allclose(scores, centred @ pca.components_.T, atol=1e-5)
        self.assertEqual(pca.inverse_transform(scores).shape, self.features.shape)

    def test_pca_of_blocks(self):
        parts = cepman.PCA(components=4)
        for block in np.array_split(self.features, 3):
            parts.partial_fit(block)
        parts.finish()
        whole = cepman.PCA(components=4).fit(self.features)
        np.testing.assert_allclose(parts.explained_variance_, whole.explained_variance_, rtol=1e-4)
        with self.assertRaisesRegex(ValueError, "after partial_fit"):
            parts.finish()
        with self.assertRaisesRegex(ValueError, "5 features"):
            parts.partial_fit(self.features).partial_fit(self.features[:, :5])

    def test_files_of_features(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "features.npy")
            cepman.Cepstrum(ring_in=2).fit(self.scan).transform_file(self.scan, path)
            np.testing.assert_array_equal(np.load(path), self.features)

    def test_vae(self):
        coder = cepman.VAE(dims=2, hidden_1=16, hidden_2=8, epochs=3)
        latent = coder.fit_transform(self.features)
        self.assertEqual((latent.shape, coder.reconstruction_.shape), ((120, 2), (3,)))
        np.testing.assert_allclose(coder.transform(self.features), latent, atol=1e-4)
        self.assertEqual(coder.inverse_transform(latent).shape, self.features.shape)

    def test_models_of_new_rows(self):
        manifold = cepman.UMAP(dims=2, epochs=50).fit(self.features)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            manifold.save(path)
            again = cepman.UMAP.load(path)
        np.testing.assert_array_equal(again.embedding_, manifold.embedding_)
        np.testing.assert_array_equal(again.transform(self.features[:7]), manifold.embedding_[:7])
        starts, columns, weights = manifold.graph_
        self.assertEqual((starts[-1], len(starts)), (len(columns), 121))
        self.assertTrue(((weights > 0) & (weights <= 1)).all())
        graph = cepman.NearestNeighbors(k=14).fit(self.features)
        np.testing.assert_array_equal(cepman.UMAP(dims=2, epochs=50).fit(self.features, graph=graph).embedding_,
                                      manifold.embedding_)
        apart = cepman.UMAP(dims=2, epochs=50).fit(self.features, y=np.arange(120) % 2, init=None).embedding_
        self.assertFalse(np.array_equal(apart, manifold.embedding_))
        distances, indices = graph.kneighbors(self.features[10:12])
        np.testing.assert_array_equal(indices[:, 0], [10, 11])
        np.testing.assert_array_equal(distances[:, 0], 0)

        islands = cepman.HDBSCAN(min_cluster_size=10).fit(manifold.embedding_)
        found, sure = islands.predict(manifold.embedding_, probabilities=True)
        np.testing.assert_array_equal(found, islands.labels_)
        np.testing.assert_allclose(sure, islands.probabilities_)
        self.assertEqual(islands.membership().shape, (120, islands.labels_.max() + 1))
        self.assertEqual(islands.single_linkage_.shape, (119, 4))
        self.assertEqual(islands.cut(1e9).max(), 0)
        self.assertTrue(islands.exemplars_.any() and -1 <= islands.relative_validity() <= 1)
        apart = np.sqrt(((manifold.embedding_[:, None] - manifold.embedding_[None]) ** 2).sum(-1, dtype=float))
        same = cepman.HDBSCAN(min_cluster_size=10).fit(None, distances=apart)
        self.assertEqual(cepman.adjusted_rand_score(same.labels_, islands.labels_), 1)
        with self.assertRaisesRegex(ValueError, "fit of rows"):
            same.predict(manifold.embedding_)
        near = cepman.HDBSCAN(min_cluster_size=10).fit(None, graph=cepman.NearestNeighbors(k=60).fit(manifold.embedding_))
        self.assertEqual(len(near.labels_), 120)

    def test_soft_and_streamed_clusters(self):
        scores = cepman.PCA(components=3).fit_transform(self.features)
        soft = cepman.GaussianMixture(k=3).fit(scores)
        np.testing.assert_array_equal(soft.predict(scores), soft.labels_)
        np.testing.assert_allclose(soft.predict_proba(scores).sum(axis=1), 1)
        np.testing.assert_allclose(soft.score_samples(scores).mean(), soft.lower_bound_, rtol=1e-2)
        self.assertEqual((soft.covariances_.shape, soft.responsibilities_.shape), ((3, 3, 3), (120, 3)))
        stream = cepman.MiniBatchKMeans(k=3)
        with self.assertRaisesRegex(ValueError, "not fitted"):
            stream.predict(scores)
        for block in np.array_split(scores, 4):
            stream.partial_fit(block, sample_weight=np.ones(len(block)))
        self.assertEqual((stream.cluster_centers_.shape, stream.predict(scores).shape), ((3, 3), (120,)))

    def test_rounds(self):
        scores = cepman.PCA(components=3).fit_transform(self.features)
        tree = cepman.Hierarchy(self.scan.scan_shape).split("/", X=scores, k=3)
        self.assertEqual(list(tree.nodes()), ["/", "0", "1", "2"])
        self.assertIn("k=3", tree.nodes()["/"]["parameters"])
        members = tree.members("1")
        np.testing.assert_array_equal(np.flatnonzero(tree.labels().ravel() == 1), members)
        tree.split("1", X=scores[members], method="mixture", k=2).split("0", method="connected", least=1)
        self.assertEqual(tree.labels(1).max(), 2)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rounds.cepmtree")
            tree.save(path)
            self.assertEqual(cepman.Hierarchy.load(path).nodes(), tree.nodes())
        self.assertEqual(list(tree.prune("0").prune("1").merge("0", "1").nodes()), ["/", "0", "2"])
        tree.prune("/").split("/", labels=np.where(np.arange(120) < 5, -1, np.arange(120) % 2)).assign_noise("noise", scores)
        self.assertEqual(tree.labels().min(), 0)
        with self.assertRaisesRegex(cepman.Error, "9"):
            tree.members("9")

    def test_neighbors(self):
        found = cepman.NearestNeighbors(k=5).fit(self.features)
        apart = ((self.features[:, None] - self.features[None]) ** 2).sum(-1)
        np.fill_diagonal(apart, np.inf)
        np.testing.assert_allclose(found.distances_, np.sqrt(np.sort(apart, axis=1)[:, :5]), rtol=1e-3)
        self.assertEqual(found.recall_, 1)

    def test_clusters(self):
        embedding = cepman.UMAP(dims=2, epochs=50).fit_transform(self.features)
        self.assertEqual(embedding.shape, (120, 2))
        np.testing.assert_array_equal(embedding, cepman.UMAP(dims=2, epochs=50).fit_transform(self.features))
        model = cepman.KMeans(k=4).fit(embedding)
        np.testing.assert_array_equal(model.predict(embedding), model.labels_)
        given = cepman.KMeans().fit(embedding, init=model.cluster_centers_, sample_weight=np.ones(120))
        self.assertAlmostEqual(given.inertia_, model.inertia_, places=3)
        islands = cepman.HDBSCAN(min_cluster_size=10).fit(embedding)
        self.assertEqual(len(islands.probabilities_), 120)
        self.assertEqual(len(islands.cluster_persistence_), islands.labels_.max() + 1)
        whole = islands.labels_.copy()
        leaves = islands.extract(selection="leaf").labels_.max()
        self.assertGreaterEqual(leaves, whole.max())
        np.testing.assert_array_equal(islands.extract(selection="eom").labels_, whole)
        with self.assertRaises(TypeError):
            islands.extract(min_samples=3)

    def test_scores(self):
        found = cepman.KMeans(k=4).fit_predict(self.features)
        self.assertEqual(cepman.adjusted_rand_score(found, found), 1)
        self.assertEqual(cepman.accuracy_score([0, 0, 1, -1], [5, 5, 2, 0]), 1)
        self.assertAlmostEqual(cepman.adjusted_mutual_info_score(found, found), 1)
        for score in (cepman.silhouette_score, cepman.simplified_silhouette_score, cepman.calinski_harabasz_score,
                      cepman.davies_bouldin_score):
            self.assertTrue(np.isfinite(score(self.features, found)))
        self.assertGreater(cepman.inertia_score(self.features, found), 0)
        self.assertTrue(-1 <= cepman.dbcv_score(self.features, found) <= 1)
        self.assertEqual(len(cepman.gap_score(self.features, found)), 2)
        self.assertEqual(cepman.agreement_score([found, found, found]), 1)
        self.assertLessEqual(cepman.stability_score(self.features, runs=3, k=2), 1)
        fine = found.reshape(self.scan.scan_shape)
        pca = cepman.PCA(components=6).fit(self.features)
        sharp = cepman.sharpen(pca.transform(self.features), pca, (12, 10))
        self.assertEqual(sharp.shape, (120, 6))
        self.assertEqual(cepman.domains(sharp, (12, 10)).shape, (12, 10))
        self.assertEqual(cepman.sharpen(pca.transform(self.features), pca, power=2).shape, (120, 6))
        self.assertEqual(cepman.consensus(fine, fine, self.features[:, :5], interior=0).shape, fine.shape)

    @unittest.skipIf(sklearn is None, "scikit-learn is not installed")
    def test_in_scikit_learn(self):
        again = sklearn.base.clone(cepman.KMeans(k=3, tol=1e-3))
        self.assertEqual(again.get_params(), {"k": 3, "tol": 1e-3})
        chain = sklearn.pipeline.make_pipeline(cepman.PCA(components=3), cepman.KMeans(k=2))
        self.assertEqual(chain.fit(self.features)[-1].labels_.max(), 1)


class Errors(unittest.TestCase):
    def test_parameters(self):
        with self.assertRaisesRegex(cepman.Error, "min-dist"):
            cepman.UMAP(min_dist=-1)
        with self.assertRaisesRegex(TypeError, "n_neighbours"):
            cepman.UMAP(n_neighbours=3)
        with self.assertRaisesRegex(ValueError, "not fitted"):
            cepman.PCA().transform(np.zeros((2, 2)))
        with self.assertRaisesRegex(ValueError, "two axes"):
            cepman.PCA().fit(np.zeros(5))
        with self.assertRaisesRegex(ValueError, "integers"):
            cepman.accuracy_score([0.5], [0])
        with self.assertRaisesRegex(cepman.Error, "row 1"):
            cepman.KMeans(k=1).fit([[0.0, 1.0], [np.nan, 0.0]])
        self.assertIn("min_dist (0.1)", cepman.UMAP.__doc__)
        self.assertEqual(repr(cepman.KMeans(k=3)), "KMeans(k=3)")

    def test_memory_limit(self):
        cepman.set_memory_limit(1)
        try:
            with self.assertRaises(cepman.Error):
                twins()
        finally:
            cepman.set_memory_limit(0)

    def test_progress(self):
        seen = []
        cepman.set_progress(lambda stage, done, total: seen.append((stage, done, total)))
        try:
            cepman.UMAP(epochs=5).fit(np.random.default_rng(1).normal(size=(200, 5)))
            self.assertIn("layout", {stage for stage, _, _ in seen})

            def broken(*_):
                raise ZeroDivisionError
            cepman.set_progress(broken)
            with self.assertRaises(ZeroDivisionError):
                cepman.UMAP(epochs=5000).fit(np.random.default_rng(1).normal(size=(2000, 5)))
        finally:
            cepman.set_progress(None)

    def test_interrupt(self):
        def press():
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)
        presser = threading.Thread(target=press)
        presser.start()
        with self.assertRaises(KeyboardInterrupt):
            cepman.UMAP(epochs=1_000_000).fit(np.random.default_rng(1).normal(size=(5000, 5)))
        presser.join()
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_threads(self):
        data = np.random.default_rng(2).normal(size=(500, 8))
        expected = cepman.KMeans(k=5).fit_predict(data).copy()
        results = {}

        def work(i):
            cepman.set_threads(1)
            results[i] = cepman.KMeans(k=5).fit_predict(data)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        gc.collect()
        for i in range(4):
            np.testing.assert_array_equal(results[i], expected)


if __name__ == "__main__":
    unittest.main()
