"""The bounce: its form (RFC 3464, 6522), its words, and to whom it goes."""

import shutil
import subprocess
import time

from harness import Report, Skip, table

PARALLEL = 4
OPTIONS = ["greeting-refusal bounce"]     # a refusal at the greeting comes back at once


def bounced(lab, host="unknown.test", **options):
    """(token, recipient, report) of a message of ann's that this host refused."""
    token = lab.token()
    recipient = f"{token}@{host}"
    lab.submit(recipient, lab.message(token, options.pop("body", "Hello.\r\n")), **options)
    return token, recipient, lab.ann.bounce(token)


def test_form(lab):
    """conformance: 6522/3464 (multipart/report; Reporting-MTA, one block per recipient)."""
    _, recipient, report = bounced(lab)
    parsed = report.message.parsed
    assert parsed.get_param("report-type") == "delivery-status"
    assert report.kind == "message/delivery-status"
    assert report.fields["reporting-mta"].lower() == "dns; mx.example.test"
    assert report.fields["arrival-date"]
    fields = report.of(recipient)
    assert fields["final-recipient"].lower() == f"rfc822; {recipient}"
    assert fields["action"] == "failed" and fields["status"] == "5.1.1"
    assert fields["remote-mta"].lower() == "dns; mx.unknown.test"
    assert fields["diagnostic-code"].startswith(
        "smtp; 550 5.1.1 The email account that you tried to reach")
    assert fields["last-attempt-date"]


def test_envelope_and_headers(lab):
    """conformance: DSN loop (MAIL FROM:<>, Auto-Submitted), 6522/3464."""
    token, _, report = bounced(lab)
    message = report.message
    assert message.headers("Return-Path") == ["<>"]
    assert message.headers("Auto-Submitted")[0].startswith("auto-replied")
    assert len(message.headers("Date")) == 1 and len(message.headers("Message-ID")) == 1
    assert "example.test" in message.headers("From")[0]
    assert lab.ann.address in message.headers("To")[0]
    assert message.headers("Subject") and message.headers("MIME-Version") == ["1.0"]
    assert f"<{token}@client.test>" in " ".join(message.headers("References")
                                                + message.headers("In-Reply-To")
                                                + [report.original.as_string()])


def test_seven_bit(lab):
    """conformance: 6522/3464 (7-bit safe, lines within 998)."""
    _, _, report = bounced(lab, "control.test", body="Grün\r\n", parameters="BODY=8BITMIME")
    lines = report.message.body.replace(b"\r\n", b"\n").split(b"\n")
    assert max(map(len, lines)) <= 998
    human = report.message.body.split(b"message/delivery-status")[0]
    assert human.isascii()
    for control in (b"\a", b"\x1b"):
        assert control not in report.message.body, "control characters of the remote came through"


def test_seed_shape(lab):
    """Issue 10b: begins in the seed's shape, ME-E0193 for a refusal at the greeting."""
    _, _, report = bounced(lab, "gateway.test")
    lines = [line.strip() for line in report.text.splitlines() if line.strip()]
    assert lines[0] == "Frank: Message Delivery Failure.", lines[0]
    assert lines[1].startswith("Reason: ME-E0193: ["), lines[1]
    assert lines[1].endswith("] Message Delivery Failure."), lines[1]
    text = " ".join(report.text.split())
    for part in ("target domain (gateway.test)", "The server returned:", "554-gateway.test",
                 "554 Your access to this mail system has been rejected due to the sending MTA's "
                 "poor reputation. If you believe that this failure is in error, please contact "
                 "the intended recipient via alternate means.",
                 "mx.gateway.test", "127.0.1.2", "mx.example.test", "greeting",
                 "Why, and what to do"):
        assert part in text, f"{part!r} is missing in: {report.text}"


