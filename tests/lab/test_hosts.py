"""The lab is known good before it judges Frank: each temper, each strict check, the zone."""

import os
import smtplib
import subprocess
import sys
import time

from harness import Closed, SmtpClient, Skip, table
from hosts import ROOT, wait_until

SERVER = "hosts"
PARALLEL = 8
HOSTS = os.path.join(ROOT, "lab", "hosts.py")
MESSAGE = b"From: <a@example.test>\r\nSubject: %s\r\n\r\nHello.\r\n"


def connect(lab, name):
    host, port = lab.address(name)
    return SmtpClient(host, port)


def token():
    return f"t{time.time_ns()}"


def attempt(lab, name, word, recipients=None):
    """A whole delivery: (stage that refused or 'dot', its reply)."""
    with connect(lab, name) as client:
        reply = client.reply()
        if reply.code != 220:
            return "connect", reply
        steps = [("ehlo", "EHLO client.test"), ("mail", f"MAIL FROM:<{word}@a.test>")]
        steps += [("rcpt", f"RCPT TO:<{r}@{name}>") for r in recipients or ["x"]]
        for stage, line in steps:
            reply = client.cmd(line)
            if reply.code != 250:
                return stage, reply
        reply = client.cmd("DATA")
        if reply.code != 354:
            return "data", reply
        client.send(MESSAGE % word.encode() + b".\r\n")
        return "dot", client.reply()


# name of the host, stage, code, status
@table([(row[0], *row) for row in [
    ("accept.test", "dot", 250, "2.0.0"),
    ("unknown.test", "rcpt", 550, "5.1.1"),
    ("full.test", "rcpt", 552, "5.2.2"),
    ("grey.test", "rcpt", 451, "4.7.1"),
    ("ptr.test", "rcpt", 550, "5.7.25"),
    ("tls.test", "mail", 530, "5.7.0"),
    ("smart.test", "mail", 530, "5.7.0"),
    ("hello5xx.test", "ehlo", 550, "5.7.1"),
    ("helo.test", "ehlo", 502, "5.5.1"),
    ("oddcode.test", "rcpt", 599, ""),
    ("always451.test", "rcpt", 451, "4.3.0"),
    ("busy.test", "connect", 421, "4.3.2"),
    ("never-mail.test", "mail", 550, "5.7.1"),
    ("never-data.test", "data", 554, "5.7.1"),
    ("never-dot.test", "dot", 554, "5.7.1"),
    ("later-connect.test", "connect", 421, "4.3.2"),
    ("later-ehlo.test", "ehlo", 421, "4.3.0"),
    ("later-mail.test", "mail", 451, "4.3.0"),
    ("later-rcpt.test", "rcpt", 450, "4.2.0"),
    ("later-data.test", "data", 451, "4.3.0"),
    ("later-dot.test", "dot", 451, "4.3.0"),
    ("twoaddr.test", "dot", 250, "2.0.0"),
    ("aonly.test", "dot", 250, "2.0.0"),
]])
def test_temper(lab, name, stage, code, status):
    """The host refuses at its stage with its code, and keeps nothing it refused."""
    word = token()
    got, reply = attempt(lab, name, word)
    assert (got, reply.code) == (stage, code), f"{got}: {reply.full}"
    if status:
        assert reply.status == status, reply.full
    assert len(lab.mail(name, word)) == (1 if code == 250 else 0)


@table([(n, n) for n in ("grey.test", "later-connect.test", "later-mail.test", "later-rcpt.test",
                         "later-data.test", "later-dot.test")])
def test_second_time(lab, name):
    """What fails the first time works the second; greylisting counts each recipient."""
    word = token()
    attempt(lab, name, word)
    stage, reply = attempt(lab, name, word)
    assert (stage, reply.code) == ("dot", 250), reply.full
    if name == "grey.test":
        assert attempt(lab, name, word, ["other"])[1].code == 451


def test_poor_reputation(lab):
    """The two lines of the issue, as they are, then the end of the connection."""
    with connect(lab, "gateway.test") as client:
        assert client.line() == b"554-gateway.test"
        assert client.line() == (
            b"554 Your access to this mail system has been rejected due to the sending MTA's poor "
            b"reputation. If you believe that this failure is in error, please contact the "
            b"intended recipient via alternate means.")
        assert client.closed(2)


@table([(n, n) for n in ("drop.test", "kept.test", "reset-dot.test")])
def test_closes_after_dot(lab, name):
    """No reply to the dot; kept.test has the message all the same."""
    word = token()
    try:
        raise AssertionError(attempt(lab, name, word))
    except Closed:
        pass
    wait_until(lambda: len(lab.mail(name, word)) == (1 if name == "kept.test" else 0), 5, name)


