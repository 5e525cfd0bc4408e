"""One connection of a lab host: bytes in, bytes out at a given pace, TLS on demand."""

import asyncio
import socket
import struct


class Gone(Exception):
    """The client closed the connection, or the host does so by its temper."""


class Wire(asyncio.Protocol):
    """Collects what has arrived; `buffer` shows what the client sent and nobody has read yet."""

    BUFFER_MAX = 128 * 1024 * 1024

    def __init__(self, started):
        self.started = started      # called with the wire once the connection stands
        self.buffer = bytearray()
        self.news = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.closed = False
        self.transport = None
        self.task = None

    # What asyncio calls.

    def connection_made(self, transport):
        first = self.transport is None
        self.transport = transport
        if first:
            self.started(self)

    def data_received(self, data):
        self.buffer += data
        if len(self.buffer) > self.BUFFER_MAX:
            self.transport.abort()
        self.news.set()

    def eof_received(self):
        self.closed = True
        self.news.set()
        return False

    def connection_lost(self, exc):
        self.closed = True
        self.news.set()
        self.room.set()

    def pause_writing(self):
        self.room.clear()

    def resume_writing(self):
        self.room.set()

    # What a session calls.

    async def more(self):
        """Waits for further bytes. Raises Gone when none will come."""
        self.news.clear()
        if self.closed:
            raise Gone
        await self.news.wait()

    async def line(self, limit):
        """The next line with its end; a bare LF ends it too, so that it can be reported."""
        seen = 0
        while (end := self.buffer.find(b"\n", seen)) < 0:
            if len(self.buffer) > limit:
                return self.take(limit)
            seen = len(self.buffer)
            await self.more()
        return self.take(end + 1)

    async def exactly(self, count):
        while len(self.buffer) < count:
            await self.more()
        return self.take(count)

    async def until_dot(self):
        """What DATA sends, up to and without the line that ends it."""
        seen = 0
        while not self.buffer.startswith(b".\r\n"):
            end = self.buffer.find(b"\r\n.\r\n", max(0, seen - 4))
            if end >= 0:
                raw = self.take(end + 2)
                self.take(3)
                return raw
            seen = len(self.buffer)
            await self.more()
        self.take(3)
        return b""

    def take(self, count):
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    async def send(self, data, pace):
        """Sends all at once, or `pace` bytes a second. Raises Gone when the client has left."""
        pieces = [data] if not pace else [data[i:i + 1] for i in range(len(data))]
        for piece in pieces:
            if self.transport.is_closing():
                raise Gone
            self.transport.write(piece)
            await self.room.wait()
            if pace:
                await asyncio.sleep(1 / pace)

    async def start_tls(self, context):
        """The handshake. Raises OSError (ssl.SSLError is one) when it fails."""
        loop = asyncio.get_running_loop()
        new = await loop.start_tls(self.transport, self, context, server_side=True,
                                   ssl_handshake_timeout=20)
        if new is None:
            raise ConnectionError("connection lost during the handshake")
        self.transport = new

    def tls_version(self):
        tls = self.transport.get_extra_info("ssl_object")
        return tls.version() if tls else None

    def tls_name(self):
        """The name that the client asked for in the handshake (SNI), or None."""
        return getattr(self.transport.get_extra_info("ssl_object"), "asked_name", None)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def close(self):
        if self.transport and not self.transport.is_closing():
            self.transport.close()
