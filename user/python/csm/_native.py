# SPDX-License-Identifier: BSD-3-Clause
"""The functions of libcsm.h, and handles that no call uses when they are freed."""

from __future__ import annotations

import contextlib
import ctypes
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int, c_long, c_size_t, c_uint, \
    c_uint8, c_uint32, c_uint64, c_void_p
from types import TracebackType
from typing import Self

from ._errors import EAGAIN, EINTR, error_of

lib = ctypes.CDLL("libcsm.so.1")

SLICE = 250  # milliseconds that one call waits; Python looks at its signals between two


class Info(Structure):
    _fields_ = [("realm_id", c_uint64), ("csm_major", c_uint32), ("csm_minor", c_uint32),
                ("window_size", c_uint64), ("window_free", c_uint64),
                ("memory_limit", c_uint64), ("memory_used", c_uint64),
                ("regions", c_uint32), ("attachments", c_uint32),
                ("interrupt", c_bool), ("can_map", c_bool)]


class Entry(Structure):
    _fields_ = [("provider_id", c_uint64), ("region_id", c_uint64), ("size", c_uint64),
                ("label", c_uint64), ("permissions", c_uint), ("state", c_int),
                ("sealed", c_bool), ("any", c_bool), ("ending", c_bool)]


class Measurement(Structure):
    _fields_ = [("hash_bits", c_uint), ("value", c_uint8 * 64)]


class Policy(Structure):
    _fields_ = [("check_rim", c_bool), ("check_rpv", c_bool), ("check_rem", c_uint),
                ("hash_bits", c_uint), ("rim", c_uint8 * 64), ("rem", c_uint8 * 64),
                ("rpv", c_uint8 * 64)]


class Event(Structure):
    _fields_ = [("peer_id", c_uint64), ("bits", c_uint64)]


class Rpc(Structure):
    _fields_ = [("request", c_void_p), ("size", c_size_t), ("response", c_void_p),
                ("room", c_size_t), ("status", c_int)]


RPC_HANDLER = ctypes.CFUNCTYPE(c_long, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)

_OUT = POINTER(c_void_p)
_PROTOTYPES: dict[str, tuple[object, list[object]]] = {
    "csm_open": (c_int, [_OUT]),
    "csm_close": (None, [c_void_p]),
    "csm_id": (c_uint64, [c_void_p]),
    "csm_get_info": (c_int, [c_void_p, POINTER(Info)]),
    "csm_list": (c_int, [c_void_p, c_uint64, POINTER(c_uint64), POINTER(Entry)]),
    "csm_peer": (c_int, [c_void_p, c_uint64, c_uint, POINTER(Measurement)]),
    "csm_create": (c_int, [c_void_p, c_size_t, c_uint64, c_uint, _OUT]),
    "csm_attach": (c_int, [c_void_p, c_uint64, c_uint64, POINTER(Policy), c_uint, _OUT]),
    "csm_find": (c_int, [c_void_p, c_uint64, c_uint64, _OUT]),
    "csm_release": (None, [c_void_p]),
    "csm_end": (c_int, [c_void_p]),
    "csm_region_id": (c_uint64, [c_void_p]),
    "csm_provider_id": (c_uint64, [c_void_p]),
    "csm_size": (c_size_t, [c_void_p]),
    "csm_is_own": (c_bool, [c_void_p]),
    "csm_permissions": (c_uint, [c_void_p]),
    "csm_share": (c_int, [c_void_p, c_uint64, c_uint, POINTER(Policy)]),
    "csm_revoke": (c_int, [c_void_p, c_uint64]),
    "csm_seal": (c_int, [c_void_p]),
    "csm_digest": (c_int, [c_void_p, c_uint8 * 64]),
    "csm_set_persistent": (c_int, [c_void_p, c_bool]),
    "csm_map": (c_int, [c_void_p, c_uint, _OUT]),
    "csm_read": (c_int, [c_void_p, c_size_t, c_void_p, c_size_t]),
    "csm_write": (c_int, [c_void_p, c_size_t, c_void_p, c_size_t]),
    "csm_signal": (c_int, [c_void_p, c_uint64, c_uint64]),
    "csm_wait": (c_int, [c_void_p, c_int, POINTER(Event)]),
    "csm_fd": (c_int, [c_void_p]),
    "csm_channel_open": (c_int, [c_void_p, c_uint64, c_int, _OUT]),
    "csm_channel_close": (None, [c_void_p]),
    "csm_channel_max": (c_size_t, [c_void_p]),
    "csm_channel_is_taken": (c_int, [c_void_p]),
    "csm_channel_send": (c_int, [c_void_p, c_void_p, c_size_t, c_int]),
    "csm_channel_recv": (c_long, [c_void_p, c_void_p, c_size_t, c_int]),
    "csm_channel_shutdown": (c_int, [c_void_p]),
    "csm_rpc_max": (c_size_t, [c_void_p]),
    "csm_rpc_call": (c_long, [c_void_p, POINTER(Rpc), c_int]),
    "csm_rpc_serve": (c_int, [c_void_p, RPC_HANDLER, c_void_p, c_int]),
    "csm_label": (c_uint64, [c_char_p]),
    "csm_label_text": (None, [c_uint64, ctypes.c_char * 33]),
    "csm_strerror": (c_char_p, [c_int]),
}
for _name, (_result, _arguments) in _PROTOTYPES.items():
    _function = getattr(lib, _name)
    _function.restype, _function.argtypes = _result, _arguments