@table([(n, n) for n in ("close-mail.test", "close-data.test", "mute.test", "tlsbroken.test")])
def test_closes(lab, name):
    """Closes without a reply."""
    try:
        if name == "tlsbroken.test":
            with connect(lab, name) as client:
                client.hello()
                client.cmd("STARTTLS", 220)
                client.reply()
        else:
            attempt(lab, name, token())
    except Closed:
        return
    raise AssertionError("did not close")


def test_slow(lab):
    """One byte a second."""
    with connect(lab, "slow.test") as client:
        began = time.monotonic()
        client.sock.settimeout(20)
        assert client.want(220).text == "s"
        assert 5 < time.monotonic() - began < 9


def test_silent(lab):
    """Accepts the connection and says nothing."""
    with connect(lab, "silent.test") as client:
        assert client.quiet(0.5)
        client.send("EHLO x\r\n")
        assert client.quiet(0.5)


def test_no_host(lab):
    """The connection is refused."""
    try:
        connect(lab, "nohost.test")
    except ConnectionRefusedError:
        return
    raise AssertionError("somebody listens")


def test_dns_only(lab):
    """Domains without a host say so."""
    assert lab.address("nullmx.test") == (None, None)


def test_tls_only(lab):
    """530 before STARTTLS, mail behind it; the envelope knows."""
    word = token()
    with connect(lab, "tls.test") as client:
        client.hello()
        client.cmd("MAIL FROM:<a@a.test>", 530)
        client.starttls()
        assert "STARTTLS" not in client.features
        client.mail("a@a.test", "x@tls.test")
        client.data(MESSAGE % word.encode())
    mail, = lab.wait_mail("tls.test", word)
    assert mail.envelope["tls"] and mail.envelope["tls_version"].startswith("TLSv1.")
    assert "STARTTLS" in mail.used


def test_tls_inject(lab):
    """Lines behind the 220, in the same packet, before the handshake."""
    with connect(lab, "tlsinject.test") as client:
        client.hello()
        client.cmd("STARTTLS", 220)
        assert client.want(250).lines[-1] == "SIZE 1"
        client.handshake()
        client.hello(greeting=False)
        assert client.features["SIZE"] != "1"


def test_tls_unavailable(lab):
    """454 to STARTTLS, plain mail is taken."""
    word = token()
    with connect(lab, "tls454.test") as client:
        client.hello()
        client.cmd("STARTTLS", 454)
        client.mail("a@a.test", "x@tls454.test")
        client.data(MESSAGE % word.encode())
    lab.wait_mail("tls454.test", word)


@table([("plain", "plain"), ("login", "login"), ("wrong", "wrong")])
def test_smart_host(lab, kind):
    """AUTH PLAIN and LOGIN; a wrong password is 535."""
    with connect(lab, "smart.test") as client:
        client.hello()
        client.starttls()
        if kind == "wrong":
            client.auth_plain("frank", "wrong", 535)
            return
        getattr(client, "auth_" + kind)("frank", "smarthost-secret")
        word = token()
        client.mail("a@a.test", "x@elsewhere.test")
        client.data(MESSAGE % word.encode())
    mail, = lab.wait_mail("smart.test", word)
    assert mail.envelope["login"] == "frank"


@table([(row[0], *row) for row in [
    ("no8bit.test", "8BITMIME"), ("noutf8.test", "SMTPUTF8"), ("nopipe.test", "PIPELINING"),
    ("nodsn.test", "DSN"), ("nochunk.test", "CHUNKING")]])
def test_without(lab, name, extension):
    """The extension is not offered; elsewhere it is."""
    with connect(lab, name) as client, connect(lab, "accept.test") as usual:
        client.hello()
        usual.hello()
        assert extension not in client.features and extension in usual.features


def test_helo_only(lab):
    """EHLO 502, HELO works."""
    with connect(lab, "helo.test") as client:
        client.want(220)
        client.cmd("EHLO c.test", 502)
        client.cmd("HELO c.test", 250)
        client.mail("a@a.test", "x@helo.test")
        client.data(MESSAGE % b"x")


