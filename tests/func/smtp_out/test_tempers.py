"""Each temper of the lab leads to its outcome: delivered, bounced, or still waiting."""

import time

from harness import queue_id, table
from hosts import wait_until

PARALLEL = 16


@table([(row[0], *row) for row in [
    # host, status that begins so, words that the report must quote
    ("unknown.test", "5.1.1", ["550 5.1.1 The email account that you tried to reach"]),
    ("full.test", "5.2.2", ["552 5.2.2 The mailbox is full"]),
    ("ptr.test", "5.7.25", ["550 5.7.25", "has no PTR record"]),
    ("nullmx.test", "5.1.10", ["The domain publishes that it takes no mail."]),
    ("nxdomain.test", "5.1.2", ["The domain does not exist."]),
    ("self.test", "5.4.6", ["would come back to our own", "names this server"]),
    ("localhost-mx.test", "5.4.6", []),
    ("codes.test", "5.1.1", ["the last line counts", "the first line says later"]),
    ("oddcode.test", "5.", ["599"]),
    ("status.test", "5.", ["nobody has heard of"]),
    ("control.test", "5.1.1", ["550 5.1.1 bell"]),
    ("nothing354.test", "5.1.1", ["No such user"]),
    ("never-mail.test", "5.7.1", ["Sender refused"]),
    ("never-data.test", "5.7.1", ["No data, please"]),
    ("never-dot.test", "5.7.1", ["Message content rejected as spam"]),
    ("small.test", "5.3.4", []),
]])
def test_bounces(lab, host, status, words):
    """conformance: 5321 replies, 7505 null MX, 5321 MX (5xx bounces at once, with their words)."""
    token = lab.token()
    body = b"x" * 70 + b"\r\n"
    lab.submit(f"{token}@{host}", lab.message(token, body * 300))
    report = lab.ann.bounce(token)
    fields = report.of(f"{token}@{host}")
    assert fields["action"] == "failed", fields
    assert fields["status"].startswith(status), fields
    for word in words:
        assert word in report.text, f"{word!r} is not in the report"
    assert not lab.hosts.mail(host, token)


@table([(name, name) for name in (
    "grey.test", "later-connect.test", "later-ehlo.test", "later-mail.test", "later-rcpt.test",
    "later-data.test", "later-dot.test", "close-mail.test", "close-data.test", "reset-dot.test",
    "odd2.test", "mismatch.test")])
def test_second_try(lab, host):
    """conformance: 5321 retry, replies (4xx and lost connections are tried again; one copy)."""
    token = lab.token()
    lab.submit(f"{token}@{host}", lab.message(token))
    lab.hosts.wait_mail(host, token, timeout=40)
    time.sleep(1)
    assert not lab.ann.messages(f"{token}@{host}"), "and yet a report came"


@table([(name, name) for name in (
    "accept.test", "lines.test", "twoaddr.test", "mxpair.test", "mxbusy.test", "mxgate.test",
    "aonly.test", "dual.test", "ipv6.test", "nopipe.test", "nodsn.test", "nochunk.test",
    "no8bit.test", "noutf8.test", "helo.test", "starttls.test", "tls.test", "tlsbroken.test",
    "tls454.test", "late.test")])
def test_first_try(lab, host):
    """conformance: 5321 MX (all MX in order, all addresses, the other family; A without MX)."""
    if lab.hosts.address(host)[0] is None:
        return
    token = lab.token()
    began = time.monotonic()
    lab.submit(f"{token}@{host}", lab.message(token))
    mail, = lab.hosts.wait_mail(host, token, timeout=20)
    assert time.monotonic() - began < 15
    assert mail.envelope["violations"] == []
    assert mail.sender == lab.ann.address and mail.recipients == [f"{token}@{host}"]


def test_failed_host_logged(lab):
    """Issue 8c: what a host said before another one took the mail is in the log."""
    token = lab.token()
    lab.submit(f"{token}@mxbusy.test", lab.message(token))
    lab.hosts.wait_mail("mxbusy.test", token, timeout=20)
    lines = lab.log.find(event="smtpout_host_failed", domain="mxbusy.test")
    assert lines and "421" in lines[0]["reply"] and lines[0]["host"] == "mx.busy.test", lines


