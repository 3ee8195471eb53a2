# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import errno
import threading

import csm
from fake import CONSUMER, World


class TestChannel(World):
    def test_messages(self):
        """messages of every size arrive whole and in order, in both directions"""
        one, two = self.channels()
        messages = [b"", b"x", bytearray(b"array"), bytes(range(256)) * 16, b"m" * one.max_size]
        for message in messages:
            one.send(message, 5)
            self.assertEqual(two.recv(5), bytes(message))
            two.send(memoryview(message), 5)
            self.assertEqual(one.recv(5), bytes(message))
        self.assertTrue(one.is_taken())
        with self.assertRaises(csm.Error) as caught:
            one.send(bytes(one.max_size + 1), 5)
        self.assertEqual(caught.exception.errno, errno.EMSGSIZE)

    def test_large(self):
        """a message that is longer than the first buffer is received whole"""
        own, theirs = self.pair(csm.Permission.READ | csm.Permission.WRITE, 1 << 20)
        with own.channel(CONSUMER) as one, theirs.channel() as two:
            one.send(b"l" * 200000)
            self.assertEqual(two.recv(5), b"l" * 200000)

    def test_timeout(self):
        """a call ends in time"""
        one, two = self.channels()
        self.assertRaises(csm.TimedOutError, one.recv, 0.1)
        self.assertRaises(TimeoutError, two.recv, 0)
        with self.assertRaises(csm.TimedOutError):
            while True:
                one.send(bytes(one.max_size), 0)

    def test_closed(self):
        """a peer that closes ends the messages, after all of them"""
        one, two = self.channels()
        one.send(b"last")
        one.close()
        self.assertEqual(list(two), [b"last"])
        self.assertRaises(csm.ClosedError, two.recv, 5)
        self.assertRaises(BrokenPipeError, two.send, b"x", 5)

    def test_shutdown(self):
        """one direction ends, the other goes on"""
        one, two = self.channels()
        one.shutdown()
        self.assertRaises(csm.ClosedError, two.recv, 5)
        two.send(b"still")
        self.assertEqual(one.recv(5), b"still")

    def test_peer_gone(self):
        """a revocation, and a peer that dies, end a waiting call with an error"""
        one, two = self.channels()
        timer = threading.Timer(0.1, self.kill, [0])
        timer.start()
        self.assertRaises(csm.EndedError, two.recv, 30)
        timer.join()

    def test_hostile(self):
        """rubbish in the ring is an error of protocol, and nothing else"""
        own, theirs = self.pair(csm.Permission.READ | csm.Permission.WRITE)
        one, two = own.channel(CONSUMER), theirs.channel()
        with memoryview(own) as view:
            view[128:4096] = b"\xa5" * 3968
        self.assertRaises((csm.ProtocolError, csm.ClosedError), two.recv, 5)
        one.close()

    def test_open_errors(self):
        """a channel needs a peer, two pages, and permission to write"""
        own, theirs = self.pair(size=4096)
        for call in (lambda: own.channel(), lambda: own.channel(CONSUMER)):
            with self.assertRaises(csm.Error) as caught:
                call()
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.assertRaises(csm.RefusedError, theirs.channel, 0, 1)

    def test_open_late(self):
        """a consumer waits until the provider has opened the channel"""
        own, theirs = self.pair(csm.Permission.READ | csm.Permission.WRITE)
        self.assertRaises(csm.TimedOutError, theirs.channel, 0, 0.05)
        opened = []
        timer = threading.Timer(0.1, lambda: opened.append(own.channel(CONSUMER)))
        timer.start()
        theirs.channel(0, 30).send(b"hello")
        timer.join()
        self.assertEqual(opened[0].recv(5), b"hello")

    def test_close_while_received(self):
        """closing a channel ends another thread's call"""
        one, _ = self.channels()
        self.assertEqual(self.closed_meanwhile(one, one.recv), "the channel is closed")