def test_partial(lab):
    """One recipient refused, one later, one accepted."""
    word = token()
    with connect(lab, "partial.test") as client:
        client.hello()
        client.cmd(f"MAIL FROM:<{word}@a.test>", 250)
        client.cmd("RCPT TO:<refused1@partial.test>", 550)
        client.cmd("RCPT TO:<later1@partial.test>", 451)
        client.cmd("RCPT TO:<good@partial.test>", 250)
        client.data(MESSAGE % word.encode())
    mail, = lab.wait_mail("partial.test", word)
    assert mail.recipients == ["good@partial.test"]


@table([("announced", "limits.test", 3, 1), ("silent", "few.test", 2, 0)])
def test_rcptmax(lab, name, count, violations):
    """Recipients over the limit get 452 4.5.3; announced, more of them is a violation."""
    with connect(lab, name) as client:
        client.hello()
        client.cmd("MAIL FROM:<a@a.test>", 250)
        for number in range(count):
            client.cmd(f"RCPT TO:<x{number}@{name}>", 250)
        assert client.cmd(f"RCPT TO:<more@{name}>", 452).status == "4.5.3"
    assert len(lab.violations(name)) == violations


def test_mailmax(lab):
    """The third message of a connection to mailmax.test is refused."""
    with connect(lab, "mailmax.test") as client:
        client.hello()
        for _ in range(2):
            client.mail("a@a.test", "x@mailmax.test")
            client.data(MESSAGE % b"x")
        client.cmd("MAIL FROM:<a@a.test>", 451)


def test_small(lab):
    """SIZE is announced and enforced, declared or not."""
    with connect(lab, "small.test") as client:
        client.hello()
        assert client.features["SIZE"] == "10000"
        client.cmd("MAIL FROM:<a@a.test> SIZE=10001", 552)
        client.mail("a@a.test", "x@small.test", parameters="SIZE=100")
        client.data(MESSAGE % b"x" + b"x\r\n" * 4000, 552)


def test_differing_codes(lab):
    """Lines of one reply with two codes, as sent."""
    with connect(lab, "codes.test") as client:
        client.hello()
        client.mail("a@a.test")
        client.send("RCPT TO:<x@codes.test>\r\n")
        assert client.line().startswith(b"450-") and client.line().startswith(b"550 ")


def test_data_without_recipients(lab):
    """354 though all recipients were refused, then 554."""
    with connect(lab, "nothing354.test") as client:
        client.hello()
        client.mail("a@a.test")
        client.cmd("RCPT TO:<x@nothing354.test>", 550)
        client.cmd("DATA", 354)
        client.cmd(".", 554)
    assert not lab.mail("nothing354.test")


def test_garbage(lab):
    """A greeting that is no SMTP."""
    with connect(lab, "garbage.test") as client:
        assert client.line().startswith(b"HTTP/1.1")


@table([("line", "endless.test", 0), ("lines", "endlesslines.test", 1)])
def test_endless(lab, name, ends):
    """A reply that does not end; it stops when the client goes."""
    with connect(lab, name) as client:
        data = b""
        while len(data) < 100000:
            data += client.sock.recv(65536)
        assert (b"\r\n" in data) == bool(ends)
    wait_until(lambda: lab.events(event="close", host=name), 5, "closed")


def test_control_characters(lab):
    """Bell and escape in a reply."""
    with connect(lab, "control.test") as client:
        client.hello()
        client.mail("a@a.test")
        assert "\a" in client.cmd("RCPT TO:<x@control.test>", 550).text


def test_dots_and_bytes(lab):
    """Stuffed dots are taken away, all else is kept as it is; BDAT needs no stuffing."""
    body = MESSAGE % token().encode() + b".\r\n..\r\n.x\r\n\xc3\xbc\r\n" + b"y" * 998 + b"\r\n"
    word = body.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
    with connect(lab, "accept.test") as client:
        client.hello()
        client.mail("a@a.test", "x@accept.test", parameters="BODY=8BITMIME")
        client.data(body)
        client.mail("a@a.test", "x@accept.test", parameters="BODY=8BITMIME")
        client.bdat(body[:100], last=False)
        client.bdat(body[100:])
    first, second = lab.wait_mail("accept.test", word, count=2)
    assert first.body == body and second.body == body
    assert "CHUNKING" in second.used and "CHUNKING" not in first.used
    assert not first.envelope["violations"] and not second.envelope["violations"]


# what the client sends in one packet after EHLO (or before the greeting), what is reported
PREFIX = b"MAIL FROM:<a@a.test>\r\nRCPT TO:<x@h.test>\r\nDATA\r\n"


