"""RFC 2920: groups of commands in one packet."""

from harness import Closed, table


def test_order(lab):
    """conformance: 2920 PIPELINING (replies in order, one per command)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.send(b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<bob@example.test>\r\n"
                    b"RCPT TO:<nobody@example.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(5)] == [250, 250, 550, 250, 354]
        client.send(lab.message(token) + b".\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 221]
        assert client.closed(5)
    lab.bob.wait(token)
    lab.ann.wait(token)


def test_two_messages_in_one_packet(lab):
    """conformance: 2920 PIPELINING (the next MAIL may follow the dot)."""
    one, two = lab.token(), lab.token()
    with lab.connect() as client:
        client.hello()
        envelope = b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
        client.send(envelope)
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        client.send(lab.message(one) + b".\r\n" + envelope)
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        client.send(lab.message(two) + b".\r\n")
        client.want(250)
    lab.bob.wait(one)
    lab.bob.wait(two)


def test_no_recipient(lab):
    """conformance: 2920 PIPELINING (DATA after only refused RCPT: 554/503)."""
    with lab.connect() as client:
        client.hello()
        client.send(b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(2)] == [250, 550]
        assert client.reply().code in (503, 554)
        client.cmd("RSET", 250)


@table([("text", True), ("commands", False)])
def test_nothing_after_data_before_354(lab, text):
    """conformance: 2920 PIPELINING (bytes after DATA before the 354 are refused: smuggling)."""
    token = lab.token()
    after = lab.message(token) + b".\r\n" if text else b"RSET\r\nQUIT\r\n"
    with lab.connect() as client:
        client.hello()
        client.send(b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n" + after)
        assert [client.reply().code for _ in range(2)] == [250, 250]
        reply = client.want(4, 5)
        assert reply.code in (421, 503, 550, 554), reply.full
    lab.assert_nothing(lab.bob, token)


@table([("taken", b"RCPT TO:<bob@example.test>\r\n"), ("refused", b"")])
def test_data_at_the_end_of_a_read(lab, recipient):
    """conformance: 2920 PIPELINING (the same where DATA ends what the server reads at once)."""
    token = lab.token()
    commands = b"MAIL FROM:<a@accept.test>\r\n" + recipient + b"DATA\r\n"
    with lab.connect() as client:
        client.hello()
        padding = (16384 - len(commands)) // 500
        noops = (b"NOOP " + b"x" * 493 + b"\r\n") * padding
        noops += b"NOOP " + b"x" * (16384 - len(commands) - len(noops) - 7) + b"\r\n"
        assert len(noops + commands) == 16384
        client.send(noops + commands + lab.message(token) + b".\r\n")
        codes = []
        try:
            while True:
                codes.append(client.reply().code)
        except Closed:
            pass
    assert 354 not in codes[:-1] and codes[-1] in (421, 503), codes
    lab.assert_nothing(lab.bob, token)


@table([(str(size), size) for size in (1, 3, 10, 50)])
def test_any_packets(lab, size):
    """conformance: 2920 PIPELINING (groups cut anywhere)."""
    token = lab.token()
    text = b"MAIL FROM:<a@accept.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
    with lab.connect() as client:
        client.hello()
        for at in range(0, len(text), size):
            client.send(text[at:at + size])
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        client.send(lab.message(token) + b".\r\n")
        client.want(250)
    lab.bob.wait(token)


def test_thousand_noops(lab):
    """conformance: 2920 PIPELINING (a long group does not block either side)."""
    with lab.connect() as client:
        client.hello()
        client.send(b"NOOP\r\n" * 1000)
        assert all(client.reply().code == 250 for _ in range(1000))


def test_client_leaves(lab):
    """Nothing is kept of a transaction whose client leaves within the text."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        client.send(lab.message(token, "half of it\r\n"))
    with lab.connect() as client:
        client.hello()
        try:
            client.cmd("QUIT", 221)
        except Closed as err:
            raise AssertionError("QUIT without a reply") from err
    lab.assert_nothing(lab.bob, token)


def test_talks_first(lab):
    """RFC 5321 4.3.1: a client that talks before the greeting is answered 5xx or waited for."""
    with lab.connect() as client:
        client.send(b"EHLO client.test\r\n")
        assert client.want(220, 5, 421).code in (220, 421, 550, 554)
