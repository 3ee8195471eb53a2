# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import errno
import select
import signal
import time

import csm
from fake import CONSUMER, PROVIDER, World


class TestEvents(World):
    def test_wait(self):
        """events have their sender and their bits"""
        own, theirs = self.pair()
        event = own.wait(5)
        self.assertEqual((event.peer_id, event.signals, event.user),
                         (CONSUMER, csm.Signal.ATTACHED, 0))
        theirs.signal(0b101)
        event = own.wait(5)
        self.assertEqual((event.signals, event.user), (csm.Signal(0), 0b101))
        own.signal(1 << 47, CONSUMER)
        self.assertEqual(theirs.wait(5), csm.Event(PROVIDER, 1 << 47))
        for call in (lambda: theirs.signal(0), lambda: theirs.signal(1 << 48),
                     lambda: own.signal(1)):
            with self.assertRaises(csm.Error) as caught:
                call()
            self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_timeout(self):
        """a wait ends in time, and not before"""
        own = self.provider.create(4096)
        start = time.monotonic()
        self.assertIsNone(own.wait(0.4))
        self.assertGreaterEqual(time.monotonic() - start, 0.4)
        self.assertIsNone(own.wait(0))

    def test_end(self):
        """what happened before the end is told, then the end"""
        own, theirs = self.pair()
        own.signal(1, CONSUMER)
        self.kill(0)
        event = theirs.wait(5)
        self.assertEqual(event.user, 1)
        self.assertTrue(event.signals & csm.Signal.PEER_GONE)
        self.assertRaises(csm.EndedError, theirs.wait, 5)

    def test_interrupt(self):
        """a signal of Python ends a wait without a limit"""
        own = self.provider.create(4096)

        def handler(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            self.assertRaises(KeyboardInterrupt, own.wait)
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_descriptor(self):
        """poll() on the region: readable with an event, hung up after the end"""
        own, theirs = self.pair()
        poll = select.poll()
        poll.register(theirs, select.POLLIN)
        self.assertEqual(poll.poll(0), [])
        own.signal(2, CONSUMER)
        self.assertEqual(poll.poll(5000), [(theirs.fileno(), select.POLLIN)])
        theirs.wait(0)
        self.assertEqual(poll.poll(0), [])
        own.revoke(CONSUMER)
        self.assertTrue(poll.poll(5000)[0][1] & select.POLLHUP)


class TestAsyncEvents(World):
    def test_events(self):
        """async for: events until the sharing ends"""
        own, theirs = self.pair()

        async def sender():
            for bit in range(3):
                own.signal(1 << bit, CONSUMER)
                await asyncio.sleep(0.05)
            own.revoke(CONSUMER)

        async def main():
            task = asyncio.create_task(sender())
            seen = [event async for event in theirs.events()]
            await task
            return seen

        seen = asyncio.run(main())
        self.assertEqual(sum(event.user for event in seen), 0b111)
        self.assertTrue(seen[-1].signals & csm.Signal.ENDED)

    def test_two_tasks(self):
        """two tasks wait for one region; each event goes to one of them"""
        own, theirs = self.pair()

        async def main():
            tasks = [asyncio.create_task(theirs.wait_async()) for _ in range(2)]
            await asyncio.sleep(0.05)
            own.signal(1, CONSUMER)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            own.signal(2, CONSUMER)
            return await asyncio.gather(*tasks)

        events = asyncio.run(main())
        self.assertEqual({event.user for event in events}, {1, 2})

    def test_limit(self):
        """asyncio.timeout() ends a wait, and the next one still gets the event"""
        own, theirs = self.pair()

        async def main():
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await theirs.wait_async()
            own.signal(4, CONSUMER)
            return await theirs.wait_async()

        self.assertEqual(asyncio.run(main()).user, 4)

    def test_closed(self):
        """closing a region ends the waits of tasks"""
        own = self.provider.create(4096)

        async def main():
            task = asyncio.create_task(own.wait_async())
            await asyncio.sleep(0.05)
            own.close()
            with self.assertRaises(ValueError):
                await task

        asyncio.run(main())
