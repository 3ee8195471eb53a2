# SPDX-License-Identifier: BSD-3-Clause
import errno
import gc
import io
import os
import signal
import subprocess
import sys
import threading
import warnings

import csm
from fake import CONSUMER, PROVIDER, STRANGER, World, lib

READ, WRITE = csm.Permission.READ, csm.Permission.WRITE


class TestRealm(World):
    def test_facts(self):
        """a realm knows its id, its limits and its regions"""
        own, _ = self.pair()
        self.assertEqual(self.provider.id, PROVIDER)
        info = self.provider.info()
        self.assertEqual((info.realm_id, info.regions, info.memory_used), (PROVIDER, 1, own.size))
        self.assertTrue(info.can_map and info.interrupt)
        entry, = self.provider.list()
        self.assertEqual((entry.region_id, entry.label, entry.state),
                         (own.id, "test", csm.State.OWNED))
        offered, = self.consumer.list(PROVIDER)
        self.assertEqual((offered.state, offered.permissions), (csm.State.ATTACHED, READ))
        self.assertEqual(self.consumer.peer(PROVIDER), bytes([0x10]) * 32)
        self.assertEqual(len(self.consumer.peer(PROVIDER, 5)), 64)

    def test_errors(self):
        """an error has the errno and the text of the library, and its kind"""
        with self.assertRaises(csm.RefusedError) as caught:
            self.stranger.attach(PROVIDER, 77)
        self.assertEqual(caught.exception.errno, errno.EACCES)
        self.assertEqual(caught.exception.strerror, lib.csm_strerror(-errno.EACCES).decode())
        self.assertIsInstance(caught.exception, PermissionError)
        with self.assertRaises(csm.Error) as caught:
            self.provider.create(1 << 40)
        self.assertEqual(caught.exception.errno, errno.EDQUOT)
        with self.fails(errno.EIO), self.assertRaises(csm.Error) as caught:
            self.provider.info()
        self.assertEqual(caught.exception.errno, errno.EIO)
        for wrong in (lambda: self.provider.create(-1), lambda: self.provider.create(4096, "a\0b")):
            self.assertRaises(ValueError, wrong)

    def test_no_device(self):
        """without the guest module, opening the realm says so"""
        with self.assertRaises(csm.Error) as caught:
            csm.Realm()
        self.assertEqual(caught.exception.errno, errno.ENOENT)

    def test_policy(self):
        """a policy is compared, and one of a wrong shape is refused before anything happens"""
        own = self.provider.create(4096)
        own.share(CONSUMER)
        wrong, right = csm.Policy(rim=b"\xee" * 32), csm.Policy(rim=b"\x10" * 32)
        self.assertRaises(csm.RefusedError, self.consumer.attach, PROVIDER, own.id, wrong)
        self.consumer.attach(PROVIDER, own.id, right).close()
        with self.assertRaises(csm.Error) as caught:
            own.share(0)
        self.assertEqual(caught.exception.errno, errno.EDESTADDRREQ)
        own.share(0, READ, csm.Policy(rim=b"\x12" * 32))
        self.stranger.attach(PROVIDER, own.id).close()
        for bad in (csm.Policy(rim=b"short"), csm.Policy(rim=b"1" * 32, rem=b"1" * 64),
                    csm.Policy(rpv=b"1" * 32), csm.Policy(rem=b"1" * 32, rem_index=4)):
            self.assertRaises(ValueError, self.consumer.attach, PROVIDER, own.id, bad)

    def test_closing(self):
        """closing a realm closes its regions and channels; what is closed says so"""
        one, two = self.channels()
        self.provider.close()
        self.provider.close()
        self.assertRaises(ValueError, lambda: self.provider.id)
        self.assertRaises(ValueError, one.send, b"x")
        self.assertRaises((csm.ClosedError, csm.EndedError), two.recv, 5)

    def test_forgotten(self):
        """objects that nobody closed are closed in the right order, with a warning"""
        realm = self.realm(3)
        region = realm.create(8192)
        cycle = [realm, region]
        cycle.append(cycle)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            del realm, region, cycle
            gc.collect()
        self.assertEqual({w.category for w in seen}, {ResourceWarning})
        self.assertEqual(lib.fake_handles(self.world), 3)  # the three of setUp()


