# SPDX-License-Identifier: BSD-3-Clause
"""This realm: what it has, what others offer it, who the others are."""

from __future__ import annotations

import ctypes
import enum
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

from . import _native
from ._native import check, lib, pointer_from
from ._region import PERSISTENT, Permission, Policy, Region, label_number, label_text


@dataclass(frozen=True)
class Info:
    """What Realm.info() returns. Sizes are in bytes."""

    realm_id: int
    csm_revision: tuple[int, int]  # of the RMM: major, minor
    window_size: int  # address space for attachments
    window_free: int
    memory_limit: int  # memory for own regions
    memory_used: int
    regions: int
    attachments: int
    interrupt: bool  # signals arrive by interrupt; otherwise the module polls
    can_map: bool  # this kernel allows regions to be mapped


class State(enum.Enum):
    """State of a region as this realm sees it."""

    OWNED = 0
    GRANTED = 1
    RESERVED = 2
    ATTACHED = 3
    ENDED = 4


@dataclass(frozen=True)
class Entry:
    """A region in Realm.list()."""

    provider_id: int
    region_id: int
    size: int  # bytes
    label: str
    permissions: Permission
    state: State
    sealed: bool
    any: bool  # the grant in force is one to any realm that meets a policy
    ending: bool


class Realm(_native.Closing):
    """
    This realm, as /dev/csm shows it. Use it in a `with` statement, or call close(): both close its
    regions and their channels first.

    Error with ENOENT: the guest module is not loaded; EACCES: this user may not open the device;
    EPROTO: the module has another major revision.
    """

    def __init__(self) -> None:
        self._start(pointer_from(lib.csm_open))

    def _start(self, pointer: int) -> None:
        self._handle = _native.Handle(pointer, lib.csm_close, "realm")
        self._regions: weakref.WeakSet[Region] = weakref.WeakSet()

    @property
    def id(self) -> int:
        """The id of this realm; its attestation token contains the same."""
        with self._handle.use() as csm:
            return lib.csm_id(csm)

    def info(self) -> Info:
        """Revisions, limits, and what is in use."""
        raw = _native.Info()
        with self._handle.use() as csm:
            check(lib.csm_get_info(csm, raw))
        fields = {name: getattr(raw, name) for name, *_ in raw._fields_}
        revision = fields.pop("csm_major"), fields.pop("csm_minor")
        return Info(csm_revision=revision, **fields)

    def list(self, provider_id: int = 0) -> Iterator[Entry]:
        """The own regions (0), or those that a realm offers to this one. EACCES: it offers none."""
        cursor, raw = ctypes.c_uint64(0), _native.Entry()
        while True:
            with self._handle.use() as csm:
                if check(lib.csm_list(csm, provider_id, cursor, raw)) == 0:
                    return
            yield Entry(raw.provider_id, raw.region_id, raw.size, label_text(raw.label),
                        Permission(raw.permissions), State(raw.state), raw.sealed, raw.any,
                        raw.ending)

    def peer(self, peer_id: int, index: int = 0) -> bytes:
        """
        A measurement of a realm with which a sharing exists, as the RMM recorded it: index 0 is the
        RIM, 1 to 4 are REM 0 to 3 (32 or 64 bytes), 5 is the RPV (64 bytes).
        EACCES: there is no sharing with that realm; EINVAL: no such index.
        """
        raw = _native.Measurement()
        with self._handle.use() as csm:
            check(lib.csm_peer(csm, peer_id, index, raw))
        return bytes(raw.value)[:64 if index == 5 else raw.hash_bits // 8]

    def create(self, size: int, label: str = "", *, persistent: bool = False) -> Region:
        """
        A new region of zeros of at least `size` bytes. Closing it destroys it unless it is
        persistent. Only the first eight bytes of the label count.
        EINVAL: size 0; EDQUOT: the limit of the module; ENOMEM: no contiguous memory.
        """
        _not_negative(size)
        with self._handle.use() as csm:
            return self._region(pointer_from(lib.csm_create, csm, size, label_number(label),
                                             PERSISTENT if persistent else 0))

    def attach(self, provider_id: int, region_id: int, policy: Policy | None = None, *,
               persistent: bool = False) -> Region:
        """
        Another realm's region. Closing it detaches it unless it is persistent. What this realm has
        attached before is opened again; with a policy that is an error (EEXIST).
        RefusedError: no such realm, region or grant, or the policy is not met; see libcsm.h.
        """
        with self._handle.use() as csm:
            return self._region(pointer_from(lib.csm_attach, csm, provider_id, region_id,
                                             policy._packed() if policy else None,
                                             PERSISTENT if persistent else 0))

    def find(self, region_id: int, provider_id: int = 0) -> Region:
        """An own region (provider_id 0) or an attachment that exists. ENOENT: it does not."""
        with self._handle.use() as csm:
            return self._region(pointer_from(lib.csm_find, csm, provider_id, region_id))

    def _region(self, pointer: int) -> Region:
        region = Region(_native.Handle(pointer, lib.csm_release, "region", self._handle), self)
        self._regions.add(region)
        return region

    def close(self) -> None:
        """Closes regions, channels and the device. BufferError: memoryviews are in use."""
        for region in [*self._regions]:
            region.close()
        self._handle.close()



def _not_negative(size: int) -> None:
    if size < 0:
        raise ValueError("a size is not negative")
