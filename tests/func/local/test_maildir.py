"""Local delivery into Maildir."""

import os
import re

from harness import table


def test_headers(lab):
    """conformance: 9228 / redirect (one Return-Path, one Delivered-To, at the top)."""
    token = lab.token()
    text = b"Return-Path: <forged@accept.test>\r\n" + lab.message(token)
    lab.deliver(f"{token}@accept.test", lab.bob.address, text)
    message, = lab.bob.wait(token)
    assert message.headers("Return-Path") == [f"<{token}@accept.test>"]
    assert message.headers("Delivered-To") == ["bob@example.test"]
    first = message.body.split(b"\n")[0]
    assert first.startswith((b"Return-Path:", b"Delivered-To:"))


def test_null_return_path(lab):
    """Issue 9: a null sender is written as <>."""
    token = lab.token()
    lab.deliver("", lab.bob.address, lab.message(token))
    assert lab.bob.wait(token)[0].headers("Return-Path") == ["<>"]


def test_file(lab):
    """Issue 9: in new, nothing left in tmp, no : in the name, LF or CRLF but not both."""
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, "one\r\ntwo\r\n"))
    message, = lab.bob.wait(token)
    assert os.path.basename(os.path.dirname(message.path)) == "new"
    assert re.fullmatch(r"[0-9]+\.[A-Za-z0-9_=,.-]+", os.path.basename(message.path))
    assert os.listdir(os.path.join(lab.bob.maildir, "tmp")) == []
    assert message.body.count(b"\r\n") in (0, message.body.count(b"\n"))
    assert os.stat(message.path).st_mode & 0o077 == 0, "others may read it"


def test_one_address_twice(lab):
    """An address that is given more than once, in whatever case, gets one copy; with other wishes
    for reports it is another recipient (RFC 3461)."""
    token, again = lab.token(), lab.token()
    name, domain = lab.bob.address.split("@")
    twice = [lab.bob.address, f"{name}@{domain.upper()}", f"{name.upper()}@{domain}"]
    lab.deliver("a@accept.test", twice, lab.message(token))
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd(f"RCPT TO:<{lab.bob.address}> NOTIFY=NEVER", 250)
        client.data(lab.message(again))
    lab.bob.wait(again, 2)
    assert len(lab.bob.messages(token)) == 1


def test_two_mailboxes(lab):
    """Issue 9: one message, two mailboxes, a copy each with its own Delivered-To."""
    token = lab.token()
    lab.deliver("a@accept.test", [lab.ann.address, lab.bob.address], lab.message(token))
    assert lab.ann.wait(token)[0].headers("Delivered-To") == ["ann@example.test"]
    assert lab.bob.wait(token)[0].headers("Delivered-To") == ["bob@example.test"]


@table([("postmaster", "postmaster@example.test"), ("abuse", "abuse@example.test"),
        ("alone", "Postmaster"), ("case", "PostMaster@Example.TEST")])
def test_roles(lab, address):
    """Issue 2a: postmaster and abuse go to ann."""
    token = lab.token()
    lab.deliver("a@accept.test", address, lab.message(token))
    lab.ann.wait(token)


def test_burst(lab):
    """I1, I3: 300 messages over 10 sessions arrive, each once."""
    token = lab.token()
    clients = [lab.connect() for _ in range(10)]
    for client in clients:
        client.hello()
    for number in range(30):
        for index, client in enumerate(clients):
            client.mail("a@accept.test", lab.bob.address)
            client.data(lab.message(f"{token}-{index}-{number}-"))
    for client in clients:
        client.quit()
    found = lab.bob.wait(token, count=300, timeout=60)
    assert len({m.headers("Subject")[0] for m in found}) == 300
