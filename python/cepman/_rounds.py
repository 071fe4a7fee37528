"""The tree of rounds: a scan's points, split into clusters, which are split again."""
import ctypes
import os

import numpy as np

from . import _arrays as arrays
from ._library import context, library

_KINDS = "root", "cluster", "noise", "excluded"
_LEAVES = 2**(8 * np.dtype(np.uintp).itemsize) - 1


class Hierarchy:
    """Nodes are named by their paths: "/" is the root, "0/2" a grandchild, "0/noise" its noise.

    `scan_shape` (rows, columns), or a number of points that are no scan.
    """

    def __init__(self, scan_shape):
        shape = tuple(np.atleast_1d(scan_shape).tolist())
        self.scan_shape = shape
        self._tree = context.make("hierarchy_create", int(np.prod(shape)), *(shape if len(shape) == 2 else (0, 0)))

    @classmethod
    def load(cls, path):
        tree = cls.__new__(cls)
        tree._tree = context.make("hierarchy_load", os.fsencode(path))
        rows = library.cepman_hierarchy_rows(tree._tree)
        tree.scan_shape = ((rows, library.cepman_hierarchy_columns(tree._tree)) if rows
                           else (library.cepman_hierarchy_points(tree._tree),))
        return tree

    def save(self, path):
        self._call("save", os.fsencode(path))

    def _call(self, name, *arguments):
        context.call(getattr(library, "cepman_hierarchy_" + name), self._tree, context.pointer, *arguments)

    def _node(self, path):
        node = np.zeros(1, np.uint64)
        self._call("find", path.encode(), node.ctypes.data)
        return int(node[0])

    def _path(self, node):
        size = library.cepman_hierarchy_path(self._tree, node, None, 0) + 1
        text = ctypes.create_string_buffer(size)
        library.cepman_hierarchy_path(self._tree, node, text, size)
        return text.value.decode()

    def nodes(self):
        """Every node in preorder: {path: {kind, size, method, parameters, scores}}."""
        found = {}
        for i in range(library.cepman_hierarchy_nodes(self._tree)):
            node = library.cepman_hierarchy_node(self._tree, i)
            names = [library.cepman_hierarchy_score_name(self._tree, node, s)
                     for s in range(library.cepman_hierarchy_scores(self._tree, node))]
            found[self._path(node)] = {
                "kind": _KINDS[library.cepman_hierarchy_kind(self._tree, node)],
                "size": library.cepman_hierarchy_size(self._tree, node),
                "method": (library.cepman_hierarchy_method(self._tree, node) or b"").decode(),
                "parameters": (library.cepman_hierarchy_parameters(self._tree, node) or b"").decode(),
                "scores": {n.decode(): library.cepman_hierarchy_score(self._tree, node, n) for n in names}}
        return found

    def members(self, path="/"):
        """The numbers of a node's points, ascending."""
        node = self._node(path)
        points = np.empty(library.cepman_hierarchy_size(self._tree, node), np.uintp)
        context.call(library.cepman_hierarchy_members, points.ctypes.data, context.pointer, self._tree, node)
        return points

    def split(self, path, labels=None, X=None, method="kmeans", **parameters):
        """Splits a node by labels, or its rows X (of its members, or of all points) by kmeans, mixture or hdbscan, or, with method
        "connected", by connectivity on the scan (neighbours=8, least=1)."""
        node = self._node(path)
        if labels is not None:
            self._call("split", node, arrays.labels(labels), None, None, 0)
        elif method == "connected":
            self._call("split_connected", node, parameters.pop("neighbours", 8), parameters.pop("least", 1))
            if parameters:
                raise TypeError(f"connected has no parameter {next(iter(parameters))!r}")
        elif method in ("kmeans", "mixture"):
            self._call("split_" + method, node, arrays.matrix(X), arrays.options(method, parameters))
        elif method == "hdbscan":
            of_tree = {n: v for n, v in parameters.items() if n in arrays.table("hdbscan_tree")}
            rest = {n: v for n, v in parameters.items() if n not in of_tree}
            self._call("split_hdbscan", node, arrays.matrix(X), arrays.options("hdbscan_tree", of_tree),
                       arrays.options("hdbscan", rest))
        else:
            raise ValueError(f"method {method!r}, expected kmeans, mixture, hdbscan or connected")
        return self

    def merge(self, *paths):
        """Siblings become one leaf."""
        nodes = np.array([self._node(path) for path in paths], np.uint64)
        self._call("merge", nodes.ctypes.data, len(nodes))
        return self

    def prune(self, path):
        """What is below a node goes."""
        self._call("prune", self._node(path))
        return self

    def assign_noise(self, path, X):
        """The points of a noise node go to the clusters of their nearest neighbours in X."""
        self._call("assign_noise", self._node(path), arrays.matrix(X))
        return self

    def labels(self, depth=None):
        """Of scan_shape: the clusters at a depth, or at the leaves; -1 is noise."""
        made = context.make("hierarchy_labels", self._tree, _LEAVES if depth is None else depth)
        return arrays.labels_array(made).reshape(self.scan_shape)
