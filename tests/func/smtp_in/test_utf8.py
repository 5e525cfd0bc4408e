"""RFC 6531 on the way in and through."""

from harness import table


@table([
    ("sender", "grün@accept.test", "bob@example.test", "", (553, 550)),
    ("sender-with", "grün@accept.test", "bob@example.test", "SMTPUTF8", (250,)),
    ("sender-domain", "a@bücher.test", "bob@example.test", "SMTPUTF8", (250,)),
    ("recipient", "a@accept.test", "jürgen@example.test", "", (553, 550)),
    ("recipient-unknown", "a@accept.test", "jürgen@example.test", "SMTPUTF8", (550,)),
    ("value", "a@accept.test", "bob@example.test", "SMTPUTF8=1", (501, 555)),
    ("overlong", "a\\xc0\\xaf@accept.test", "bob@example.test", "SMTPUTF8", (501, 553, 550)),
    ("not-utf8", "a\\xff@accept.test", "bob@example.test", "SMTPUTF8", (501, 553, 550)),
])
def test_address(lab, sender, recipient, parameters, codes):
    """conformance: 6531 SMTPUTF8 (address without the parameter: 553/550 5.6.7)."""
    raw = sender.encode().replace(b"\\xc0", b"\xc0").replace(b"\\xaf", b"\xaf").replace(
        b"\\xff", b"\xff")
    with lab.connect() as client:
        client.hello()
        reply = client.cmd(b"MAIL FROM:<" + raw + b">" + (" " + parameters if parameters else "")
                           .encode())
        if reply.code == 250:
            reply = client.cmd(f"RCPT TO:<{recipient}>")
        assert reply.code in codes, reply.full
        if codes == (553, 550):
            assert reply.status == "5.6.7", reply.full


def test_headers_kept(lab):
    """conformance: 6532 (raw UTF-8 headers are kept)."""
    token = lab.token()
    lab.deliver("grün@accept.test", lab.bob.address,
                lab.message(token, more="X-Name: Jürgen\r\n"), parameters="SMTPUTF8")
    message, = lab.bob.wait(token)
    assert "X-Name: Jürgen\n".encode() in message.body.replace(b"\r\n", b"\n")
    assert " with UTF8SMTP" in message.headers("Received")[0]


def test_vrfy(lab):
    """RFC 6531 3.7.4.2: VRFY with SMTPUTF8 is answered sensibly."""
    with lab.connect() as client:
        client.hello()
        client.cmd("VRFY bob SMTPUTF8", 252, 501, 504)
