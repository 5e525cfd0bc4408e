"""Only CRLF.CRLF ends a message: no other sequence may make two messages of one."""

from harness import Closed, table

# Sequences that some servers take for the end of DATA (conformance: 5321 data end).
ENDS = [
    ("lf-dot-lf", b"\n.\n"),
    ("lf-dot-crlf", b"\n.\r\n"),
    ("cr-dot-cr", b"\r.\r"),
    ("cr-dot-lf", b"\r.\n"),
    ("cr-dot-crlf", b"\r.\r\n"),
    ("lf-dot-cr", b"\n.\r"),
    ("crlf-dot-lf", b"\r\n.\n"),
    ("crlf-dot-cr", b"\r\n.\r"),
    ("crcrlf-dot-crcrlf", b"\r\r\n.\r\r\n"),
    ("crlf-nul-dot-crlf", b"\r\n\0.\r\n"),
    ("crlf-dot-nul-crlf", b"\r\n.\0\r\n"),
    ("crlf-dot-crcrlf", b"\r\n.\r\r\n"),
    ("crlf-dot-blank-crlf", b"\r\n. \r\n"),
]


def smuggled(lab, token):
    """The envelope and message that must never be taken for commands."""
    return (b"MAIL FROM:<smuggler@accept.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
            + lab.message(token) + b".\r\n")


@table(ENDS)
def test_one_message_or_refused(lab, end):
    """conformance: 5321 data end (smuggling: one message or a 5xx, never two)."""
    outer, inner = lab.token(), lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        body = lab.message(outer, "first").rstrip(b"\r\n")
        client.send(body + end + smuggled(lab, inner))
        reply = client.want(2, 5)
        try:
            # Were the smuggled lines commands, further replies would follow the first.
            client.send(b"RSET\r\n")
            client.want(250, 421)
            assert client.quiet(0.3), f"more replies: {client.buffer!r}"
        except Closed:
            pass
    count = 1 if reply.code == 250 else 0
    if count:
        lab.bob.wait(outer)
    assert len(lab.bob.messages(outer)) == count
    for message in lab.bob.messages(inner):
        assert outer.encode() in message.body, "the smuggled message was delivered by itself"


@table([("lf", b"\n"), ("cr", b"\r"), ("crcr", b"\r\r\n"), ("lf-twice", b"\n\n")])
def test_bare_in_data(lab, sequence):
    """conformance: 5321 data end (bare CR or LF in DATA is refused; nothing repaired)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token, b"one" + sequence + b"two\r\n"), 5)
    lab.assert_nothing(lab.bob, token)


@table([
    ("noop-lf", b"NOOP\n"), ("ehlo-lf", b"EHLO client.test\n"), ("noop-cr", b"NOOP\rNOOP\r\n"),
    ("mail-lf", b"MAIL FROM:<a@accept.test>\n"), ("crcrlf", b"NOOP\r\r\n"),
    ("nul", b"NOOP \0\r\n"),
])
def test_bare_in_command(lab, line):
    """conformance: 5321 data end (bare CR, bare LF or NUL in a command: refused)."""
    with lab.connect() as client:
        client.hello()
        client.send(line + b"\r\n")
        assert client.want(5).code in (500, 501, 502, 555, 550, 554)


@table([("end-lf", b"text\n"), ("end-cr", b"text\r"), ("only-cr", b"\r")])
def test_bare_at_the_end(lab, rest):
    """conformance: 5321 data end (bare CR or LF at the very end of input, then a hang-up)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        client.send(lab.message(token) + rest)
    with lab.connect() as client:
        client.hello()
    lab.assert_nothing(lab.bob, token)


def test_dot_over_packets(lab):
    """conformance: 5321 dots (the final CRLF.CRLF may come in five packets)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        client.send(lab.message(token, "text"))
        for byte in (b"\r", b"\n", b".", b"\r", b"\n"):
            client.send(byte)
            assert byte == b"\n" or client.quiet(0.05)
        client.want(250)
    lab.bob.wait(token)
