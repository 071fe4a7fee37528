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
