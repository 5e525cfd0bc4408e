"""Dots at the beginning of lines, and what else must arrive as it was sent."""

import os

from harness import stuff, table

BODIES = [
    ("dot", b".\r\n"),
    ("dots", b"..\r\n"),
    ("three", b"...\r\n"),
    ("dot-x", b".x\r\n"),
    ("dot-first-of-body", b".first\r\nsecond\r\n"),
    ("many", b".\r\n" * 50),
    ("empty-lines", b"\r\n\r\n.\r\n\r\n"),
    ("no-text", b""),
    ("long-line", b"y" * 998 + b"\r\n"),
    ("dot-and-long", b"." + b"y" * 997 + b"\r\n"),
    ("tabs-and-blanks", b" \t \r\n  \r\nx \t\r\n"),
    ("from-line", b"From nobody\r\n>From nobody\r\n"),
    ("borders", b"".join(b"x" * n + b"\r\n." + b"\r\n" for n in (4090, 0, 1, 2, 3)).replace(
        b"x" * 4090, b"x" * 900 + b"\r\n" + b"x" * 900)),
]


def payload(message):
    return message.payload.replace(b"\n", b"\r\n")


@table(BODIES)
def test_byte_identical(lab, body):
    """conformance: 5321 dots (arrive byte-identical)."""
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, body))
    message, = lab.bob.wait(token)
    assert payload(message) == body, f"{payload(message)[:200]!r}"


@table([(f"{size}", size) for size in (1, 2, 3, 7, 64, 1000, 4096)])
def test_any_packet_size(lab, size):
    """conformance: 5321 dots (a dot split over TCP segments)."""
    token = lab.token()
    body = b".\r\n..\r\n.x\r\n" + b"z" * 70 + b"\r\n.\r\n"
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        data = stuff(lab.message(token, body)) + b".\r\n"
        for at in range(0, len(data), size):
            client.send(data[at:at + size])
        client.want(250)
    message, = lab.bob.wait(token)
    assert payload(message) == body


def test_buffer_borders(lab):
    """conformance: 5321 dots (dots at every place near 4, 16, 64 and 128 KiB)."""
    token = lab.token()
    body = bytearray()
    for border in (4096, 16384, 65536, 131072):
        while len(body) < border - 40:
            body += b"f" * min(76, border - 40 - len(body)) + b"\r\n"
        body += b".\r\n" * 30
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, bytes(body)))
    message, = lab.bob.wait(token)
    assert payload(message) == bytes(body)


def test_large_random(lab):
    """conformance: 5321 dots (3 MiB of text, through a body file)."""
    token = lab.token()
    body = b"".join(os.urandom(30).hex().encode() + b"\r\n" for _ in range(50000))
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, body))
    message, = lab.bob.wait(token)
    assert payload(message) == body


def test_eight_bit(lab):
    """conformance: 6152 8BITMIME (arrives byte-identical)."""
    token = lab.token()
    body = bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, body),
                parameters="BODY=8BITMIME")
    message, = lab.bob.wait(token)
    assert payload(message) == body
