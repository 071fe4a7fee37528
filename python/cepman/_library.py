"""The C ABI of libcepman through ctypes: finding the library, declaring what is called, failures as exceptions.

One context per Python thread, made when it is first needed, as a context serves one thread at a time.
"""
import ctypes
import ctypes.util
import os
import signal
import threading

from ._prototypes import PROTOTYPES

SONAME = "libcepman.so.1"

c_int, c_size, c_double, c_char_p = ctypes.c_int, ctypes.c_size_t, ctypes.c_double, ctypes.c_char_p
handle = ctypes.c_void_p

CANCEL = ctypes.CFUNCTYPE(c_int, handle)
PROGRESS = ctypes.CFUNCTYPE(None, handle, c_char_p, ctypes.c_uint64, ctypes.c_uint64)


class Error(RuntimeError):
    """A failure of the library: its sentence, and `status`, the number of cepman/status.h."""

    def __init__(self, sentence, status):
        super().__init__(sentence)
        self.status = status


def _open():
    named = os.environ.get("CEPMAN_LIBRARY")
    tried = [named] if named else [SONAME, ctypes.util.find_library("cepman")]
    for name in filter(None, tried):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ImportError(f"libcepman was not found (tried {', '.join(filter(None, tried))}); install it, or set CEPMAN_LIBRARY to "
                      "the path of its shared library")


library = _open()

_LETTERS = {"v": None, "i": c_int, "u": ctypes.c_uint, "z": c_size, "d": c_double, "q": ctypes.c_int64, "Q": ctypes.c_uint64,
            "s": c_char_p, "p": handle}
# What a function makes: "umap_fit" a "umap".
KINDS = {}
for _name, _letters in PROTOTYPES.items():
    _letters, _, _made = _letters.partition(" ")
    _function = getattr(library, _name, None)
    if _function is None:  # an older library: calls of what it lacks fail when they are made
        continue
    _function.restype, _function.argtypes = _LETTERS[_letters[0]], [_LETTERS[_l] for _l in _letters[1:]]
    if _made:
        KINDS[_name[len("cepman_"):]] = _made


class Handle:
    """One reference to a handle of the library; `keep` holds the arrays it borrows."""

    __slots__ = ("_as_parameter_", "kind", "keep", "__weakref__")

    def __init__(self, kind, pointer, keep=None):
        self.kind, self.keep = kind, keep
        self._as_parameter_ = pointer if isinstance(pointer, handle) else handle(pointer)

    def __del__(self):
        if library is not None:
            getattr(library, f"cepman_{self.kind}_unref")(self._as_parameter_)


class Context(threading.local):
    """The calling thread's context, and what its callbacks have to say."""

    def __init__(self):
        self._thrown = None
        self._progress = None
        made = handle()
        status = library.cepman_context_create(ctypes.byref(made), None)
        if status:
            raise Error(library.cepman_status_text(status).decode(), status)
        self.pointer = Handle("context", made)
        # Kept: the library calls them for as long as the context lives.
        self._poll = CANCEL(self._on_poll)
        self._report = PROGRESS(self._on_progress)
        self.call(library.cepman_context_set_cancel, self.pointer, self._poll, None)
        self.call(library.cepman_context_set_threads, self.pointer, 0)

    def _on_poll(self, _):
        return self._thrown is not None

    def _on_progress(self, _, stage, done, total):
        try:
            self._progress(stage.decode(), done, total)
        except BaseException as exception:
            self._thrown = exception

    def _on_signal(self, number, frame):
        # An exception raised here would be lost between Python and C: the next poll ends the call instead.
        self._thrown = KeyboardInterrupt()

    def set_progress(self, function):
        self.call(library.cepman_context_set_progress, self.pointer, self._report if function else PROGRESS(), None)
        self._progress = function

    def call(self, function, *arguments):
        """Calls a function that returns a status; Ctrl-C stops it; a failure is an exception."""
        mine = (threading.current_thread() is threading.main_thread() and
                signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        if mine:
            signal.signal(signal.SIGINT, self._on_signal)
        try:
            status = function(*arguments)
        finally:
            if mine:
                signal.signal(signal.SIGINT, signal.default_int_handler)
        thrown, self._thrown = self._thrown, None
        if thrown is not None:
            raise thrown
        if status:
            sentence = library.cepman_context_error(self.pointer).decode(errors="replace")
            raise Error(sentence or library.cepman_status_text(status).decode(), status)

    def make(self, name, *arguments):
        """Calls cepman_NAME(&out, context, ...) and owns what it makes."""
        out = handle()
        try:
            self.call(getattr(library, "cepman_" + name), ctypes.byref(out), self.pointer, *arguments)
        finally:
            made = Handle(KINDS[name], out) if out else None
        return made


context = Context()