@table([("unknown", "unknown.test", "FR-E1001"), ("full", "full.test", "FR-E1004"),
        ("ptr", "ptr.test", "FR-E1010"), ("null-mx", "nullmx.test", "FR-E1007"),
        ("nxdomain", "nxdomain.test", "FR-E1006"), ("spam", "never-dot.test", "FR-E")])
def test_reason(lab, host, code):
    """Issue 10b: otherwise our own code, and why."""
    _, _, report = bounced(lab, host)
    assert "ME-E0193" not in report.text
    assert f"Reason: {code}" in report.text, report.text[:400]
    assert "Why, and what to do" in report.text


def test_every_line_of_the_reply(lab):
    """Issue 10b: The server returned: with every line."""
    token = lab.token()
    lab.submit(f"no-{token}@lines.test", lab.message(token))
    report = lab.ann.bounce(token)
    for line in ("Message refused", "for a reason that needs", "three lines"):
        assert line in report.text


def test_remote_text_is_not_trusted(lab):
    """Issue 10b: remote text is cleaned."""
    _, _, report = bounced(lab, "control.test")
    assert "\x1b" not in report.text and "\a" not in report.text
    assert "tag" in report.text


@table([("usual", "", False), ("full", "RET=FULL", True), ("headers", "RET=HDRS", False)])
def test_ret(lab, parameters, whole):
    """conformance: 3461 DSN (headers only; the whole message for RET=FULL)."""
    token, _, report = bounced(lab, parameters=parameters, body="A secret body.\r\n")
    assert report.original_kind == ("message/rfc822" if whole else "text/rfc822-headers")
    text = report.message.body
    assert (b"A secret body." in text) == whole and f"Subject: test {token}".encode() in text


def test_envid_orcpt(lab):
    """conformance: 3461 DSN (ENVID and ORCPT xtext decoded into the report)."""
    _, recipient, report = bounced(lab, parameters="ENVID=id+2Bplus",
                                   rcpt_parameters="ORCPT=rfc822;first+2Blast@example.test")
    assert report.fields["original-envelope-id"] == "id+plus"
    assert report.of(recipient)["original-recipient"].lower() == \
        "rfc822; first+last@example.test"


@table([("never", "NEVER", False), ("success", "SUCCESS", False), ("delay", "DELAY", False),
        ("failure", "FAILURE", True), ("both", "SUCCESS,FAILURE", True)])
def test_notify_failure(lab, notify, wanted):
    """conformance: 3461 DSN (NOTIFY=NEVER or without FAILURE: no report)."""
    token = lab.token()
    lab.submit(f"{token}@unknown.test", lab.message(token), rcpt_parameters=f"NOTIFY={notify}")
    if wanted:
        lab.ann.bounce(token)
    else:
        time.sleep(6)
        assert not lab.ann.messages(token)


@table([("asked", "NOTIFY=SUCCESS", True), ("not-asked", "", False),
        ("never", "NOTIFY=NEVER", False)])
def test_notify_success(lab, parameters, wanted):
    """conformance: 3461 DSN (SUCCESS: a report of local delivery)."""
    token = lab.token()
    lab.submit(lab.bob.address, lab.message(token), rcpt_parameters=parameters)
    lab.bob.wait(token)
    if wanted:
        fields = lab.ann.bounce(token).of(lab.bob.address)
        assert fields["action"] == "delivered" and fields["status"].startswith("2."), fields
    else:
        time.sleep(3)
        assert not lab.ann.messages(token)


def test_two_recipients(lab):
    """conformance: 6522/3464 (all recipients that failed in one report, one block each)."""
    token = lab.token()
    names = [f"{n}-{token}@unknown.test" for n in ("a", "b")]
    lab.submit(names, lab.message(token))
    report = lab.ann.bounce(token)
    assert {report.of(name)["status"] for name in names} == {"5.1.1"}


