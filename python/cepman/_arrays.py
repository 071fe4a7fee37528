"""Arrays to handles and back, options, and datasets."""
import ctypes
import os

import numpy as np

from ._library import Handle, context, library

# The values of cepman_type.
TYPES = {1: np.uint8, 2: np.int8, 3: np.uint16, 4: np.int16, 5: np.uint32, 6: np.int32, 7: np.float32, 8: np.float64,
         9: np.bool_, 10: np.int64, 11: np.float16}
_NUMBERS = {np.dtype(t): n for n, t in TYPES.items()}


class _View:
    """What NumPy needs to see memory of a handle; an array made of it keeps the handle."""

    def __init__(self, owner, pointer, shape, strides, dtype):
        self.owner = owner
        self.__array_interface__ = {"version": 3, "shape": shape, "strides": strides, "typestr": np.dtype(dtype).str,
                                    "data": (pointer or 0, True)}


def view(owner, pointer, shape, dtype, strides=None):
    """A read-only array over memory that belongs to the handle `owner`."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.asarray(_View(owner, pointer, shape, strides, dtype))


def rows(data):
    """Packed rows of float32, copied only when they are something else."""
    packed = np.ascontiguousarray(data, np.float32)
    if packed.ndim != 2:
        raise ValueError(f"expected rows of features, an array of two axes, got shape {packed.shape}")
    return packed


def matrix(data):
    """A handle to rows of float32; nothing is copied when they are that already, in C order."""
    packed = rows(data)
    made = context.make("matrix_wrap", packed.ctypes.data, packed.shape[0], packed.shape[1], packed.shape[1], None, None)
    made.keep = packed
    return made


def array(made):
    """The rows of a matrix handle."""
    stride = ctypes.c_size_t()
    data = library.cepman_matrix_data(made, ctypes.byref(stride))
    shape = library.cepman_matrix_rows(made), library.cepman_matrix_columns(made)
    return view(made, data, shape, np.float32, (4 * stride.value, 4))


def shared(kind, pointer):
    """A reference of our own to a handle that belongs to another one."""
    return Handle(kind, getattr(library, f"cepman_{kind}_ref")(pointer))


def labels(values):
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.dtype.kind not in "iub":
        raise ValueError(f"labels must be integers, got {flat.dtype}")
    if flat.size and (flat.min() < -2**31 or flat.max() >= 2**31):
        raise ValueError("labels must fit 32 bits")
    flat = np.ascontiguousarray(flat, np.int32)
    return context.make("labels_copy", flat.ctypes.data, flat.size)


def labels_array(made):
    return view(made, library.cepman_labels_data(made), (library.cepman_labels_count(made),), np.int32)


def text_of(value):
    """A parameter as the library's tables read it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def options(kind, values):
    """A handle to the options of a stage, with those of `values` (names with _) set."""
    made = context.make(f"{kind}_options_create")
    for name, value in values.items():
        context.call(library.cepman_options_parse, made, context.pointer, name.replace("_", "-").encode(),
                     text_of(value).encode())
    return made


def table(kind):
    """The option table of a stage: {name with _: (default as text, help)}."""
    made = context.make(f"{kind}_options_create")
    rows = {}
    for i in range(library.cepman_options_count(made)):
        text = ctypes.create_string_buffer(200)
        library.cepman_options_format(made, i, text, len(text))
        rows[library.cepman_options_name(made, i).decode().replace("-", "_")] = (
            text.value.decode(), library.cepman_options_help(made, i).decode())
    return rows