def test_refusal_in_trace(lab):
    """Issue 8c: a refusal is recorded, though another host decides."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@rgatedead.test", lab.message(token)))
    wait_until(lambda: "poor reputation" in lab.frank("trace", identity), 10, "it is in the trace")


def test_slow(lab):
    """conformance: 5321 replies (one byte a second is slow, not dead)."""
    token = lab.token()
    lab.submit(f"{token}@slow.test", lab.message(token))
    lab.hosts.wait_mail("slow.test", token, timeout=90)


@table([(name, name) for name in (
    "servfail.test", "timeout.test", "bogus.test", "mxservfail.test", "nodata.test", "nohost.test",
    "mute.test", "busy.test", "always451.test", "drop.test", "silent.test", "garbage.test",
    "endless.test", "endlesslines.test", "backup.test", "silent-dot.test")])
def test_waits(lab, host):
    """conformance: 5321 MX (SERVFAIL, timeout: defer, never A, never bounce), retry."""
    token = lab.token()
    lab.submit(f"{token}@{host}", lab.message(token))
    time.sleep(12)
    assert not lab.ann.messages(f"{token}@{host}"), "given up before its lifetime"
    assert not lab.hosts.mail(host, token)


def test_kept_then_dropped(lab):
    """I2 of faults.md: a copy more only where the connection broke after the dot."""
    token = lab.token()
    lab.submit(f"{token}@kept.test", lab.message(token))
    lab.hosts.wait_mail("kept.test", token, count=2, timeout=40)


def test_cname(lab):
    """conformance: 5321 MX (a CNAME leads to the other domain's MX)."""
    token = lab.token()
    lab.submit(f"{token}@alias.test", lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.recipients == [f"{token}@alias.test"]


@table([("a-label", "xn--bcher-kva.test", ""), ("u-label", "bücher.test", "SMTPUTF8")])
def test_idn(lab, domain, parameters):
    """conformance: 6531 SMTPUTF8 (domain U-label becomes A-label for DNS)."""
    token = lab.token()
    lab.submit(f"{token}@{domain}", lab.message(token), parameters=parameters)
    mail, = lab.hosts.wait_mail("xn--bcher-kva.test", token)
    assert mail.envelope["violations"] == []


def test_partial(lab):
    """Issue 8c, I4: recipients of one message succeed, wait and fail each for itself."""
    token = lab.token()
    names = [f"good-{token}@partial.test", f"refused-{token}@partial.test",
             f"later-{token}@partial.test"]
    lab.submit(names, lab.message(token))
    mails = lab.hosts.wait_mail("partial.test", token, count=2, timeout=30)
    assert sorted(r for m in mails for r in m.recipients) == sorted([names[0], names[2]])
    report = lab.ann.bounce(token)
    assert len(report.recipients) == 1
    assert report.of(names[1])["status"] == "5.1.1"


def test_domains_split(lab):
    """Issue 8c: recipients are split by domain; none learns of the others in the envelope."""
    token = lab.token()
    lab.submit(["a@accept.test", "b@aonly.test", "c@accept.test"], lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert sorted(mail.recipients) == ["a@accept.test", "c@accept.test"]
    mail, = lab.hosts.wait_mail("aonly.test", token)
    assert mail.recipients == ["b@aonly.test"]


def test_retry_waits(lab):
    """conformance: 5321 retry (the lab's schedule: 2, 4, 8 s with jitter)."""
    token = lab.token()
    lab.submit(f"{token}@always451.test", lab.message(token))
    time.sleep(18)
    times = [x["time"] for x in lab.hosts.events(event="command", host="always451.test")
             if token in x["text"]]
    waits = [b - a for a, b in zip(times, times[1:])]
    assert len(waits) >= 2, times
    for wait, wanted in zip(waits, (2, 4, 8)):
        assert 0.7 * wanted <= wait <= 1.5 * wanted + 1, waits


def test_no_rush_of_retries(lab):
    """conformance: 5321 retry (a host that drops after the dot is not hammered)."""
    time.sleep(5)
    for host in ("drop.test", "mute.test", "busy.test"):
        connects = [x["time"] for x in lab.hosts.events(event="connect", host=host)]
        assert len(connects) < 40, f"{host}: {len(connects)} connections"
