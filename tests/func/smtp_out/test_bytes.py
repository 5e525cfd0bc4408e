"""What leaves the house is what came in, and follows the rules of the wire."""

from harness import table

BODIES = [
    ("dots", b".\r\n..\r\n.x\r\n...\r\n"),
    ("smuggle-like", b"a\r\n.\r\nMAIL FROM:<x@y.test>\r\n.\r\n"),
    ("line-998", b"y" * 998 + b"\r\n"),
    ("dot-line-998", b"." * 998 + b"\r\n"),
    ("empty-lines", b"\r\n\r\n\r\n"),
    ("empty", b""),
    ("300k", b"".join(b"%06d." % n + b"z" * 60 + b"\r\n" for n in range(4500))),
    ("blanks", b" \r\n\t\r\nx \r\n"),
]


@table([(f"{name}-{host}", body, host) for name, body in BODIES
        for host in ("accept.test", "nopipe.test", "starttls.test")])
def test_identical(lab, body, host):
    """conformance: 5321 outbound (no bare CR or LF, no unstuffed dot), 5321 dots."""
    token = lab.token()
    message = lab.message(token, body)
    lab.submit(f"{token}@{host}", message)
    mail, = lab.hosts.wait_mail(host, token)
    assert mail.envelope["violations"] == []
    assert mail.body.endswith(message), "changed on the way"
    added = mail.body[:len(mail.body) - len(message)]
    assert added.startswith(b"Received: ") and added.endswith(b"\r\n"), added[:200]


def test_long_line_refused(lab):
    """conformance: line length (body line over 998: refused or encoded, never wrapped)."""
    with lab.logged_in() as client:
        client.mail(lab.ann.address, "x@accept.test")
        client.data(lab.message(lab.token(), b"y" * 999 + b"\r\n"), 5)


def test_long_header_line_refused(lab):
    """conformance: line length (a header line over 998: refused like one of the body)."""
    with lab.logged_in() as client:
        client.mail(lab.ann.address, "x@accept.test")
        reply = client.data(lab.message(lab.token(), more="X-Long: " + "y" * 991 + "\r\n"), 554)
        assert "5.6.0" in reply.text


@table([("998", " "), ("folded", "\r\n\t")])
def test_long_field_as_it_came(lab, between):
    """conformance: line length (a field of 998 bytes on a line, or of many lines, is kept)."""
    token = lab.token()
    ids = between.join(f"<{n:02}.{'r' * 40}@x.test>" for n in range(18))
    more = "References: " + ids + "\r\n"
    if between == " ":
        more = "References: " + ids + " <" + "z" * (998 - len(more) - 1) + ">\r\n"
        assert len(more) == 1000
    lab.submit(f"{token}@accept.test", lab.message(token, more=more))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert more.encode() in mail.body


def test_hello(lab):
    """Issue 8b: we say our name, in ESMTP; that body and dot are one write, the unit test sees."""
    token = lab.token()
    lab.submit(f"{token}@accept.test", lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.envelope["hello"] == "mx.example.test" and mail.envelope["esmtp"]
