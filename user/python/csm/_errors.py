# SPDX-License-Identifier: BSD-3-Clause
"""Errors of libcsm as exceptions: errno, and the library's text."""

import errno

EAGAIN, EINTR = errno.EAGAIN, errno.EINTR


class Error(OSError):
    """A call of libcsm failed. `errno` is that of libcsm.h, `strerror` is the library's text."""


class EndedError(Error, ConnectionError):
    """ENOTCONN: the region, the grant or the peer realm is gone, and does not come back."""


class ClosedError(Error, BrokenPipeError):
    """EPIPE: the peer has closed the channel, and every message has been received."""


class TimedOutError(Error, TimeoutError):
    """EAGAIN from a channel: nothing happened within the timeout."""


class RefusedError(Error, PermissionError):
    """
    EACCES: no such realm, region or grant, or a policy is not met; the RMM does not tell which.
    Also an access that was not granted.
    """


class ProtocolError(Error):
    """EPROTO: the peer has violated the protocol of the channel, which cannot be used again."""


class RemoteError(Error):
    """The peer's handler failed. `errno` is what it returned, without the sign."""


_KINDS: dict[int, type[Error]] = {
    errno.ENOTCONN: EndedError,
    errno.EPIPE: ClosedError,
    errno.EAGAIN: TimedOutError,
    errno.EACCES: RefusedError,
    errno.EPROTO: ProtocolError,
}


def error_of(result: int, text: str) -> Error:
    """The exception for a negative result and its text."""
    return _KINDS.get(-result, Error)(-result, text)
