"""Everything that hostile clients do, at once, while an honest one is served (issue 3, 5)."""

import contextlib
import itertools
import socket
import struct
import threading
import time

from hosts import wait_until

OPTIONS = ["mx.time-command 3s", "mx.time-data 3s", "mx.time-message 6s", "mx.commands-max 500",
           "mx.connections-per-network 400", "mx.connection-rate 100000",
           "mx.time-login 3s", "submissions.time-command 3s", "submissions.time-login 3s"]
FRESH = True
EACH = 10               # clients of each kind
SLOW_SECONDS = 20       # far beyond each limit: the server ends them, not the clients themselves
HONEST_SECONDS_MAX = 2  # what one message of the honest client may take, on a loaded machine

ENVELOPE = (b"EHLO siege.test\r\n", b"MAIL FROM:<a@accept.test>\r\n",
            b"RCPT TO:<bob@example.test>\r\n", b"DATA\r\n")


def slowly(sock, data):
    """A byte every half second."""
    for byte in data:
        sock.sendall(bytes([byte]))
        time.sleep(0.5)


def kind_loris_command(sock):
    slowly(sock, itertools.repeat(0x20))


def kind_loris_header(sock):
    for line in ENVELOPE:
        sock.sendall(line)
        sock.recv(4096)
    slowly(sock, itertools.repeat(0x61))


def kind_loris_chunk(sock):
    for line in (*ENVELOPE[:3], b"BDAT 1000000 LAST\r\n"):
        sock.sendall(line)
    slowly(sock, itertools.repeat(0x61))


def kind_commands(sock):
    """A hundred thousand, without reading one reply."""
    for _ in range(1000):
        sock.sendall(b"NOOP\r\n" * 100)


def kind_endless_command(sock):
    while True:
        sock.sendall(b"x" * 65536)


def kind_endless_line(sock):
    for line in ENVELOPE:
        sock.sendall(line)
        sock.recv(4096)
    while True:
        sock.sendall(b"x" * 65536)


def kind_half_open_tls(sock):
    """The first bytes of a ClientHello, and no more."""
    sock.sendall(b"EHLO siege.test\r\nSTARTTLS\r\n")
    while b"220 2.0.0" not in sock.recv(4096):
        pass
    sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    wait_for_end(sock)


def kind_silent(sock):
    wait_for_end(sock)


def wait_for_end(sock):
    while sock.recv(4096):
        pass


KINDS = {"loris_command": kind_loris_command, "loris_header": kind_loris_header,
         "loris_chunk": kind_loris_chunk, "commands": kind_commands,
         "endless_command": kind_endless_command, "endless_line": kind_endless_line,
         "half_open_tls": kind_half_open_tls, "silent": kind_silent}
TLS_KINDS = {"silent_tls": kind_silent}


class Siege:
    """One hostile client: how long the server bore it."""

    def __init__(self, address, kind):
        self.kind = kind
        self.took = None
        self.thread = threading.Thread(target=self.run, args=(address,), daemon=True)
        self.thread.start()

    def run(self, address):
        began = time.monotonic()
        with contextlib.suppress(OSError), socket.create_connection(address, 10) as sock:
            sock.settimeout(SLOW_SECONDS)
            self.kind(sock)
        self.took = time.monotonic() - began


def resets(address, stop):
    """RST at each point of a dialogue, again and again."""
    points = (*ENVELOPE, b"Subject: x\r\n\r\nhalf", b" a line\r\n.\r\n", b"MAIL FROM:<>\r\n")
    for count in itertools.cycle(range(len(points) + 1)):
        if stop.is_set():
            return
        with contextlib.suppress(OSError), socket.create_connection(address, 10) as sock:
            sock.settimeout(5)
            for point in points[:count]:
                sock.sendall(point)
                sock.recv(4096)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_siege(lab):
    """Each ends by a limit, none by its own patience; honest mail goes through all the time."""
    mx, tls = lab.listeners["mx"], lab.listeners["submissions"]
    stop = threading.Event()
    resetter = threading.Thread(target=resets, args=(mx, stop), daemon=True)
    sieges = [Siege(mx, kind) for kind in KINDS.values() for _ in range(EACH)]
    sieges += [Siege(tls, kind) for kind in TLS_KINDS.values() for _ in range(EACH)]
    tokens, worst = [], 0
    resetter.start()
    try:
        began = time.monotonic()
        while time.monotonic() - began < 8:
            sent = time.monotonic()
            tokens.append(lab.token())
            with lab.connect() as client:
                client.hello()
                client.mail("a@accept.test", lab.bob.address)
                client.data(lab.message(tokens[-1]))
            worst = max(worst, time.monotonic() - sent)
        wait_until(lambda: all(siege.took is not None for siege in sieges), SLOW_SECONDS,
                   "the end of all hostile clients")
    finally:
        stop.set()
        resetter.join()
    late = {siege.kind.__name__ for siege in sieges if siege.took > SLOW_SECONDS - 5}
    assert not late, f"not ended by a limit: {late}"
    assert worst < HONEST_SECONDS_MAX, f"an honest message took {worst:.1f} s"
    assert len(tokens) > 8
    for token in tokens:
        lab.bob.wait(token)