class Dataset:
    """A scan of frames. `scan[i]`, `scan[r, c]`, `scan[a:b]` read frames in their own type; nothing else is in memory."""

    def __init__(self, made):
        self._handle = made
        size = {name: getattr(library, f"cepman_dataset_{name}")(made)
                for name in ("scan_rows", "scan_columns", "height", "width")}
        self.scan_shape = size["scan_rows"], size["scan_columns"]
        self.frame_shape = size["height"], size["width"]
        self.dtype = np.dtype(TYPES.get(library.cepman_dataset_type(made), np.float32))
        self._known = library.cepman_dataset_type(made) in TYPES
        if not library.cepman_dataset_has_scan(made):
            self.scan_shape = size["scan_columns"],

    @property
    def shape(self):
        return self.scan_shape + self.frame_shape

    @property
    def format(self):
        return library.cepman_dataset_format(self._handle).decode()

    @property
    def available(self):
        """Frames that can be read now; a file that is still being written has more later."""
        return library.cepman_dataset_available(self._handle)

    @property
    def scan_step(self):
        """Nanometres between scan points, NaN when unknown."""
        return library.cepman_dataset_scan_step(self._handle)

    @property
    def reciprocal_pixel(self):
        """1/angstrom of a detector pixel, NaN when unknown."""
        return library.cepman_dataset_reciprocal_pixel(self._handle)

    def __len__(self):
        return int(np.prod(self.scan_shape))

    def __repr__(self):
        return f"<cepman.Dataset {self.format} {self.shape} {self.dtype}>"

    def read(self, first, count):
        """Frames first .. first + count - 1 of the scan in row-major order."""
        if not 0 <= first <= first + count <= len(self):
            raise IndexError(f"frames {first} to {first + count} of {len(self)}")
        frames = np.empty((count, *self.frame_shape), self.dtype)
        read = library.cepman_dataset_read if self._known else library.cepman_dataset_read_f32
        size = frames.nbytes if self._known else frames.size
        context.call(read, self._handle, context.pointer, first, count, frames.ctypes.data, size)
        return frames

    def __getitem__(self, index):
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                raise IndexError("slices of a dataset have step 1")
            return self.read(first, max(last - first, 0))
        place = np.atleast_1d(index)
        if place.size == 1 and len(self.scan_shape) >= 1:
            frame = int(place[0])
            frame += len(self) if frame < 0 else 0
        elif place.size == len(self.scan_shape):
            frame = int(np.ravel_multi_index([int(p) + (n if p < 0 else 0) for p, n in zip(place, self.scan_shape)],
                                             self.scan_shape))
        else:
            raise IndexError(f"a frame is named by its number or its place in {self.scan_shape}")
        if not 0 <= frame < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return self.read(frame, 1)[0]

    def masked(self, mask):
        """The same frames with bad pixels where the mask (frame_shape) is not zero."""
        bad = np.ascontiguousarray(np.asarray(mask) != 0, np.uint8)
        if bad.shape != self.frame_shape:
            raise ValueError(f"the mask has shape {bad.shape}, frames {self.frame_shape}")
        return self._view("masked", bad.ctypes.data)

    def calibrated(self, scan_step=float("nan"), reciprocal_pixel=float("nan")):
        """The same frames with other calibrations: nanometres between scan points, 1/angstrom a pixel."""
        return self._view("calibrated", scan_step, reciprocal_pixel)

    def _view(self, name, *arguments):
        made = Dataset(context.make("dataset_view_" + name, self._handle, *arguments))
        made._handle.keep = self  # frames in memory are borrowed
        return made

    def centred(self):
        """Every frame moved by whole pixels to its direct beam."""
        return self._view("centred")

    def bad_pixels(self, **parameters):
        """(kinds, values): what is wrong with each pixel (frame_shape: 0 good, 1 hot, 2 dead, 3 stuck, 4 flickering; a mask), and how
        many values are {"nan", "infinite", "negative", "saturated"}. parameters: the options of the stage pixels."""
        made = context.make("maps_pixels", self._handle, options("pixels", parameters))
        kinds = view(made, library.cepman_pixels_kinds(made), self.frame_shape, np.uint8)
        names = "nan", "infinite", "negative", "saturated"
        return kinds, {name: library.cepman_pixels_values(made, kind) for kind, name in enumerate(names)}

    def region(self, first_row, first_column, rows, columns):
        """A rectangle of the scan."""
        return self._view("scan", first_row, first_column, rows, columns)

    def detector(self, first_row, first_column, height, width):
        """A rectangle of every frame."""
        return self._view("detector", first_row, first_column, height, width)

    def binned(self, factor):
        """Sums of factor x factor pixels."""
        return self._view("binned", factor)

    @property
    def mask(self):
        """Bad pixels, of frame_shape; None without a mask."""
        bytes_ = library.cepman_dataset_mask(self._handle)
        return view(self._handle, bytes_, self.frame_shape, np.uint8).astype(bool) if bytes_ else None

    def statistics(self):
        """Mean, standard deviation and maximum of all frames, each of frame_shape."""
        images = [np.empty(self.frame_shape, np.float32) for _ in range(3)]
        context.call(library.cepman_maps_statistics, *(i.ctypes.data for i in images), context.pointer, self._handle)
        return tuple(images)

    def beam(self, frames=None):
        """(y, x, radius) of the direct beam in the mean of all frames, or of so many that are spread over the scan."""
        place = np.empty(3)
        name, more = ("beam", ()) if frames is None else ("beam_sampled", (frames,))
        context.call(getattr(library, "cepman_maps_" + name), *(place.ctypes.data + 8 * i for i in range(3)), context.pointer,
                     self._handle, *more)
        return tuple(place.tolist())

    def centre_of_mass(self):
        """(y, x) of each frame in pixels, each of scan_shape."""
        y, x = np.empty(self.scan_shape, np.float32), np.empty(self.scan_shape, np.float32)
        context.call(library.cepman_maps_centre_of_mass, y.ctypes.data, x.ctypes.data, context.pointer, self._handle)
        return y, x

    def write_emd(self, path, **more):
        """EMD 1.0 (HDF5) for py4DSTEM and HyperSpy: the frames, and arrays over the scan (labels=...) beside them."""
        writer = context.make("emd_writer_create", os.fsencode(path), self._handle)
        context.call(library.cepman_emd_writer_frames, writer, context.pointer)
        for name, values in more.items():
            data = np.ascontiguousarray(values)
            if data.dtype not in _NUMBERS:
                raise ValueError(f"{name} of type {data.dtype} is not supported")
            axes = "yx" + "n" * (data.ndim - 2) if data.shape[:2] == self.scan_shape else "n" * data.ndim
            shape = (ctypes.c_size_t * data.ndim)(*data.shape)
            context.call(library.cepman_emd_writer_array, writer, context.pointer, name.encode(), _NUMBERS[data.dtype],
                         axes.encode(), shape, data.ctypes.data)
        context.call(library.cepman_emd_writer_commit, writer, context.pointer)

    def virtual_image(self, centre, inner, outer):
        """Sums of the pixels at inner <= r < outer around centre (y, x), of scan_shape; NaN for frames yet to come."""
        out = np.empty(self.scan_shape, np.float32)
        context.call(library.cepman_maps_virtual, out.ctypes.data, context.pointer, self._handle, *centre, inner, outer)
        return out

    def cluster_means(self, labelled):
        """Mean frame of each cluster, and in the last place that of the noise: (clusters + 1, height, width)."""
        means = array(context.make("maps_cluster_means", self._handle, labels(labelled)))
        return means.reshape(-1, *self.frame_shape)


