# SPDX-License-Identifier: BSD-3-Clause
"""Regions: memory, grants, events."""

from __future__ import annotations

import asyncio
import ctypes
import enum
import errno
import inspect
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from . import _native
from ._channel import Channel
from ._errors import EndedError
from ._native import Deadline, Handle, address_of, check, lib, pointer_from

PERSISTENT = 1


class Permission(enum.IntFlag):
    """Permissions of a grant. Every grant includes READ."""

    READ = 1
    WRITE = 2
    EXEC = 4


class Signal(enum.IntFlag):
    """Bits that the RMM sets in an event. Bits 47 to 0 come from the peer."""

    PAGE_LOST = 1 << 59  # the host took back a page of the region
    DETACHED = 1 << 60  # the consumer detached
    ATTACHED = 1 << 61  # a consumer attached
    ENDED = 1 << 62  # the region was destroyed or the grant revoked
    PEER_GONE = 1 << 63  # the peer realm ended


@dataclass(frozen=True)
class Event:
    """What happened to a region."""

    peer_id: int  # the realm that caused it
    bits: int

    @property
    def user(self) -> int:
        """The bits of the peer's signal()."""
        return self.bits & (1 << 48) - 1

    @property
    def signals(self) -> Signal:
        """The bits of the RMM."""
        return Signal(self.bits & 0x1F << 59)


@dataclass(frozen=True)
class Policy:
    """
    The measurements that this realm requires of a peer; None: not compared. `rim` and `rem` have 32
    bytes, or 64 for realms that hash with SHA-512; `rem_index` is the REM to compare, 0 to 3.
    """

    rim: bytes | None = None
    rem: bytes | None = None
    rem_index: int = 0
    rpv: bytes | None = None

    def _packed(self) -> _native.Policy:
        lengths = {len(value) for value in (self.rim, self.rem) if value is not None}
        if not lengths <= {32, 64} or len(lengths) > 1:
            raise ValueError("rim and rem have 32 bytes each, or 64 bytes each")
        if self.rpv is not None and len(self.rpv) != 64 or not 0 <= self.rem_index <= 3:
            raise ValueError("an RPV has 64 bytes, and rem_index is 0 to 3")
        raw = _native.Policy(check_rim=self.rim is not None, check_rpv=self.rpv is not None,
                             check_rem=0 if self.rem is None else self.rem_index + 1,
                             hash_bits=8 * (lengths.pop() if lengths else 32))
        for name in ("rim", "rem", "rpv"):
            value = getattr(self, name) or b""
            ctypes.memmove(getattr(raw, name), value, len(value))
        return raw


def label_number(label: str) -> int:
    """A label as libcsm takes it. ValueError: it contains a zero."""
    if "\0" in label:
        raise ValueError("a label contains no zero")
    return lib.csm_label(label.encode())