@table([
    ("bare-lf-command", "accept.test", [b"NOOP\n"], "bare-lf"),
    ("bare-cr-command", "accept.test", [b"NOOP \rx\r\n"], "bare-cr"),
    ("long-command", "accept.test", [b"NOOP " + b"x" * 600 + b"\r\n"], "command-too-long"),
    ("unknown-command", "accept.test", [b"XYZZY\r\n"], "unknown-command"),
    ("no-brackets", "accept.test", [b"MAIL FROM:a@a.test\r\n"], "syntax"),
    ("blank-after-colon", "accept.test", [b"MAIL FROM: <a@a.test>\r\n"], "syntax"),
    ("parameter-unknown", "accept.test", [b"MAIL FROM:<a@a.test> FOO=1\r\n"], "parameter-unknown"),
    ("parameter-twice", "accept.test", [b"MAIL FROM:<a@a.test> SIZE=1 SIZE=1\r\n"],
     "parameter-twice"),
    ("8bitmime", "no8bit.test", [b"MAIL FROM:<a@a.test> BODY=8BITMIME\r\n"],
     "parameter-without-extension"),
    ("smtputf8", "noutf8.test", [b"MAIL FROM:<a@a.test> SMTPUTF8\r\n"],
     "parameter-without-extension"),
    ("dsn-mail", "nodsn.test", [b"MAIL FROM:<a@a.test> RET=HDRS\r\n"],
     "parameter-without-extension"),
    ("dsn-rcpt", "nodsn.test", [b"MAIL FROM:<a@a.test>\r\nRCPT TO:<x@h.test> NOTIFY=NEVER\r\n"],
     "parameter-without-extension"),
    ("utf8-address", "accept.test", ["MAIL FROM:<ü@a.test>\r\n".encode()],
     "utf8-address-without-smtputf8"),
    ("rcpt-first", "accept.test", [b"RCPT TO:<x@h.test>\r\n"], "order"),
    ("pipelining", "nopipe.test", [b"NOOP\r\nNOOP\r\n"], "pipelining-without-extension"),
    ("after-data", "accept.test", [PREFIX + b"x\r\n.\r\n"], "not-last-in-group"),
    ("bdat", "nochunk.test", [b"MAIL FROM:<a@a.test>\r\nRCPT TO:<x@h.test>\r\n",
                              b"BDAT 3 LAST\r\nx\r\n"], "bdat-without-extension"),
    ("unstuffed", "accept.test", [PREFIX, b"a\r\n.b\r\n.\r\n"], "unstuffed-dot"),
    ("unstuffed-first", "accept.test", [PREFIX, b".b\r\n.\r\n"], "unstuffed-dot"),
    ("bare-lf", "accept.test", [PREFIX, b"a\nb\r\n.\r\n"], "bare-lf"),
    ("bare-cr", "accept.test", [PREFIX, b"a\rb\r\n.\r\n"], "bare-cr"),
    ("nul", "accept.test", [PREFIX, b"a\0b\r\n.\r\n"], "nul"),
    ("long-line", "accept.test", [PREFIX, b"x" * 1000 + b"\r\n.\r\n"], "line-too-long"),
    ("8bit-body", "accept.test", [PREFIX, b"A: b\r\n\r\n\xfc\r\n.\r\n"],
     "8bit-body-without-8bitmime"),
    ("8bit-header", "accept.test", [PREFIX, b"A: \xc3\xbc\r\n\r\nx\r\n.\r\n"],
     "8bit-header-without-smtputf8"),
    ("plaintext-tls", "starttls.test", [b"STARTTLS\r\nNOOP\r\n"], "plaintext-after-starttls"),
    ("hello-name", "accept.test", [b"EHLO under_score\r\n"], "hello-name"),
])
def test_violation(lab, name, packets, rule):
    """What the client does wrong is in the log under its name, and nothing else is."""
    hello = f"c{time.time_ns()}.test"
    with connect(lab, name) as client:
        client.hello(hello)
        for packet in packets:
            client.send(packet)
            client.quiet(0.2)
    session = lab.events(event="command", text=f"EHLO {hello}")[0]["session"]
    wait_until(lambda: lab.events(event="close", session=session), 5, "closed")
    found = {x["violation"] for x in lab.events(event="violation", session=session)}
    assert found == {rule}, found


