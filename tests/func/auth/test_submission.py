"""RFC 6409: what a submission server adds, keeps and refuses."""

import email.utils

from harness import table


def test_sender_bound_envelope(lab):
    """conformance: 6409 submission (sender bound to the login in the envelope: 550 5.7.1)."""
    with lab.logged_in() as client:
        for sender in ("bob@example.test", "ann@elsewhere.test", "x@accept.test"):
            assert client.cmd(f"MAIL FROM:<{sender}>", 550).status == "5.7.1"
        for sender in ("ann@example.test", "ANN@Example.Test", "postmaster@example.test"):
            client.cmd(f"MAIL FROM:<{sender}>", 250)
            client.cmd("RSET", 250)


@table([
    ("other-user", "From: <bob@example.test>", 550),
    ("other-domain", "From: Ann <ann@elsewhere.test>", 550),
    ("own", "From: Ann <ann@example.test>", 250),
    ("own-case", "From: Ann <Ann@EXAMPLE.test>", 250),
    ("name-looks-like", 'From: "bob@example.test" <ann@example.test>', 250),
    ("two-addresses", "From: <ann@example.test>, <bob@example.test>", 550),
    ("two-fields", "From: <ann@example.test>\r\nFrom: <bob@example.test>", 550),
    ("folded", "From:\r\n Ann\r\n <ann@example.test>", 250),
    ("folded-other", "From:\r\n Bob\r\n <bob@example.test>", 550),
    ("comment", "From: (bob@example.test) ann@example.test", 250),
    ("none", "Subject: no From at all", 550),
    ("garbage", "From: ann at example dot test", 550),
    ("sender-other", "From: <ann@example.test>\r\nSender: <bob@example.test>", 550),
    ("group", "From: us: bob@example.test;", 550),
    ("group-empty", "From: undisclosed:;", 550),
    ("encoded-word", "From: =?utf-8?q?bob?=@example.test", 550),
    ("blank-before-colon", "From : <bob@example.test>", 550),
])
def test_sender_bound_header(lab, line, code):
    """conformance: 6409 submission (sender bound to the login in From: 550 5.7.1)."""
    token = lab.token()
    with lab.logged_in() as client:
        client.mail("ann@example.test", "x@accept.test")
        text = f"{line}\r\nTo: <x@accept.test>\r\nX-Token: {token}\r\n\r\nx\r\n".encode()
        reply = client.data(text, code, *([554] if code == 550 else []))
        assert code == 250 or reply.status.startswith("5."), reply.full
    if code == 250:
        lab.hosts.wait_mail("accept.test", token)
    else:
        assert not lab.hosts.mail("accept.test", token)


@table([
    ("second-from", "From: <ann@example.test>\r\n.From: <bob@example.test>"),
    ("sender", "From: <ann@example.test>\r\n.Sender: <bob@example.test>"),
    ("continued", "From: <ann@example.test>\r\n. , <bob@example.test>"),
])
def test_dots_hide_nothing(lab, lines):
    """conformance: 6409 submission (a dot that nobody stuffed does not hide a header field)."""
    with lab.logged_in() as client:
        client.mail("ann@example.test", "bob@example.test")
        client.cmd("DATA", 354)
        client.send(f"{lines}\r\nX-Token: {lab.token()}\r\n\r\nx\r\n.\r\n")
        client.want(550)


def test_date_behind_a_dot(lab):
    """conformance: 6409 submission (nor does it double Date and Message-ID)."""
    token = lab.token()
    with lab.logged_in() as client:
        client.mail("ann@example.test", "bob@example.test")
        client.cmd("DATA", 354)
        client.send(f"From: <ann@example.test>\r\nSubject: {token}\r\n"
                    f".Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
                    f".Message-ID: <{token}@x.test>\r\n\r\nx\r\n.\r\n")
        client.want(250)
    message, = lab.bob.wait(token)
    assert len(message.headers("Date")) == len(message.headers("Message-ID")) == 1


def test_date_and_message_id_added(lab):
    """conformance: 6409 submission (missing Date and Message-ID added, all else untouched)."""
    token = lab.token()
    text = f"From: <ann@example.test>\r\nSubject: {token}\r\n\r\n.x\r\n".encode()
    lab.submit("x@accept.test", text)
    mail, = lab.hosts.wait_mail("accept.test", token)
    head = mail.body.split(b"\r\n\r\n")[0].decode()
    fields = [line.split(":")[0] for line in head.split("\r\n") if line[:1] not in " \t"]
    assert fields.count("Date") == 1 and fields.count("Message-ID") == 1, fields
    date = next(line[5:] for line in head.split("\r\n") if line.startswith("Date:"))
    assert email.utils.parsedate_to_datetime(date.strip())
    assert mail.body.endswith(b"\r\n\r\n.x\r\n")


def test_date_and_message_id_kept(lab):
    """conformance: 6409 submission (present ones stay, and are not doubled; odd case too)."""
    token = lab.token()
    text = (f"From: <ann@example.test>\r\nSubject: {token}\r\nDATE: Thu, 01 Jan 2026 12:00:00 "
            f"+0000\r\nmessage-id: <{token}@x.test>\r\n\r\nx\r\n").encode()
    lab.submit("x@accept.test", text)
    mail, = lab.hosts.wait_mail("accept.test", token)
    head = mail.body.split(b"\r\n\r\n")[0].lower()
    assert head.count(b"\r\ndate:") == 1 and head.count(b"message-id:") == 1


def test_not_added_on_mx(lab):
    """conformance: 6409 submission (port 25 repairs nothing)."""
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, f"Subject: {token}\r\n\r\nx\r\n".encode())
    message, = lab.bob.wait(token)
    assert not message.headers("Date") and not message.headers("Message-ID")


def test_received(lab):
    """conformance: 8314 (with ESMTPSA); issue 4b: the client's address is left out of Received."""
    token = lab.token()
    lab.submit("x@accept.test", lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    head = mail.body.split(b"\r\n\r\n")[0].decode().replace("\r\n\t", " ").replace("\r\n ", " ")
    received = [line for line in head.split("\r\n") if line.startswith("Received:")]
    assert len(received) == 1 and " with ESMTPSA " in received[0], received
    assert "127.0.0.1" not in received[0], received
    assert lab.ann.login not in received[0] or "ann@example.test" not in received[0].split("for")[0]


def test_received_on_mx(lab):
    """RFC 5321 4.4: from the client, by us, with, id, date; with the client's address."""
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token))
    message, = lab.bob.wait(token)
    received = message.headers("Received")
    assert len(received) == 1, received
    for part in ("from client.test", "127.0.0.1", "by mx.example.test", " with ESMTP ", " id ",
                 ";"):
        assert part in received[0], f"{part!r} is missing: {received[0]}"