class TestRegion(World):
    def test_copies(self):
        """what one realm writes the other reads, from every kind of buffer"""
        own, theirs = self.pair()
        for data in (b"bytes", bytearray(b"array"), memoryview(b"views"), b"",
                     memoryview(b"s.t.e.p.s.")[::2]):
            self.assertEqual(own.write(data, 100), len(data))
            self.assertEqual(theirs.read(100, len(data)), bytes(data))
        buffer = bytearray(8)
        self.assertEqual(theirs.readinto(memoryview(buffer)[2:7], 100), 5)
        self.assertEqual(bytes(buffer), b"\0\0steps\0")
        self.assertEqual(len(theirs.read(4096)), theirs.size - 4096)
        self.assertEqual(len(theirs), 65536)

    def test_bounds(self):
        """no access goes beyond the end, and none where it is not granted"""
        own, theirs = self.pair()
        for call in (lambda: own.read(65536, 1), lambda: own.write(b"ab", 65535),
                     lambda: own.readinto(bytearray(65537)), lambda: own.read(1 << 65, 1)):
            with self.assertRaises(csm.Error) as caught:
                call()
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.assertRaises(ValueError, own.read, -1, 1)
        self.assertRaises(csm.RefusedError, theirs.write, b"x")
        self.assertRaises(TypeError, own.readinto, b"read-only")

    def test_view(self):
        """a memoryview is the memory itself, and read-only where the grant is"""
        own, theirs = self.pair()
        with memoryview(own) as mine, memoryview(theirs) as view:
            mine[5:10] = b"views"
            self.assertEqual(bytes(view[5:10]), b"views")
            self.assertTrue(view.readonly)
            self.assertEqual(view.nbytes, 65536)
        self.assertRaises((BufferError, TypeError), io.BytesIO(b"x").readinto, theirs)

    def test_view_keeps(self):
        """a region is not unmapped while a part of a view is in use"""
        own = self.provider.create(4096)
        part = memoryview(own)[7:9]
        self.assertRaises(BufferError, own.close)
        part[:] = b"ok"
        self.assertEqual(own.read(7, 2), b"ok")
        part.release()
        own.close()
        self.assertRaises(ValueError, memoryview, own)

    def test_revoked(self):
        """read and write of a revoked region raise an error, whatever was mapped before"""
        own, theirs = self.pair(READ | WRITE)
        own.write(b"hello")
        self.assertEqual(theirs.read(0, 5), b"hello")
        own.revoke(CONSUMER)
        buffer = bytearray(5)
        for call in (lambda: theirs.read(0, 5), lambda: theirs.readinto(buffer),
                     lambda: theirs.write(b"x"), lambda: theirs.signal(1)):
            with self.assertRaises(csm.EndedError) as caught:
                call()
            self.assertIsInstance(caught.exception, ConnectionError)
        self.assertEqual(own.read(0, 5), b"hello")

    def test_revoked_while_read(self):
        """a revocation in the middle of another thread's reads ends them with an error"""
        own, theirs = self.pair()
        seen, reads = [], threading.Event()

        def reader():
            try:
                while True:
                    theirs.read()
                    reads.set()
            except csm.EndedError as error:
                seen.append(error)

        thread = threading.Thread(target=reader)
        thread.start()
        reads.wait()
        own.revoke(CONSUMER)
        thread.join(30)
        self.assertEqual(len(seen), 1)

    def test_view_revoked(self):
        """an access through a memoryview of a revoked region is SIGBUS, as documented"""
        script = ("import fake; t = fake.World(); t.setUp(); own, theirs = t.pair()\n"
                  "view = memoryview(theirs); own.revoke(fake.CONSUMER); view[0]")
        done = subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL,
                              cwd=os.path.dirname(__file__))
        self.assertEqual(done.returncode, -signal.SIGBUS)

    def test_lost_page(self):
        """a page that the host took back ends a read with an error"""
        lib.fake_lose_page(self.world, True)
        own = self.provider.create(65536)
        self.assertEqual(len(own.read(0, 4096)), 4096)
        self.assertRaises(csm.EndedError, own.read, 0, 8192)

    def test_seal(self):
        """a sealed region has a digest, and nobody writes to it"""
        own, theirs = self.pair()
        own.write(b"content")
        with self.assertRaises(csm.Error) as caught:
            own.digest()
        self.assertEqual(caught.exception.errno, errno.ENODATA)
        own.seal()
        self.assertEqual(own.permissions, READ)
        self.assertEqual(own.digest(), theirs.digest())
        self.assertEqual(len(own.digest()), 64)
        with self.assertRaises(csm.Error) as caught:
            own.share(STRANGER, WRITE)
        self.assertEqual(caught.exception.errno, errno.EPERM)

    def test_persistent(self):
        """a persistent region is found again; one that is ended is not"""
        with self.provider.create(4096, persistent=True) as region:
            number = region.id
        with self.provider.find(number) as region:
            region.set_persistent(False)
            region.end()
        with self.assertRaises(csm.Error) as caught:
            self.provider.find(number)
        self.assertEqual(caught.exception.errno, errno.ENOENT)

    def test_fork(self):
        """a child of fork() gets an error, and closing there ends nothing"""
        own, theirs = self.pair()
        own.write(b"parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                own.read(0, 1)
            except csm.Error as error:
                code = 0 if error.errno == errno.ESTALE else 2
            theirs.close()
            os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(theirs.read(0, 6), b"parent")

    def test_close_while_used(self):
        """closing a region waits for the calls of other threads, which then end"""
        own = self.provider.create(4096)
        self.assertEqual(self.closed_meanwhile(own, own.wait), "the region is closed")