@table([("in-one-packet", True, set()), ("after-the-refusal", False, {"order"})])
def test_behind_refused_mail(lab, together, rules):
    """RFC 2920 3.1: what is sent before MAIL is refused is no fault, what is sent after it is."""
    hello = f"c{time.time_ns()}.test"
    rest = b"RCPT TO:<x@never-mail.test>\r\nDATA\r\n"
    with connect(lab, "never-mail.test") as client:
        client.hello(hello)
        client.send(b"MAIL FROM:<a@a.test>\r\n" + (rest if together else b""))
        client.want(550)
        client.send(b"" if together else rest)
        client.want(503)
        client.want(503)
        client.cmd("QUIT", 221)
    session = lab.events(event="command", text=f"EHLO {hello}")[0]["session"]
    found = {x["violation"] for x in lab.events(event="violation", session=session)}
    assert found == rules, found


def test_announced_is_what_was_said(lab):
    """An EHLO reply of the host's own rule decides what may be used; the next one, too."""
    hello = f"c{time.time_ns()}.test"
    with connect(lab, "later-ehlo.test") as client:
        client.want(220)
        client.cmd(f"EHLO {hello}", 421, 250)       # the later one, or another test has had it
        client.hello(hello, greeting=False)
        client.send(b"NOOP\r\nNOOP\r\n")
        client.want(250)
        client.want(250)
    session = lab.events(event="command", text=f"EHLO {hello}")[0]["session"]
    found = {x["violation"] for x in lab.events(event="violation", session=session)}
    assert found == {"not-last-in-group"}, found


def test_early_talker(lab):
    """Talking before the greeting is seen."""
    with connect(lab, "late.test") as client:
        client.send("EHLO client.test\r\n")
        client.want(220)
        client.want(250)
    assert [x["violation"] for x in lab.violations("late.test")] == ["talks-before-greeting"]


def test_smtplib_is_clean(lab):
    """Python's own client breaks no rule and its message arrives."""
    word = token()
    host, port = lab.address("starttls.test")
    with smtplib.SMTP(host, port, local_hostname="client.test") as smtp:
        smtp.starttls()
        smtp.sendmail("a@a.test", ["x@starttls.test"], MESSAGE % word.encode())
    mail, = lab.wait_mail("starttls.test", word)
    assert mail.envelope["violations"] == []


def test_swaks_is_clean(lab):
    """swaks, too; with pipelining its DATA is the last of its group."""
    if subprocess.run(["which", "swaks"], capture_output=True, check=False).returncode:
        raise Skip("no swaks")
    host, port = lab.address("aonly.test")
    word = token()
    subprocess.run(["swaks", "--server", f"{host}:{port}", "--from", "a@a.test", "--to",
                    "x@aonly.test", "--header", f"Subject: {word}", "--pipeline",
                    "--ehlo", "client.test"], check=True, capture_output=True, timeout=20)
    mail, = lab.wait_mail("aonly.test", word)
    assert mail.envelope["violations"] == [] and "PIPELINING" in mail.used


def test_zone(lab):
    """One record a line; MX of each domain; words for what no record can say."""
    zone = subprocess.run([sys.executable, HOSTS, "--print-zone"], check=True, text=True,
                          capture_output=True).stdout
    with open(os.path.join(lab.folder, "zone"), encoding="utf-8") as file:
        assert file.read() == zone
    lines = [line.split() for line in zone.splitlines() if line and not line.startswith(";")]
    for words in (["accept.test", "60", "MX", "10", "mx.accept.test"],
                  ["mx.accept.test", "60", "A", "127.0.1.1"],
                  ["1.1.0.127.in-addr.arpa", "60", "PTR", "mx.accept.test"],
                  ["1.0.0.127.in-addr.arpa", "60", "PTR", "mx.example.test"],
                  ["nullmx.test", "60", "MX", "0", "."], ["servfail.test", "SERVFAIL"],
                  ["nxdomain.test", "NXDOMAIN"], ["timeout.test", "TIMEOUT"],
                  ["bogus.test", "BOGUS"], ["nodata.test", "NODATA"]):
        assert words in lines, words


@table([("unknown-key", "[a.test]\nfoo = 1\n", "'foo' is unknown"),
        ("stage", "[a.test]\nat lunch = 250 ok\n", "one of connect"),
        ("address", "[a.test]\naddress = 192.0.2.1\n", "no loopback"),
        ("twice", "[a.test]\naddress = 127.0.1.1\n[b.test]\naddress = 127.0.1.1\n", "two hosts")])
def test_bad_conf(lab, text, words):
    """A mistake in hosts.conf is told, not guessed around."""
    path = os.path.join(lab.folder, f"bad{time.time_ns()}.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([sys.executable, HOSTS, "--conf", path, "--list"], text=True,
                          capture_output=True, check=False)
    assert done.returncode != 0 and words in done.stderr, done.stderr
