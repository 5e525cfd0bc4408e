"""The listeners on IPv6."""

from harness import Skip, SmtpClient, table


def connect(lab, listener):
    port = lab.listeners[listener][1]
    try:
        return SmtpClient("::1", port, tls=listener == "submissions")
    except OSError as err:
        raise Skip(f"no IPv6 here: {err}") from err


@table([(name, name) for name in ("mx", "submission", "submissions")])
def test_listens(lab, listener):
    """Issue 4a: IPv4 and IPv6."""
    with connect(lab, listener) as client:
        client.hello("[IPv6:::1]")


def test_received(lab):
    """RFC 5321 4.4 and 4.1.3: the client's address literal has the tag IPv6."""
    token = lab.token()
    with connect(lab, "mx") as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token))
    message, = lab.bob.wait(token)
    assert "[IPv6:::1]" in message.headers("Received")[0]


def test_no_relay(lab):
    """conformance: relay (from ::1 either)."""
    with connect(lab, "mx") as client:
        client.hello()
        client.cmd("MAIL FROM:<ann@example.test>", 250)
        assert client.cmd("RCPT TO:<x@accept.test>", 550).status == "5.7.1"
