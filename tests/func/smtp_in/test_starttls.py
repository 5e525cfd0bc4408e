"""RFC 3207 and RFC 8314: TLS on the way in."""

import ssl

from harness import Closed, table

EXPECT_LOG = [r" warn \S+ \S*tls"]


@table([("mx", "mx"), ("submission", "submission")])
def test_offered_and_forgotten(lab, listener):
    """conformance: 3207 STARTTLS (offered before, not inside TLS; EHLO and envelope forgotten)."""
    with lab.connect(listener) as client:
        client.hello()
        assert "STARTTLS" in client.features
        if listener == "mx":
            client.mail("a@accept.test", lab.bob.address)
            client.cmd("RSET", 250)
        client.starttls(hello=None)
        client.cmd("MAIL FROM:<a@accept.test>", 503)
        client.hello(greeting=False)
        assert "STARTTLS" not in client.features
        client.cmd("STARTTLS", 502, 503)


def test_parameter(lab):
    """conformance: 3207 STARTTLS (parameter: 501)."""
    with lab.connect() as client:
        client.hello()
        client.cmd("STARTTLS now", 501)
        client.starttls()


@table([("noop", b"NOOP\r\n"), ("ehlo", b"EHLO evil.test\r\n"), ("half", b"MAIL FR"),
        ("envelope", b"EHLO x.test\r\nMAIL FROM:<evil@accept.test>\r\n")])
def test_plaintext_after(lab, injected):
    """conformance: 3207 STARTTLS (plaintext after STARTTLS is discarded, or the session ends)."""
    with lab.connect() as client:
        client.hello()
        client.send(b"STARTTLS\r\n" + injected)
        reply = client.want(220, 4, 5)
        if reply.code != 220:
            return
        try:
            client.handshake()
        except (ssl.SSLError, OSError):
            return
        try:
            client.hello(greeting=False)
            client.cmd("RCPT TO:<bob@example.test>", 503)
            assert client.quiet(0.2)
        except Closed:
            pass


def test_mail_inside(lab):
    """conformance: 8314 (with ESMTPS in Received, RFC 3848)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.starttls()
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token))
    message, = lab.bob.wait(token)
    assert " with ESMTPS " in message.headers("Received")[0]


@table([("mx", "mx"), ("submission", "submission"), ("submissions", "submissions")])
def test_versions(lab, listener):
    """conformance: 8314 (TLS 1.2 at least; 1.1 is refused)."""
    for version, good in ((ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True),
                          (ssl.TLSVersion.TLSv1_1, False)):
        with lab.connect(listener, tls=False) as client:
            if listener != "submissions":
                client.hello()
                client.cmd("STARTTLS", 220)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            try:
                context.wrap_socket(client.sock)
                assert good, f"{version} works"
            except (ssl.SSLError, OSError):
                assert not good, f"{version} does not work"


def test_implicit(lab):
    """conformance: 8314 (465: TLS from the first byte, no STARTTLS there)."""
    with lab.connect("submissions") as client:
        client.hello()
        assert "STARTTLS" not in client.features and "AUTH" in client.features
        client.cmd("STARTTLS", 502, 503)


@table([("garbage", b"GET / HTTP/1.1\r\n\r\n"), ("nothing", b""), ("smtp", b"EHLO x\r\n")])
def test_bad_handshake(lab, data):
    """conformance: 8314 (what is no TLS on 465 is dropped and harms nobody)."""
    import socket
    with socket.create_connection(lab.listeners["submissions"], 10) as sock:
        sock.sendall(data)
        if data:
            sock.settimeout(20)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    with lab.connect() as client:
        client.hello()