def label_text(number: int) -> str:
    """A label as text; bytes that cannot be printed become \\xNN."""
    text = (ctypes.c_char * 33)()
    lib.csm_label_text(number, text)
    return text.value.decode("ascii", "backslashreplace")


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Region(_native.Closing):
    """
    An own region, or an attachment of another realm's. Realm.create(), attach() and find() make
    one; use it in a `with` statement, or call close().

    read() and write() copy, and raise EndedError when the memory is gone. memoryview(region) is the
    memory itself: nothing is copied, but an access after the sharing has ended kills the
    interpreter with SIGBUS. What a peer can write may change at any time: copy it, then check the
    copy. Any number of threads may use a region.
    """

    def __init__(self, handle: Handle, realm: object) -> None:
        self._handle = handle
        self._realm = realm  # stays open
        self._lock = threading.Lock()  # mapping, and counting views
        self._views = 0
        self._closing = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()
        self._channels: weakref.WeakSet[Channel] = weakref.WeakSet()
        with handle.use() as region:
            self.id: int = lib.csm_region_id(region)
            self.provider_id: int = lib.csm_provider_id(region)
            self.size: int = lib.csm_size(region)  # bytes, whole pages
            self.is_own: bool = lib.csm_is_own(region)

    @property
    def permissions(self) -> Permission:
        """As granted when the region was opened; an own region loses WRITE by seal()."""
        with self._handle.use() as region:
            return Permission(lib.csm_permissions(region))

    # ------------------------------------------------------------------ memory

    def __len__(self) -> int:
        return self.size

    def read(self, offset: int = 0, size: int | None = None) -> bytes:
        """A copy of `size` bytes; None: to the end. EINVAL: beyond the end; EndedError: gone."""
        room = max(0, self.size - offset) if size is None else size
        buffer = bytearray(self._length(offset, room))
        self.readinto(buffer, offset)
        return bytes(buffer)

    def readinto(self, buffer: bytearray | memoryview, offset: int = 0) -> int:
        """
        Fills a writable buffer and returns its size in bytes. EINVAL: beyond the end; EndedError:
        the memory is gone, part of the buffer may have been filled.
        """
        view = memoryview(buffer).cast("B")
        size = self._length(offset, view.nbytes)
        if size:
            target = (ctypes.c_char * size).from_buffer(view)
            with self._mapped() as region:
                check(lib.csm_read(region, offset, ctypes.addressof(target), size))
        return size

    def write(self, data: bytes | bytearray | memoryview, offset: int = 0) -> int:
        """
        Copies data into the region and returns its size in bytes. EINVAL: beyond the end;
        RefusedError: no write permission; EndedError: gone, part of it may have been written.
        """
        source, size = address_of(data)
        self._length(offset, size)
        with self._mapped() as region:
            check(lib.csm_write(region, offset, source, size))
        return size

    def _length(self, offset: int, size: int) -> int:
        if offset < 0 or size < 0:
            raise ValueError("offset and size are not negative")
        if size > self.size - offset:
            check(-errno.EINVAL)
        return size

    def _mapped(self):  # type: ignore[no-untyped-def]
        """The handle for a call that needs the mapping: two threads must not make it at once."""
        self._address()
        return self._handle.use()

    def _address(self) -> int:
        access = self.permissions & (Permission.READ | Permission.WRITE)
        with self._lock, self._handle.use() as region:
            return pointer_from(lib.csm_map, region, access)

    def __buffer__(self, flags: int) -> memoryview:
        writable = Permission.WRITE in self.permissions
        if flags & inspect.BufferFlags.WRITABLE and not writable:
            raise BufferError("this realm may only read the region")
        address = self._address()
        with self._lock:
            if self._closing:
                raise ValueError("the region is closed")
            self._views += 1
        view = memoryview((ctypes.c_ubyte * self.size).from_address(address)).cast("B")
        return view if writable else view.toreadonly()

    def __release_buffer__(self, view: memoryview) -> None:
        with self._lock:
            self._views -= 1

    # ------------------------------------------------------------------ grants

    def share(self, consumer_id: int, permissions: Permission = Permission.READ,
              policy: Policy | None = None) -> None:
        """
        Grants a realm permissions on an own region; consumer_id 0: any realm that meets the policy,
        which must require the RIM (EDESTADDRREQ). EEXIST: the realm has a grant; EPERM: write
        permission for a sealed region; ENOTTY: not an own region.
        """
        with self._handle.use() as region:
            check(lib.csm_share(region, consumer_id, permissions,
                                policy._packed() if policy else None))

    def revoke(self, consumer_id: int) -> None:
        """Ends a grant; after it the consumer has no access. ENOENT: the realm has no grant."""
        with self._handle.use() as region:
            check(lib.csm_revoke(region, consumer_id))

    def seal(self) -> None:
        """
        Makes an own region read-only for everybody until it is destroyed; a write through a
        memoryview then ends in SIGBUS. EALREADY: sealed before; EHWPOISON: a page was taken back.
        """
        with self._handle.use() as region:
            check(lib.csm_seal(region))

    def digest(self) -> bytes:
        """SHA-512 of a sealed region, 64 bytes, computed by the RMM. ENODATA: not sealed."""
        out = (ctypes.c_uint8 * 64)()
        with self._handle.use() as region:
            check(lib.csm_digest(region, out))
        return bytes(out)

    def set_persistent(self, persistent: bool) -> None:
        """Whether the sharing outlives its last handle."""
        with self._handle.use() as region:
            check(lib.csm_set_persistent(region, persistent))

    def end(self) -> None:
        """Destroys an own region or detaches an attachment now. close() is still needed."""
        with self._handle.use() as region:
            check(lib.csm_end(region))

    # ------------------------------------------------------------------ events

    def signal(self, bits: int, peer_id: int = 0) -> None:
        """
        Sends bits 47 to 0 to a peer of the sharing; a consumer's peer 0 is the provider.
        RefusedError: no such realm, or it is not attached; EINVAL: no bits, other bits, or no peer.
        """
        with self._handle.use() as region:
            check(lib.csm_signal(region, peer_id, bits))

    def wait(self, timeout: float | None = None) -> Event | None:
        """
        The next event; None: nothing within `timeout` seconds. EndedError: the sharing has ended,
        and all earlier events have been returned. A channel takes the events of its region.
        """
        raw = _native.Event()

        def attempt(region: int, milliseconds: int) -> int:
            return lib.csm_wait(region, milliseconds, raw) or -_native.EAGAIN

        result = _native.wait(self._handle, Deadline(timeout), attempt)
        if result == -_native.EAGAIN:
            return None
        check(result)
        return Event(raw.peer_id, raw.bits)

    def fileno(self) -> int:
        """For select() and poll(): readable while an event is pending, hung up after the end."""
        with self._handle.use() as region:
            return lib.csm_fd(region)

    async def wait_async(self) -> Event:
        """As wait(), without blocking the event loop. Use asyncio.timeout() for a limit."""
        while True:
            event = self.wait(0)
            if event:
                return event
            await self._readable()

    async def events(self) -> AsyncIterator[Event]:
        """`async for event in region.events()`; ends when the sharing has ended."""
        while True:
            try:
                event = await self.wait_async()
            except EndedError:
                return
            yield event

    async def _readable(self) -> None:
        """A descriptor of its own: several tasks may wait, a loop knows each number once."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        fd = os.dup(self.fileno())
        self._waiting.add((loop, future))
        try:
            loop.add_reader(fd, _finish, future)
            await future
        finally:
            self._waiting.discard((loop, future))
            loop.remove_reader(fd)
            os.close(fd)

    # ---------------------------------------------------------------- channels

    def channel(self, peer_id: int = 0, timeout: float | None = None) -> Channel:
        """
        A channel over this region, which nothing else may use meanwhile. The owner passes the
        consumer's id; a consumer passes 0 and waits until the owner has opened it.
        TimedOutError: not within `timeout` seconds; EINVAL: the region is smaller than two pages;
        RefusedError: no write permission.
        """
        return self._open(peer_id, Deadline(timeout), lambda: False)

    async def channel_async(self, peer_id: int = 0, timeout: float | None = None) -> Channel:
        """As channel(), without blocking the loop: `async with await region.channel_async()`."""
        stop = threading.Event()
        opening = asyncio.ensure_future(
            asyncio.to_thread(self._open, peer_id, Deadline(timeout), stop.is_set))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            stop.set()
            # A thread that still tries could meet the peer in place of the next channel.
            await asyncio.wait([opening])
            if opening.exception() is None:
                opening.result().close()
            raise

    def _open(self, peer_id: int, deadline: Deadline, stop: Callable[[], bool]) -> Channel:
        out = ctypes.c_void_p()

        def attempt(region: int, milliseconds: int) -> int:
            return lib.csm_channel_open(region, peer_id, milliseconds, ctypes.byref(out))

        self._address()
        check(_native.wait(self._handle, deadline, attempt, stop))
        channel = Channel(Handle(out.value or 0, lib.csm_channel_close, "channel", self._handle),
                          self)
        if stop():
            channel.close()
        self._channels.add(channel)
        return channel

    # --------------------------------------------------------------------- end

    def close(self) -> None:
        """
        Closes its channels, unmaps it and, unless it is persistent, ends the sharing. A second call
        does nothing. BufferError: memoryviews of it are in use; release them first.
        """
        with self._lock:
            if self._views:
                raise BufferError("memoryviews of the region are in use: release them first")
            self._closing = True
        for channel in [*self._channels]:
            channel.close()
        self._handle.close()
        for loop, future in [*self._waiting]:
            loop.call_soon_threadsafe(_finish, future)