def open(path, **parameters):
    """Opens a file of frames, whatever its format; parameters: the options of the stage dataset (scan_rows=, ...)."""
    return Dataset(context.make("dataset_open", os.fsencode(path), options("dataset", parameters)))


def wrap(frames):
    """Frames in memory, (rows, columns, height, width) or (n, height, width), as a Dataset; not copied when in C order."""
    data = np.ascontiguousarray(frames)
    if data.ndim not in (3, 4):
        raise ValueError(f"expected an array of three or four axes, got shape {data.shape}")
    if data.dtype not in _NUMBERS:
        raise ValueError(f"frames of type {data.dtype} are not supported")
    scan = data.shape[:2] if data.ndim == 4 else (0, data.shape[0])
    made = context.make("dataset_wrap", data.ctypes.data, _NUMBERS[data.dtype], *scan, *data.shape[-2:], None, None)
    made.keep = data
    return Dataset(made)


def simulate(**parameters):
    """A simulated scan and its truth (scan_shape, -1 on walls); parameters: the options of the stage simulate."""
    scan, truth = ctypes.c_void_p(), ctypes.c_void_p()
    try:
        context.call(library.cepman_simulate, ctypes.byref(scan), ctypes.byref(truth), context.pointer,
                     options("simulate", parameters))
    finally:
        scan = Handle("dataset", scan) if scan else None
        truth = Handle("labels", truth) if truth else None
    made = Dataset(scan)
    return made, labels_array(truth).reshape(made.scan_shape)
