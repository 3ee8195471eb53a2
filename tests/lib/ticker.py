# SPDX-License-Identifier: BSD-3-Clause
"""Signs of life of what takes long."""

import threading
import time
from collections.abc import Callable

FIRST_SECONDS, NEXT_SECONDS = 5, 15


class Ticker:
    """While it is used as a context, calls say() now and then, with the seconds since it began.

    say() runs in a thread of its own; none runs any more when the context has ended.
    """

    def __init__(self, say: Callable[[float], None], first: float = FIRST_SECONDS,
                 following: float = NEXT_SECONDS) -> None:
        """first, following: seconds until the first call, and from each to the next."""
        self.say, self.first, self.following = say, first, following
        self.begun = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Ticker":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self.begun

    def _tick(self) -> None:
        pause = self.first
        while not self.ended.wait(pause):
            self.say(self.seconds())
            pause = self.following
