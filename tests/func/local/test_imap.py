"""The mailbox as its reader sees it: Dovecot serves the Maildir over IMAP."""

import contextlib
import imaplib
import os
import shutil
import socket
import subprocess
import tempfile

from harness import Skip
from hosts import wait_until


def program():
    path = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not path or not os.path.exists("/usr/lib/dovecot/imap-login"):
        raise Skip("no Dovecot with IMAP")
    return path


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            return client.recv(10).startswith(b"* OK")
    except OSError:
        return False


@contextlib.contextmanager
def imap(lab, user):
    """A client that is logged in to a Dovecot with the lab's own configuration, but for port and
    folder."""
    # Not below the lab: a Unix socket's path must be short.
    folder = tempfile.mkdtemp(prefix="frank-imap.")
    server = None
    try:
        os.chmod(folder, 0o755)
        owner = os.stat(user.maildir)
        os.mkdir(os.path.join(folder, "control"))
        if os.getuid() == 0:
            os.chown(os.path.join(folder, "control"), owner.st_uid, owner.st_gid)
        port = port_free()
        conf = os.path.join(folder, "dovecot.conf")
        with open(os.path.join(lab.folder, "dovecot.conf"), encoding="utf-8") as file:
            text = file.read()
        assert "port = 2143\n" in text, text
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text.replace("port = 2143\n", f"port = {port}\n")
                       .replace(os.path.join(lab.folder, "dovecot") + "/", folder + "/"))
        server = subprocess.Popen([program(), "-F", "-c", conf], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def ready():
            assert server.poll() is None, server.stdout.read()
            return answers(port)
        wait_until(ready, 20, "Dovecot answers")
        with imaplib.IMAP4("127.0.0.1", port, timeout=20) as client:
            client.login(user.login, user.password)
            yield client
    finally:
        if server:
            server.terminate()
            server.wait(20)
            server.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_dovecot_serves_it(lab):
    """Issue, with real parts: Dovecot reads the Maildir over IMAP, header and body as delivered."""
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address,
                lab.message(token, "Read me.\r\n.\r\n..dots\r\ngr\u00fcn\r\n"), "BODY=8BITMIME")
    lab.bob.wait(token)
    if os.stat(lab.bob.maildir).st_uid == 0:
        raise Skip("Dovecot reads no mail of root's")
    with imap(lab, lab.bob) as client:
        def found():
            client.select("INBOX")
            return client.search(None, "SUBJECT", token)[1][0].split()
        # What came within the second of the first look is shown at the next.
        number, = wait_until(found, 10, "Dovecot finds the message", step=0.5)
        body = client.fetch(number, "(RFC822)")[1][0][1]
        assert body.endswith("\r\n\r\nRead me.\r\n.\r\n..dots\r\ngrün\r\n".encode()), body
        assert body.startswith((b"Return-Path: <a@accept.test>", b"Delivered-To: "))
        client.store(number, "+FLAGS", "\\Seen")
        assert b"\\Seen" in client.fetch(number, "(FLAGS)")[1][0]
