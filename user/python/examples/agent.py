#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
An agent that asks tools in another realm, with JSON over a channel.

    a$ agent.py serve PEER                     PEER is the id of the agent's realm, in hexadecimal
    region 1
    b$ agent.py ask PROVIDER 1 '{"tool": "add", "numbers": [1, 2, 3]}'
    {"result": 6}
"""

import asyncio
import json
import sys

import csm

SIZE = 1 << 20  # bytes of the channel's region
TOOLS = {
    "add": lambda request: sum(request["numbers"]),
    "tools": lambda request: sorted(TOOLS),
}


def answer(request: bytes) -> bytes:
    """The response to a request. The peer is not trusted: whatever it sends gets a response."""
    try:
        body = json.loads(request)
        response = {"result": TOOLS[body["tool"]](body)}
    except Exception as error:
        response = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps(response).encode()


async def serve(realm: csm.Realm, peer: int) -> None:
    """Waits for a realm, and answers it until it closes the channel or ends."""
    with realm.create(SIZE, "tools") as region:
        region.share(peer, csm.Permission.READ | csm.Permission.WRITE)
        print("region", region.id, flush=True)
        async for event in region.events():
            if event.signals & csm.Signal.ATTACHED:
                break
        async with await region.channel_async(peer) as channel:
            try:
                while True:
                    await channel.serve_async(answer)
            except (csm.ClosedError, csm.EndedError):
                return


async def ask(realm: csm.Realm, provider: int, region_id: int, requests: list[str]) -> list[str]:
    """The responses of another realm's tools. csm.Error: it is gone, or has granted nothing."""
    with realm.attach(provider, region_id) as region:
        async with await region.channel_async(timeout=30) as channel:
            return [(await channel.call_async(request.encode())).decode() for request in requests]


def main() -> int:
    try:
        with csm.Realm() as realm:
            match sys.argv[1:]:
                case ["serve", peer]:
                    asyncio.run(serve(realm, int(peer, 16)))
                case ["ask", provider, number, *requests] if requests:
                    print(*asyncio.run(ask(realm, int(provider, 16), int(number), requests)),
                          sep="\n")
                case _:
                    print(__doc__.strip(), file=sys.stderr)
                    return 2
    except csm.Error as error:
        print(f"agent.py: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
