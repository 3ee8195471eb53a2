# SPDX-License-Identifier: BSD-3-Clause
"""
Four realms in this process: user/tests/fake.c, built into a libcsm.so.1 that the tests load instead
of the installed one.
"""

import contextlib
import ctypes
import threading
import unittest

import csm
from csm._native import lib

lib.fake_new.restype = ctypes.c_void_p
lib.fake_free.argtypes = [ctypes.c_void_p]
lib.fake_realm.restype = ctypes.c_void_p
lib.fake_realm.argtypes = [ctypes.c_void_p, ctypes.c_uint]
lib.fake_id.restype = ctypes.c_uint64
lib.fake_kill.argtypes = [ctypes.c_void_p]
lib.fake_fail.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.fake_lose_page.argtypes = [ctypes.c_void_p, ctypes.c_bool]
lib.fake_handles.argtypes = [ctypes.c_void_p]
lib.csm_open_backend.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]

PROVIDER, CONSUMER, STRANGER = (lib.fake_id(n) for n in range(3))


class World(unittest.TestCase):
    """A test with realms; at its end nothing may be open."""

    def setUp(self):
        self.world = lib.fake_new()
        self.provider, self.consumer, self.stranger = (self.realm(n) for n in range(3))

    def tearDown(self):
        for realm in (self.provider, self.consumer, self.stranger):
            realm.close()
        self.assertEqual(lib.fake_handles(self.world), 0)
        lib.fake_free(self.world)

    def realm(self, number):
        out = ctypes.c_void_p()
        backend = ctypes.addressof(ctypes.c_char.in_dll(lib, "fake_backend"))
        self.assertEqual(lib.csm_open_backend(backend, lib.fake_realm(self.world, number), out), 0)
        realm = csm.Realm.__new__(csm.Realm)
        realm._start(out.value)
        return realm

    def kill(self, number):
        lib.fake_kill(lib.fake_realm(self.world, number))

    @contextlib.contextmanager
    def fails(self, error):
        lib.fake_fail(self.world, error)
        yield
        lib.fake_fail(self.world, 0)

    def closed_meanwhile(self, thing, call):
        """What a thread's call on a thing says that another thread closes."""
        seen, started = [], threading.Event()

        def caller():
            started.set()
            try:
                call()
            except ValueError as error:
                seen.append(str(error))

        thread = threading.Thread(target=caller)
        thread.start()
        started.wait()
        thing.close()
        thread.join(30)
        self.assertEqual(len(seen), 1, "the call has not ended")
        return seen[0]

    def pair(self, permissions=csm.Permission.READ, size=65536):
        """A region of the provider, and the consumer's attachment of it."""
        own = self.provider.create(size, "test")
        own.share(CONSUMER, permissions)
        return own, self.consumer.attach(PROVIDER, own.id)

    def channels(self):
        own, theirs = self.pair(csm.Permission.READ | csm.Permission.WRITE)
        return own.channel(CONSUMER), theirs.channel()