def test_to_outside(lab):
    """conformance: DSN loop (a report leaves with MAIL FROM:<>, once)."""
    token = lab.token()
    text = ("Received: from x by y; Thu, 01 Jan 2026 12:00:00 +0000\r\n" * 60
            + f"Delivered-To: bob@example.test\r\nSubject: {token}\r\n\r\nx\r\n").encode()
    with lab.connect() as client:
        client.hello()
        client.mail(f"{token}@accept.test", lab.bob.address)
        reply = client.data(text, 250, 554)
    if reply.code == 250:
        mail, = lab.hosts.wait_mail("accept.test", token)
        assert mail.sender == "" and mail.recipients == [f"{token}@accept.test"]


def test_null_sender_gets_none(lab):
    """conformance: DSN loop (none for a null sender: dropped or to the postmaster)."""
    token = lab.token()
    text = f"Delivered-To: bob@example.test\r\nSubject: {token}\r\n\r\nx\r\n".encode()
    with lab.connect() as client:
        client.hello()
        client.mail("", lab.bob.address)
        client.data(text, 250, 554)
    time.sleep(4)
    assert not [m for m in lab.ann.messages(token) if Report.is_one(m)
                and "<>" in str(m.parsed.get("To", ""))]


def test_utf8(lab):
    """conformance: 6532/6533 (a UTF-8 recipient, an ASCII sender: the ASCII form of the report)."""
    token = lab.token()
    lab.submit("jürgen@unknown.test", lab.message(token), parameters="SMTPUTF8")
    report = lab.ann.bounce(token)
    assert report.kind == "message/delivery-status"
    assert b"utf-8; j\\x{fc}rgen@unknown.test" in report.message.body.lower()


def looping(token):
    """A message that fails at once, whoever sent it: bob has had it already."""
    return f"Delivered-To: bob@example.test\r\nSubject: {token}\r\n\r\nx\r\n".encode()


def test_utf8_sender(lab):
    """conformance: 6532/6533 (a UTF-8 sender: global-delivery-status, by SMTPUTF8)."""
    token = lab.token()
    lab.deliver("änn@accept.test", lab.bob.address, looping(token), parameters="SMTPUTF8")
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert "SMTPUTF8" in mail.parameters() and mail.recipients == ["änn@accept.test"]
    assert b"Content-Type: message/global-delivery-status" in mail.body
    assert "To: <änn@accept.test>".encode() in mail.body


def test_way_back_without_utf8(lab):
    """conformance: 6532/6533 (the way back lacks SMTPUTF8: the ASCII form, not lost)."""
    token = lab.token()
    lab.deliver("ann@nöutf.test", lab.bob.address, looping(token), parameters="SMTPUTF8")
    mail, = lab.hosts.wait_mail("xn--nutf-5qa.test", token)
    assert "SMTPUTF8" not in mail.parameters() and mail.recipients == ["ann@xn--nutf-5qa.test"]
    assert b"Content-Type: message/delivery-status" in mail.body and mail.body.isascii()


@table([(host, host) for host in ("gateway.test", "unknown.test", "full.test", "ptr.test",
                                  "nullmx.test", "nxdomain.test", "never-dot.test", "lines.test")])
def test_sisimai(lab, host):
    """Issue, with real parts: sisimai finds recipient, status and reason in our report."""
    if not shutil.which("perl") or subprocess.run(["perl", "-MSisimai", "-e", "1"],
                                                  capture_output=True, check=False).returncode:
        raise Skip("no libsisimai-perl")
    token = lab.token()
    recipient = f"no{token}@{host}"
    lab.submit(recipient, lab.message(token))
    report = lab.ann.bounce(token)
    script = ("my $r = Sisimai->make($ARGV[0]); print join '|', $_->recipient->address, "
              "$_->deliverystatus, $_->reason for @$r;")
    done = subprocess.run(["perl", "-MSisimai", "-e", script, report.message.path],
                          capture_output=True, text=True, timeout=60, check=True)
    found = done.stdout.split("|")
    assert len(found) == 3 and found[0] == recipient, done.stdout
    assert found[1].startswith("5.") and found[2] not in ("", "undefined"), done.stdout
