"""Drives Frank from outside, for functional tests: ./dev run, lab.json, ./dev stop, and `frank`.

    with Lab(folder) as lab:
        with lab.connect("mx") as client:
            client.hello()
            client.mail("a@accept.test", "bob@example.test")
            client.data(lab.message("hello", token))
        lab.bob.wait(token)

Nothing here looks into Frank's processes or files, except the log (for undeclared errors) and
the Maildirs. What a test needs of the lab's hosts is in lab.hosts (hosts.py).
"""

import email
import email.policy
import glob
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from hosts import ROOT, RUNNING, Hosts, LabHosts, wait_until            # noqa: F401
from server_log import ServerLog
from smtp_client import Closed, Reply, SmtpClient, b64, stuff            # noqa: F401

START_SECONDS = 120
STOP_SECONDS = 30
TOKENS = itertools.count(1)


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def table(rows):
    """Runs the test once for each row (name, *arguments); the test gets lab and the arguments."""
    def mark(function):
        function.rows = list(rows)
        return function
    return mark


class Delivered:
    """A message found in a Maildir: its bytes as stored, and parsed."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.body = file.read()

    @property
    def parsed(self):
        return email.message_from_bytes(self.body, policy=email.policy.default)

    def headers(self, name):
        """All values of a header field, unfolded."""
        return [" ".join(str(v).split()) for v in self.parsed.get_all(name, [])]

    @property
    def payload(self):
        """What follows the first empty line, with LF line ends."""
        return self.body.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


class User:
    """A mailbox of the lab: login, password, address and the reader of its Maildir."""

    def __init__(self, row):
        self.login = row["login"]
        self.password = row["password"]
        self.address = row["address"]
        self.maildir = row["maildir"]

    def messages(self, token=""):
        """Messages in new and cur, oldest first; with token those that contain it."""
        paths = glob.glob(os.path.join(self.maildir, "new", "*"))
        paths += glob.glob(os.path.join(self.maildir, "cur", "*"))
        found = []
        for path in sorted(paths, key=os.path.getmtime):
            message = Delivered(path)
            if token.encode() in message.body:
                found.append(message)
        return found

    def wait(self, token, count=1, timeout=15):
        """Waits for messages with the token; asserts that there are not more of them."""
        found = wait_until(lambda: (m := self.messages(token)) and len(m) >= count and m,
                           timeout, f"{count} message(s) {token!r} for {self.login}")
        assert len(found) == count, f"{len(found)} messages {token!r}, wanted {count}"
        return found

    def bounce(self, token, timeout=30):
        """Waits for the delivery report about the message with the token."""
        def reports():
            return [Report(m) for m in self.messages(token) if Report.is_one(m)]
        found = wait_until(reports, timeout, f"a report about {token!r} for {self.login}")
        assert len(found) == 1, f"{len(found)} reports about {token!r}"
        return found[0]


class Report:
    """A delivery status notification: text, fields of the message and of each recipient."""

    def __init__(self, message):
        self.message = message
        parsed = message.parsed
        parts = list(parsed.iter_parts())
        self.text = parts[0].get_content()
        self.kind = parts[1].get_content_type()
        self.original_kind = parts[2].get_content_type() if len(parts) > 2 else ""
        self.original = parts[2] if len(parts) > 2 else None
        blocks = _status_blocks(parts[1])
        self.fields, self.recipients = blocks[0], blocks[1:]

    @staticmethod
    def is_one(message):
        return message.parsed.get_content_type() == "multipart/report"

    def of(self, address):
        """The fields of one recipient: {'action': 'failed', 'status': '5.1.1', …}."""
        for fields in self.recipients:
            if fields.get("final-recipient", "").split(";")[-1].strip().lower() == address.lower():
                return fields
        raise AssertionError(f"the report has nothing about {address}: {self.recipients}")


def _status_blocks(part):
    """message/delivery-status as dictionaries; email's parser has cut it into messages."""
    payload = part.get_payload()
    if isinstance(payload, str):
        payload = [email.message_from_string(x) for x in re.split(r"\r?\n\r?\n", payload) if x]
    blocks = [{k.lower(): " ".join(str(v).split()) for k, v in block.items()} for block in payload]
    return [block for block in blocks if block]


