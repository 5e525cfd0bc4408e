"""RFC 3030: BDAT."""

from harness import table

OPTIONS = ["message-size-max 200K"]


def begin(lab, client, *recipients):
    client.hello()
    client.mail("a@accept.test", *(recipients or [lab.bob.address]))


@table([("one", 1), ("two", 2), ("many", 40)])
def test_chunks(lab, count):
    """conformance: 3030 CHUNKING (one reply per chunk, the verdict after LAST; body as sent)."""
    token = lab.token()
    body = b".\r\n..\r\n.x\r\nplain\r\n" * 20
    message = lab.message(token, body)
    size = -(-len(message) // count)
    with lab.connect() as client:
        begin(lab, client)
        for at in range(0, len(message), size):
            client.bdat(message[at:at + size], last=at + size >= len(message))
        assert client.quiet(0.1)
    found, = lab.bob.wait(token)
    assert found.payload.replace(b"\n", b"\r\n") == body


def test_zero_last(lab):
    """conformance: 3030 CHUNKING (BDAT 0 LAST)."""
    token = lab.token()
    with lab.connect() as client:
        begin(lab, client)
        client.bdat(lab.message(token), last=False)
        client.bdat(b"", last=True)
    lab.bob.wait(token)


def test_pipelined(lab):
    """conformance: 3030 CHUNKING (a whole transaction in one packet)."""
    token = lab.token()
    message = lab.message(token)
    with lab.connect() as client:
        client.hello()
        client.send(b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<bob@example.test>\r\n"
                    + b"BDAT %d LAST\r\n" % len(message) + message + b"NOOP\r\n")
        assert [client.reply().code for _ in range(4)] == [250] * 4
    lab.bob.wait(token)


def test_octets_consumed_when_refused(lab):
    """conformance: 3030 CHUNKING (chunk octets are consumed even when BDAT is refused)."""
    with lab.connect() as client:
        client.hello()
        client.send(b"BDAT 20 LAST\r\nRCPT TO:<a@b.test>\r\n" + b"NOOP\r\n")
        assert client.want(503).code == 503
        client.want(250)
        client.cmd("MAIL FROM:<a@accept.test>", 250)
        client.cmd("RCPT TO:<nobody@example.test>", 550)
        client.send(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        assert client.want(5).code in (503, 554)
        client.want(250)


def test_not_mixed(lab):
    """conformance: 3030 CHUNKING (DATA after BDAT 503; BDAT after DATA begins anew: 503)."""
    with lab.connect() as client:
        begin(lab, client)
        client.bdat(b"Subject: x\r\n", last=False)
        client.cmd("DATA", 503)
        client.cmd("RCPT TO:<ann@example.test>", 503)
        client.cmd("RSET", 250)
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(lab.token()))
        client.send(b"BDAT 4 LAST\r\nx\r\n\n")
        client.want(503)


def test_rset_forgets(lab):
    """conformance: 3030 CHUNKING (RSET resets what was counted and what was sent)."""
    token, gone = lab.token(), lab.token()
    with lab.connect() as client:
        begin(lab, client)
        client.bdat(lab.message(gone, b"z" * 70 + b"\r\n") * 500, last=False)
        for _ in range(5):
            client.cmd("RSET", 250)
            client.mail("a@accept.test", lab.bob.address)
            client.bdat(b"X-A: b\r\n" * 1000, last=False)
        client.cmd("RSET", 250)
        client.mail("a@accept.test", lab.bob.address)
        client.bdat(lab.message(token))
    lab.bob.wait(token)
    lab.assert_nothing(lab.bob, gone)


@table([
    ("no-size", b"BDAT"), ("word", b"BDAT x LAST"), ("negative", b"BDAT -1 LAST"),
    ("tail", b"BDAT 0 FIRST"), ("more", b"BDAT 0 LAST LAST"), ("tab", b"BDAT\t6 LAST"),
    ("long", b"BDAT " + b"0" * 600 + b"6 LAST"), ("very-long", b"BDAT " + b"0" * 3000 + b"6"),
    ("bare-lf", b"BDAT 6 LAST\nNOOP"), ("nul", b"BDAT 6 \0LAST"),
])
def test_syntax(lab, line):
    """conformance: 3030 CHUNKING (what cannot be read: its octets are never commands)."""
    with lab.connect() as client:
        begin(lab, client)
        client.send(line + b"\r\nNOOP\r\n")
        client.want(500, 501)
        assert client.closed(5), "octets behind an unreadable BDAT were taken for commands"


@table([("huge", b"99999999999999999999"), ("over", b"204801")])
def test_too_big(lab, size):
    """conformance: 3030 CHUNKING (huge size: 552 and drained or closed)."""
    with lab.connect() as client:
        begin(lab, client)
        client.send(b"BDAT " + size + b" LAST\r\n" + (b"x" * 204801 if size == b"204801" else b""))
        assert client.want(552, 501, 421).code in (552, 501, 421)


def test_sum_too_big(lab):
    """conformance: 3030 CHUNKING (the sum of the chunks counts)."""
    with lab.connect() as client:
        begin(lab, client)
        chunk = b"X-Pad: " + b"p" * 60 + b"\r\n"
        codes = [client.bdat(b"Subject: x\r\n\r\n" + chunk * 1000, last=False,
                             codes=(250, 552)).code for _ in range(4)]
        assert codes[0] == 250 and codes[-1] == 552, codes
        client.cmd("RSET", 250)


@table([("bare-lf", b"a\nb\r\n"), ("bare-cr", b"a\rb\r\n")])
def test_bare(lab, body):
    """conformance: 5321 data end (bare CR or LF refused in BDAT too: never sent on)."""
    token = lab.token()
    with lab.connect() as client:
        begin(lab, client)
        client.bdat(lab.message(token, body), codes=(5,))
    lab.assert_nothing(lab.bob, token)


def test_no_final_crlf(lab):
    """conformance: 3030 CHUNKING (a body without final CRLF, ending in a dot, goes out whole)."""
    token = lab.token()
    with lab.logged_in() as client:
        client.mail(lab.ann.address, "x@accept.test")
        client.bdat(lab.message(token, b"line\r\n."))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.body.endswith((b"line\r\n.", b"line\r\n.\r\n")), mail.body[-20:]


def test_split_dot_crlf(lab):
    """conformance: 3030 CHUNKING, 5321 outbound (CRLF.CRLF inside a chunk is text)."""
    token = lab.token()
    body = b"one\r\n.\r\nMAIL FROM:<evil@accept.test>\r\n.\r\n"
    with lab.logged_in() as client:
        client.mail(lab.ann.address, "x@accept.test")
        message = lab.message(token, body)
        at = message.index(b"\r\n.\r\n") + 3
        client.bdat(message[:at], last=False)
        client.bdat(message[at:])
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.body.endswith(body)