def check(result: int) -> int:
    """The result of a function of libcsm; raises its error if it is one."""
    if result < 0:
        raise error_of(result, lib.csm_strerror(result).decode())
    return result


def pointer_from(function: Callable[..., int], *arguments: object) -> int:
    """What a function of libcsm returns through its last argument."""
    out = c_void_p()
    check(function(*arguments, ctypes.byref(out)))
    return out.value or 0


def address_of(buffer: object) -> tuple[object, int]:
    """(what a call gets, bytes) of a bytes-like object; one that is read-only is copied."""
    if isinstance(buffer, bytes):
        return buffer, len(buffer)
    with memoryview(buffer) as view:  # type: ignore[arg-type]
        if view.readonly or not view.contiguous:
            data = view.tobytes()
            return data, len(data)
        return (ctypes.c_char * view.nbytes).from_buffer(view.cast("B")), view.nbytes


class Closing:
    """What is closed at the end of `with`; a garbage collector that gets there first warns."""

    _handle: Handle

    def close(self) -> None:
        """Frees what the object holds; a second call does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle and not handle.closed:
            warnings.warn(f"a csm.{type(self).__name__} was not closed", ResourceWarning,
                          source=self)
            self._collected()

    def _collected(self) -> None:
        """The end of an object that was not closed."""
        self._handle.close()


class Handle:
    """
    A pointer of libcsm. close() waits until no call uses it; the pointer of a parent is freed after
    those of its children. Any number of threads.
    """

    def __init__(self, pointer: int, free: Callable[[int], None], what: str,
                 parent: Handle | None = None) -> None:
        self._pointer, self._free, self._what, self._parent = pointer, free, what, parent
        self._change = threading.Condition()
        self._callers: list[int] = []  # threads that are in a call
        self._children = 0
        self.closed = False
        if parent:
            with parent._change:
                parent._children += 1

    @contextlib.contextmanager
    def use(self) -> Iterator[int]:
        """The pointer, for one call. ValueError: closed."""
        me = threading.get_ident()
        with self._change:
            if self.closed:
                raise ValueError(f"the {self._what} is closed")
            self._callers.append(me)
        try:
            yield self._pointer
        finally:
            with self._change:
                self._callers.remove(me)
                self._change.notify_all()

    def close(self) -> None:
        """Frees the pointer, once. RuntimeError: this thread is in a call on the same handle."""
        with self._change:
            if self.closed:
                return
            if threading.get_ident() in self._callers:
                raise RuntimeError(f"the {self._what} is in use by this thread")
            self.closed = True
            self._change.wait_for(lambda: not self._callers)
            last = self._children == 0
        if last:
            self._let_go()

    def _let_go(self) -> None:
        self._free(self._pointer)
        parent = self._parent
        if parent:
            with parent._change:
                parent._children -= 1
                last = parent.closed and parent._children == 0
            if last:
                parent._let_go()


class Deadline:
    """A timeout in seconds, None for no limit, as slices that the library waits for."""

    def __init__(self, timeout: float | None) -> None:
        self._at = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float | None:
        """Seconds, at least 0; None: no limit."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    def slice(self) -> int:
        """Milliseconds for one call; 0: the time is over."""
        left = self.left()
        return SLICE if left is None else min(SLICE, math.ceil(left * 1000))


def wait(handle: Handle, deadline: Deadline, attempt: Callable[[int, int], int],
         stop: Callable[[], bool] = lambda: False) -> int:
    """
    Calls attempt(pointer, milliseconds) until it returns something else than -EAGAIN or -EINTR, the
    time is over, or stop() is true. Python runs its signal handlers between two attempts.
    """
    while True:
        span = deadline.slice()
        with handle.use() as pointer:
            result = attempt(pointer, span)
        if result not in (-EAGAIN, -EINTR):
            return result
        if span == 0 or stop():
            return -EAGAIN