class Lab:
    """One Frank with the lab around it, in a folder of its own.

    options: lines of configuration that replace or add to the lab's ('smtp-out-concurrency 1').
    arguments: further arguments of ./dev run.
    """

    def __init__(self, folder, options=(), arguments=()):
        self.folder = os.path.abspath(folder)
        self.options = list(options)
        self.arguments = list(arguments)
        self.environment = {}       # further variables for Frank: FRANK_*
        self.info = None
        self.log = None
        self.ended = False          # by the test, which therefore wants it gone

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.close(quiet=kind is not None)

    # Life.

    def start(self):
        """./dev run --background; reads lab.json. Asserts that it is ready in time."""
        RUNNING.add(self)
        command = ["./dev", "run", "--background", self.folder]
        for line in self.options:
            command += ["--set", line]
        done = subprocess.run(command + self.arguments, cwd=ROOT, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=START_SECONDS, check=False,
                              env={**os.environ, **self.environment})
        assert done.returncode == 0, \
            f"{' '.join(command)}: {done.returncode}: {(done.stderr or done.stdout)[-1500:]}"
        self.ended = False
        self.read()
        return self

    def read(self):
        """Learns all from lab.json."""
        with open(os.path.join(self.folder, "lab.json"), encoding="utf-8") as file:
            self.info = json.load(file)
        self.listeners = {name: (row["host"], row["port"])
                          for name, row in self.info["listeners"].items()}
        self.users = {row["login"].split("@")[0]: User(row) for row in self.info["users"]}
        if self.log is None:
            self.log = ServerLog(self.info["log"])
        folder = os.path.join(self.folder, "lab")
        self.hosts = Hosts(self.info["hosts"], os.path.join(folder, "mail"),
                           os.path.join(folder, "log.jsonl"))

    @property
    def ann(self):
        return self.users["ann"]

    @property
    def bob(self):
        return self.users["bob"]

    def stop(self):
        """./dev stop; the folder stays, start() continues with the same spool."""
        self.ended = True
        if not os.path.exists(os.path.join(self.folder, "lab.json")):
            return                  # a test has stopped it
        done = subprocess.run(["./dev", "stop", self.folder], cwd=ROOT, capture_output=True,
                              text=True, timeout=STOP_SECONDS, check=False)
        assert done.returncode == 0 and "killed" not in done.stderr, \
            f"./dev stop: {done.returncode}: {done.stderr[-1000:]}"

    def kill(self):
        """kill -9 of super; its children exit with it."""
        self.ended = True
        os.kill(self.info["pid"], signal.SIGKILL)
        wait_until(lambda: not self.alive(), 10, "super is gone")

    def terminate(self):
        """SIGTERM to super, without waiting for what comes of it."""
        self.ended = True
        os.kill(self.info["pid"], signal.SIGTERM)

    def restart(self):
        """Starts again on the same folder, after stop() or kill(); ports are new ones."""
        self.stop()                 # ends the lab's hosts too, which outlive a killed super
        return self.start()

    def children(self):
        """Process ids of super's children."""
        path = f"/proc/{self.info['pid']}/task/{self.info['pid']}/children"
        with open(path, encoding="utf-8") as file:
            return [int(word) for word in file.read().split()]

    def alive(self):
        """True while super runs (a zombie does not)."""
        try:
            with open(f"/proc/{self.info['pid']}/stat", encoding="utf-8") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def check(self):
        """Between tests: alive, unless a test ended it, and nothing undeclared in the log."""
        assert self.alive() != self.ended, \
            "Frank still runs" if self.ended else "Frank is not running any more"
        self.log.check()

    def close(self, quiet=False):
        """Stops it, as a last resort by its process id; then the log must be clean."""
        RUNNING.discard(self)
        if not self.info:
            return
        try:
            self.stop()
        except (AssertionError, subprocess.TimeoutExpired):
            if self.alive():
                os.kill(self.info["pid"], signal.SIGKILL)
            if not quiet:
                raise
        if not quiet:
            self.log.check()
            if self.info["hosts"]:              # with --relay-to there are none, and no log
                self.hosts.assert_clean()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # Clients.

    def connect(self, listener="mx", **options):
        """A client connected to a listener: mx, submission (STARTTLS), submissions (TLS)."""
        host, port = self.listeners[listener]
        return SmtpClient(host, port, **{"tls": listener == "submissions", **options})

    def logged_in(self, user=None):
        """A submission client behind EHLO, STARTTLS, EHLO and AUTH PLAIN."""
        user = user or self.ann
        client = self.connect("submission")
        client.hello()
        client.starttls()
        client.auth_plain(user.login, user.password)
        return client

    def submit(self, recipients, message, user=None, parameters="", rcpt_parameters="",
               sender=None):
        """Sends one message as a user; returns the reply to the dot."""
        user = user or self.ann
        recipients = [recipients] if isinstance(recipients, str) else recipients
        with self.logged_in(user) as client:
            sender = user.address if sender is None else sender
            client.cmd(f"MAIL FROM:<{sender}> {parameters}".rstrip(), 250)
            for recipient in recipients:
                client.cmd(f"RCPT TO:<{recipient}> {rcpt_parameters}".rstrip(), 250)
            reply = client.data(message)
            client.quit()
        return reply

    def deliver(self, sender, recipients, message, parameters=""):
        """Sends one message to the MX listener as a stranger; returns the reply to the dot."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        with self.connect("mx") as client:
            client.hello()
            client.mail(sender, *recipients, parameters=parameters)
            reply = client.data(message)
            client.quit()
        return reply

    def token(self):
        """A word that no other message contains."""
        return f"tok{os.getpid()}x{time.time_ns() % 10 ** 9}x{next(TOKENS)}"

    def message(self, token, body="Hello.\r\n", sender=None, to="bob@example.test", more=""):
        """A whole message as bytes, with the token in its Subject and Message-ID."""
        text = (f"From: <{sender or self.ann.address}>\r\nTo: <{to}>\r\n"
                f"Subject: test {token}\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
                f"Message-ID: <{token}@client.test>\r\n{more}\r\n")
        return text.encode() + (body.encode() if isinstance(body, str) else body)

    def assert_nothing(self, user, token):
        """Asserts that no message with the token came, after one that was sent later has come."""
        fence = self.token()
        self.deliver("fence@accept.test", user.address, self.message(fence, to=user.address))
        user.wait(fence)
        assert not user.messages(token), f"{token!r} came to {user.login}"

    # The tool.

    def frank_run(self, *arguments):
        """Runs the frank command against this server, and returns how it ended."""
        return subprocess.run([tool_path(self.info), "--socket", self.info["control"], *arguments],
                              cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    def frank(self, *arguments, codes=(0,)):
        """The same; asserts the exit code, and returns the output."""
        done = self.frank_run(*arguments)
        assert done.returncode in codes, \
            f"{' '.join(done.args)}: {done.returncode}: {done.stderr[-800:]}{done.stdout[-400:]}"
        return done.stdout

    def queue(self, token=""):
        """Waiting messages as frank queue list --json shows them. After a start queue may have to
        read its journal first (69), and a control that dies is started again (69, 75)."""
        def listed():
            done = self.frank_run("queue", "list", "--json")
            assert done.returncode in (0, 69, 75), done
            return done if done.returncode == 0 else None
        rows = json.loads(wait_until(listed, 30, "the queue's list").stdout or "[]")
        if isinstance(rows, dict):
            rows = next((v for v in rows.values() if isinstance(v, list)), [])
        return [row for row in rows if token in json.dumps(row)]


def close_all():
    """Ends every server that this process has started; for a runner that is interrupted."""
    for lab in list(RUNNING):
        try:
            lab.close(quiet=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as err:
            print(f"not ended: {lab.folder}: {err}", file=sys.stderr)


def tool_path(info):
    """The frank command: what lab.json says, that of $FRANK_BUILD, or the newest of all builds."""
    if info.get("tool"):
        return info["tool"]
    build = os.environ.get("FRANK_BUILD") or os.path.join(ROOT, "build", "*")
    found = [p for p in glob.glob(os.path.join(build, "**", "frank"), recursive=True)
             if os.access(p, os.X_OK) and os.path.isfile(p)]
    if not found:
        raise Skip("no frank command is built")
    return max(found, key=os.path.getmtime)


def queue_id(reply):
    """The message id in the reply to the dot: its only word of 13 digits and lower-case letters."""
    words = re.findall(r"\b[0-9a-z]{13}\b", reply.lines[-1])
    assert len(words) == 1, f"no id in {reply.full}"
    return words[0]
