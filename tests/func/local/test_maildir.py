"""Local delivery into Maildir."""

import os
import re
import shutil
import subprocess

from harness import Skip, table
from hosts import wait_until


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


def test_dovecot_reads_it(lab):
    """Issue, with real parts: Dovecot reads the Maildir."""
    doveadm = shutil.which("doveadm")
    if not doveadm:
        raise Skip("no Dovecot")
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token, "Read me.\r\n"))
    lab.bob.wait(token)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    owner = os.stat(lab.bob.maildir)
    folder = os.path.join(lab.folder, "dovecot")
    os.makedirs(folder, exist_ok=True)
    if os.getuid() == 0:
        os.chown(folder, owner.st_uid, owner.st_gid)
    conf = os.path.join(folder, "dovecot.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f"base_dir = {folder}\nlog_path = {folder}/log\nssl = no\n"
                   f"mail_location = maildir:{lab.bob.maildir}:INDEX=MEMORY:CONTROL={folder}\n"
                   f"mail_uid = {owner.st_uid}\nmail_gid = {owner.st_gid}\n"
                   "first_valid_uid = 0\nfirst_valid_gid = 0\nlisten = 127.0.0.1\n"
                   f"default_login_user = {user}\ndefault_internal_user = {user}\n")
    if owner.st_uid == 0:
        raise Skip("Dovecot reads no mail of root's")

    def text():
        done = subprocess.run([doveadm, "-c", conf, "fetch", "text", "mailbox", "INBOX", "subject",
                               token], capture_output=True, text=True, timeout=30, check=False,
                              env=dict(os.environ, USER=user, HOME=folder))
        assert done.returncode == 0, done.stderr[-500:]
        return done.stdout
    # What came within the second of the first look is shown at the next.
    wait_until(lambda: "Read me." in text(), 5, "Dovecot shows the message", step=0.5)
