# SPDX-License-Identifier: BSD-3-Clause
"""
Confidential shared memory (CSM) between realms, over libcsm.

    import csm

    with csm.Realm() as realm, realm.create(4096, "hello") as region:
        region.write(b"hello")
        region.share(peer_id)

The other realm:

    with csm.Realm() as realm, realm.attach(provider_id, region_id) as region:
        print(region.read(0, 5))

Sizes and offsets are in bytes, timeouts in seconds. Errors of libcsm are subclasses of csm.Error,
which is an OSError. The peer realm is not trusted: it may change what it can write at any time, and
end the sharing; calls then raise EndedError. See docs/python.md and libcsm(3).
"""

from ._channel import Channel
from ._errors import ClosedError, EndedError, Error, ProtocolError, RefusedError, RemoteError, \
    TimedOutError
from ._realm import Entry, Info, Realm, State
from ._region import Event, Permission, Policy, Region, Signal

__version__ = "1.0"

__all__ = ["Channel", "ClosedError", "EndedError", "Entry", "Error", "Event", "Info", "Permission",
           "Policy", "ProtocolError", "Realm", "RefusedError", "Region", "RemoteError", "Signal",
           "State", "TimedOutError"]
