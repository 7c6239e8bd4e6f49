# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The server that programs of the corpus ask: one event loop, two ports on 127.0.0.1.

`http N`: a GET of /SECONDS is answered after so long, of / after half a second.
`echo N`: each byte is answered after 20 ms.
Both are printed, then `ready`; serves until killed.
"""
import asyncio
import contextlib


def until_it_hangs_up(handler):
    """Programs are killed in the middle of a request: nothing that is to be told."""
    async def handle(reader, writer):
        with contextlib.suppress(OSError, IndexError):
            await handler(reader, writer)
        writer.close()

    return handle


async def http(reader, writer):
    path = (await reader.readline()).split()[1].strip(b"/")
    while (await reader.readline()).strip():
        pass
    await asyncio.sleep(float(path or 0.5))
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nanswer\n")


async def echo(reader, writer):
    while await reader.read(1):
        await asyncio.sleep(0.02)
        writer.write(b"0")


async def main():
    for name, handler in ("http", http), ("echo", echo):
        server = await asyncio.start_server(until_it_hangs_up(handler), "127.0.0.1", 0, backlog=128)
        print(name, server.sockets[0].getsockname()[1], flush=True)
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
