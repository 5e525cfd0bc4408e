"""Limits of RFC 5321 4.5.3 and how they are told."""

from harness import Closed, table

OPTIONS = ["recipients-max 100", "message-size-max 200K", "header-size-max 16K",
           "body-memory-max 8K"]

LABEL = "d" * 60 + "."


@table([
    ("local-64", "l" * 64 + "@accept.test", 250),
    ("local-65", "l" * 65 + "@accept.test", 5),
    ("path-256", "a@" + LABEL * 4 + "e" * 3 + ".test", 250),
    ("path-257", "a@" + LABEL * 4 + "e" * 4 + ".test", 5),
    ("domain-256", "a@" + LABEL * 4 + "e" * 7 + ".test", 5),
    ("label-64", "a@" + "d" * 64 + ".test", 5),
])
def test_path_length(lab, sender, code):
    """conformance: 5321 limits (local part 64, domain 255, path 256)."""
    with lab.connect() as client:
        client.hello()
        client.cmd(f"MAIL FROM:<{sender}>", code)


@table([("512", 512, 250), ("513", 513, 500), ("2000", 2000, 500), ("100000", 100000, 500)])
def test_command_line(lab, size, code):
    """conformance: 5321 limits (command line 512 octets; longer: 500, once; the session lives)."""
    with lab.connect() as client:
        client.hello()
        client.send(b"NOOP " + b"x" * (size - 7) + b"\r\n")
        client.want(code)
        client.cmd("NOOP", 250)


@table([("1000", 998, 250), ("1001", 999, 5), ("100000", 100000, 5)])
def test_text_line(lab, size, code):
    """conformance: 5321 limits (text line of 1000 octets with its CRLF), line length."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token, b"y" * size + b"\r\n"), code)
    if code == 250:
        lab.bob.wait(token)


def test_recipients(lab):
    """conformance: 5321 limits (100 accepted, the next 452 4.5.3, the accepted get the mail)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.cmd("MAIL FROM:<a@accept.test>", 250)
        client.send("".join(f"RCPT TO:<bob+{n}@example.test>\r\n" for n in range(103)))
        replies = [client.reply() for _ in range(103)]
        assert [r.code for r in replies[:100]] == [250] * 100
        for reply in replies[100:]:
            assert (reply.code, reply.status) == (452, "4.5.3"), reply.full
        client.data(lab.message(token))
    lab.bob.wait(token, count=100, timeout=30)


def test_limits_announced(lab):
    """conformance: 9422 LIMITS (announced; test_recipients and test_messages: and enforced)."""
    with lab.connect() as client:
        client.hello()
        limits = dict(w.split("=") for w in client.features["LIMITS"].split())
        assert limits["RCPTMAX"] == "100", limits
        assert int(limits["MAILMAX"]) >= 1


@table([
    ("declared-too-big", "SIZE=204801", 552),
    ("declared-overflow", "SIZE=99999999999999999999", 552),
    ("declared-fits", "SIZE=204800", 250),
    ("declared-zero", "SIZE=0", 250),
])
def test_size_declared(lab, parameter, code):
    """conformance: 1870 SIZE (limit shown; above it 552 5.3.4 at MAIL; no overflow)."""
    with lab.connect() as client:
        client.hello()
        assert client.features["SIZE"] == "204800"
        reply = client.cmd(f"MAIL FROM:<a@accept.test> {parameter}", code)
        assert code == 250 or reply.status == "5.3.4", reply.full


def test_size_undeclared(lab):
    """conformance: 1870 SIZE (undeclared too-big DATA is drained to the dot, then 552 5.3.4)."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        reply = client.data(lab.message(token, b"z" * 70 + b"\r\n") + (b"z" * 70 + b"\r\n") * 5000,
                            552)
        assert reply.status == "5.3.4", reply.full
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token, "small\r\n"))
    lab.bob.wait(token)


def test_header_block(lab):
    """Issue 4d: a header block over its limit is refused, named, and the session lives."""
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        more = "".join(f"X-Pad-{n}: {'p' * 70}\r\n" for n in range(400))
        reply = client.data(lab.message(lab.token(), more=more), 5)
        assert reply.code in (552, 554), reply.full
        client.cmd("NOOP", 250)


def test_header_without_end(lab):
    """Issue 4d: headers only, no empty line, over the limit."""
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.data(b"X-A: b\r\n" * 20000, 5)
        client.cmd("NOOP", 250)


def test_many_sessions(lab):
    """Issue 4d: fifty connections of one client are served."""
    clients = []
    try:
        for _ in range(50):
            clients.append(lab.connect())
        for client in clients:
            client.hello()
    except Closed as err:
        raise AssertionError("refused too early") from err
    finally:
        for client in clients:
            client.close()


def test_header_is_judged_whole(lab):
    """A header block that comes with so much body that both are over body-memory-max."""
    token = lab.token()
    text = "".join(f"X-Field-{n}: {'x' * 900}\r\n" for n in range(6)).encode()
    reply = lab.submit("bob@example.test", text + lab.message(token, "Hello.\r\n" * 1000))
    assert reply.code == 250, reply.full
    found = lab.bob.wait(token)[0]
    assert len(found.headers("Date")) == 1 and len(found.headers("X-Field-5")) == 1