class TestCalls(World):
    def answered(self, handler, request, times=1):
        """(result of call(), exception of serve()) with a handler in another thread."""
        one, two = self.channels()
        raised = []

        def server():
            for _ in range(times):
                try:
                    two.serve(handler, 30)
                except Exception as error:
                    raised.append(error)

        thread = threading.Thread(target=server)
        thread.start()
        try:
            return one.call(request, 30), raised
        finally:
            thread.join()
            self.raised = raised

    def test_call(self):
        """a request gets its response"""
        self.assertEqual(self.answered(lambda request: request[::-1], b"abc")[0], b"cba")

    def test_empty(self):
        """an empty request gets an empty response"""
        self.assertEqual(self.answered(lambda request: request, b"")[0], b"")

    def test_handler_fails(self):
        """an exception of the handler reaches both sides"""
        def handler(request):
            raise FileNotFoundError(errno.ENOENT, "no such tool")

        with self.assertRaises(csm.RemoteError) as caught:
            self.answered(handler, b"x")
        self.assertEqual(caught.exception.errno, errno.ENOENT)
        self.assertIsInstance(self.raised[0], FileNotFoundError)

    def test_handler_wrong(self):
        """a handler that returns no bytes, or too many, fails on both sides"""
        for wrong, code in (("text", errno.EIO), (bytes(1 << 20), errno.EMSGSIZE)):
            with self.subTest(code=code), self.assertRaises(csm.RemoteError) as caught:
                self.answered(lambda request, wrong=wrong: wrong, b"x")
            self.assertEqual(caught.exception.errno, code)
            self.assertIsInstance(self.raised[0], (TypeError, ValueError))

    def test_handler_closes(self):
        """a handler that closes its own channel gets an error instead of a hang"""
        one, two = self.channels()

        def handler(request):
            two.close()
            return b""

        thread = threading.Thread(target=lambda: self.assertRaises(csm.RemoteError, one.call, b"x"))
        thread.start()
        self.assertRaises(RuntimeError, two.serve, handler, 30)
        thread.join()

    def test_both_call(self):
        """two calls that meet: one side serves the other's, and gets its own answer later"""
        one, two = self.channels()
        with self.assertRaises(csm.TimedOutError):
            one.call(b"from one", 0.05)
        with self.assertRaises(csm.Error) as caught:
            two.call(b"from two", 5)
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        seen = []
        two.serve(lambda request: seen.append(request) or b"", 5)
        self.assertEqual(seen, [b"from one"])

    def test_no_request(self):
        """a message that is no request ends the calls"""
        one, two = self.channels()
        two.send(b"rubbish")
        self.assertRaises(csm.ProtocolError, one.call, b"x", 5)


class TestAsync(World):
    def test_messages(self):
        """async with, async for: messages until the peer closes"""
        one, two = self.channels()

        async def main():
            async def sender():
                async with one:
                    for number in range(50):
                        await one.send_async(b"%d" % number)

            task = asyncio.create_task(sender())
            seen = [message async for message in two]
            await task
            return seen

        self.assertEqual(asyncio.run(main()), [b"%d" % number for number in range(50)])

    def test_loop_free(self):
        """the event loop runs on while a channel waits"""
        one, two = self.channels()

        async def main():
            task = asyncio.create_task(two.recv_async())
            await asyncio.sleep(0.05)
            self.assertFalse(task.done())
            one.send(b"now")
            return await task

        self.assertEqual(asyncio.run(main()), b"now")

    def test_cancelled(self):
        """a cancelled receive loses no message"""
        one, two = self.channels()

        async def main():
            seen = []
            for number in range(100):
                task = asyncio.create_task(two.recv_async())
                await asyncio.sleep(0)
                one.send(b"%d" % number)
                await asyncio.sleep(0.0005 * (number % 4))
                task.cancel()
                try:
                    seen.append(await task)
                except asyncio.CancelledError:
                    pass
            while len(seen) < 100:
                async with asyncio.timeout(10):
                    seen.append(await two.recv_async())
            return seen

        self.assertEqual(asyncio.run(main()), [b"%d" % number for number in range(100)])

    def test_open(self):
        """a channel opens without blocking the event loop, and a cancelled one opens nothing"""
        own, theirs = self.pair(csm.Permission.READ | csm.Permission.WRITE)

        async def main():
            task = asyncio.create_task(theirs.channel_async())
            await asyncio.sleep(0.05)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            task = asyncio.create_task(theirs.channel_async())
            async with await own.channel_async(CONSUMER) as one, await task as two:
                await one.send_async(b"open")
                return await two.recv_async()

        self.assertEqual(asyncio.run(main()), b"open")

    def test_calls(self):
        """requests and responses as coroutines"""
        one, two = self.channels()

        async def main():
            server = asyncio.create_task(two.serve_async(lambda request: b"got " + request))
            answer = await one.call_async(b"it")
            await server
            return answer

        self.assertEqual(asyncio.run(main()), b"got it")

    def test_peer_gone(self):
        """a peer that dies ends the wait of a task"""
        _, two = self.channels()

        async def main():
            task = asyncio.create_task(two.recv_async())
            await asyncio.sleep(0.05)
            self.kill(0)
            async with asyncio.timeout(30):
                with self.assertRaises(csm.EndedError):
                    await task

        asyncio.run(main())
