# SPDX-License-Identifier: BSD-3-Clause
"""Channels: messages, requests and responses between two realms."""

from __future__ import annotations

import asyncio
import collections
import ctypes
import errno
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from . import _native
from ._errors import ClosedError, RemoteError, TimedOutError
from ._native import Deadline, Handle, address_of, check, lib

T = TypeVar("T")
CALL_SECONDS = 30.0


def _never() -> bool:
    return False


class Channel(_native.Closing):
    """
    Messages to and from one peer. Region.channel() makes one; use it in a `with` or `async with`
    statement, or call close(), which tells the peer. The region must stay open.

    Timeouts are in seconds; None: no limit. Errors of all calls: TimedOutError; ClosedError: the
    peer has closed the channel (when receiving: and all its messages have been received);
    EndedError: the sharing or the peer is gone; ProtocolError: the peer has violated the protocol.
    After the last three, that direction stays unusable.

    One thread sends while another receives; more threads wait for each other. The coroutines wait
    in threads of their own, one for each direction.
    """

    def __init__(self, handle: Handle, region: object) -> None:
        self._handle = handle
        self._region = region  # stays open
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._kept: collections.deque[bytes] = collections.deque()  # received, not yet delivered
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._room = self.max_size

    @property
    def max_size(self) -> int:
        """Size of the longest message, in bytes."""
        with self._handle.use() as channel:
            return lib.csm_channel_max(channel)

    @property
    def max_call_size(self) -> int:
        """Size of the longest request or response, in bytes."""
        with self._handle.use() as channel:
            return lib.csm_rpc_max(channel)

    def is_taken(self) -> bool:
        """Whether the peer has reported that it has taken every message sent."""
        with self._handle.use() as channel:
            return check(lib.csm_channel_is_taken(channel)) == 1

    def shutdown(self) -> None:
        """Ends sending. The peer still receives what was sent before."""
        with self._sending, self._handle.use() as channel:
            check(lib.csm_channel_shutdown(channel))

    # ---------------------------------------------------------------- messages

    def send(self, data: bytes | bytearray | memoryview, timeout: float | None = None) -> None:
        """Sends one message. EMSGSIZE: longer than max_size."""
        self._send(data, Deadline(timeout), _never)

    def recv(self, timeout: float | None = None) -> bytes:
        """The next message. One that a cancelled recv_async() has received comes first."""
        return self._recv(Deadline(timeout), _never)

    def __iter__(self) -> Iterator[bytes]:
        """Messages until the peer closes the channel."""
        while True:
            try:
                yield self.recv()
            except ClosedError:
                return

    def _send(self, data: bytes | bytearray | memoryview, deadline: Deadline,
              stop: Callable[[], bool]) -> None:
        source, size = address_of(data)
        with _held(self._sending, deadline):
            check(_native.wait(self._handle, deadline, lambda channel, milliseconds:
                               lib.csm_channel_send(channel, source, size, milliseconds), stop))

    def _recv(self, deadline: Deadline, stop: Callable[[], bool]) -> bytes:
        with _held(self._receiving, deadline):
            if self._kept:
                return self._kept.popleft()
            buffer = ctypes.create_string_buffer(min(self._room, 65536))
            while True:
                result = _native.wait(self._handle, deadline, lambda channel, milliseconds:
                                      lib.csm_channel_recv(channel, buffer, len(buffer),
                                                           milliseconds), stop)
                if result != -errno.EMSGSIZE or len(buffer) == self._room:
                    return buffer.raw[:check(result)]
                # The message stays in the channel: ask again, with room for any.
                buffer = ctypes.create_string_buffer(self._room)

    # ------------------------------------------------------ request and response

    def call(self, request: bytes | bytearray | memoryview,
             timeout: float | None = CALL_SECONDS) -> bytes:
        """
        Sends a request and returns the response. RemoteError: the peer's handler failed; EBUSY: the
        peer has sent a request too: call serve() next; EMSGSIZE: longer than max_call_size.
        Python's signal handlers run, and close() of another thread continues, when it returns.
        """
        deadline = Deadline(timeout)
        response = ctypes.create_string_buffer(self.max_call_size)
        with _held(self._sending, deadline), _held(self._receiving, deadline), \
                self._handle.use() as channel:
            source, size = address_of(request)
            keep = ctypes.c_char_p(source) if isinstance(source, bytes) else source
            raw = _native.Rpc(request=ctypes.cast(keep, ctypes.c_void_p), size=size,
                              response=ctypes.addressof(response), room=len(response))
            result = check(lib.csm_rpc_call(channel, raw, _milliseconds(deadline)))
        if raw.status < 0:
            raise RemoteError(-raw.status, lib.csm_strerror(raw.status).decode())
        return response.raw[:result]

    def serve(self, handler: Callable[[bytes], bytes], timeout: float | None = None) -> None:
        """
        Receives one request and sends what handler(request) returns. If the handler raises an
        exception, the caller gets RemoteError, with the errno of an OSError, else EIO, and serve()
        raises the exception. The timeout applies to receiving and to sending separately.
        """
        self._serve(handler, Deadline(timeout), _never)

    def _serve(self, handler: Callable[[bytes], bytes], deadline: Deadline,
               stop: Callable[[], bool]) -> None:
        service = _Service(handler)

        def attempt(channel: int, milliseconds: int) -> int:
            result = lib.csm_rpc_serve(channel, service.native, None, milliseconds)
            # A request was taken: its response is not sent again.
            return -errno.ETIMEDOUT if result == -errno.EAGAIN and service.called else result

        with _held(self._receiving, deadline), _held(self._sending, deadline):
            result = _native.wait(self._handle, deadline, attempt, stop)
        if service.error:
            raise service.error
        check(result)

    # ------------------------------------------------------------------ asyncio

    async def send_async(self, data: bytes | bytearray | memoryview) -> None:
        """As send(), without blocking the event loop. If it is cancelled, it may have sent."""
        await self._in_thread("send", lambda stop: self._send(data, Deadline(None), stop))

    async def recv_async(self) -> bytes:
        """As recv(), without blocking the event loop. Cancelling it loses no message."""
        return await self._in_thread("recv", lambda stop: self._recv(Deadline(None), stop),
                                     self._keep)

    async def call_async(self, request: bytes | bytearray | memoryview,
                         timeout: float | None = CALL_SECONDS) -> bytes:
        """As call(), without blocking the event loop. If it is cancelled, the request was sent."""
        return await self._in_thread("recv", lambda stop: self.call(request, timeout))

    async def serve_async(self, handler: Callable[[bytes], bytes]) -> None:
        """As serve(), without blocking the event loop; the handler runs in another thread."""
        await self._in_thread("recv", lambda stop: self._serve(handler, Deadline(None), stop))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Messages until the peer closes the channel."""
        while True:
            try:
                message = await self.recv_async()
            except ClosedError:
                return
            yield message

    async def _in_thread(self, direction: str, function: Callable[[Callable[[], bool]], T],
                         late: Callable[[Future[T]], None] | None = None) -> T:
        """function(stop) in the thread of a direction; late(future): its result came too late."""
        if direction not in self._workers:
            self._workers[direction] = ThreadPoolExecutor(1, f"csm-{direction}")
        stop = threading.Event()
        future = self._workers[direction].submit(function, stop.is_set)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            stop.set()
            if late:
                future.add_done_callback(late)
            raise

    def _keep(self, future: Future[bytes]) -> None:
        if not future.cancelled() and not future.exception():
            self._kept.append(future.result())

    # ---------------------------------------------------------------------- end

    def close(self) -> None:
        """Ends both directions and tells the peer. A second call does nothing."""
        self._handle.close()
        for worker in self._workers.values():
            worker.shutdown(wait=False)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.close)

    def _collected(self) -> None:
        self.close()


class _Service:
    """A handler in Python as one that the library can call."""

    def __init__(self, handler: Callable[[bytes], bytes]) -> None:
        self.called, self.error = False, None
        self._handler = handler
        self.native = _native.RPC_HANDLER(self._run)

    def _run(self, _: int, request: int, size: int, response: int, room: int) -> int:
        self.called = True
        try:
            answer = self._handler(ctypes.string_at(request, size))
            if not isinstance(answer, bytes):
                raise TypeError("a handler returns bytes")
        except BaseException as error:
            self.error = error
            code = error.errno if isinstance(error, OSError) else 0
            return -(code or errno.EIO)
        if len(answer) > room:
            self.error = ValueError(f"a response has {len(answer)} bytes, at most {room}")
            return -errno.EMSGSIZE
        ctypes.memmove(response, answer, len(answer))
        return len(answer)


@contextmanager
def _held(lock: threading.Lock, deadline: Deadline) -> Iterator[None]:
    left = deadline.left()
    if not lock.acquire(timeout=-1 if left is None else left):
        raise TimedOutError(errno.EAGAIN, lib.csm_strerror(-errno.EAGAIN).decode())
    try:
        yield
    finally:
        lock.release()


def _milliseconds(deadline: Deadline) -> int:
    left = deadline.left()
    return -1 if left is None else int(min(left * 1000, 2**31 - 1))
