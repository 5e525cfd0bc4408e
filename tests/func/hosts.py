"""The lab's hosts as tests see them: their addresses, the mail they keep, what they log."""

import json
import os
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNNING = set()     # servers that have to be ended when the runner is told to stop


def wait_until(predicate, timeout=10, what="", step=0.05):
    """Polls until the predicate is true and returns its value; asserts that it happens in time."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        assert time.monotonic() < end, f"not within {timeout} s: {what or predicate}"
        time.sleep(step)


class HostMail:
    """One message that a lab host has accepted: its bytes and its envelope."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.envelope = json.load(file)
        with open(path[:-5] + ".eml", "rb") as file:
            self.body = file.read()

    @property
    def sender(self):
        return self.envelope["sender"]

    @property
    def recipients(self):
        return [row["address"] for row in self.envelope["recipients"]]

    def parameters(self, recipient=None):
        """Parameters of MAIL, or of the RCPT of one recipient."""
        if recipient is None:
            return self.envelope["mail_parameters"]
        return next(row["parameters"] for row in self.envelope["recipients"]
                    if row["address"] == recipient)

    @property
    def used(self):
        return self.envelope["extensions_used"]


class Hosts:
    """All hosts: rows of ready.json or lab.json, the mail folder and the log."""

    def __init__(self, rows, mail, log):
        self.rows = {row["name"]: row for row in rows}
        self.mail_folder = mail
        self.log_path = log

    def address(self, name):
        """(address, port) of the host behind a domain."""
        row = self.rows[name]
        return row["host"], row["port"]

    def mail(self, name, token=""):
        """Messages kept by a host, oldest first; with token those that contain it."""
        folder = os.path.join(self.mail_folder, name)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        found = [HostMail(os.path.join(folder, n)) for n in names if n.endswith(".json")]
        return [m for m in found if token.encode() in m.body or token in m.sender]

    def wait_mail(self, name, token="", count=1, timeout=20):
        """Waits for messages with the token; asserts that there are not more of them."""
        mails = wait_until(lambda: (m := self.mail(name, token)) and len(m) >= count and m,
                           timeout, f"{count} message(s) {token!r} at {name}")
        assert len(mails) == count, f"{len(mails)} messages {token!r} at {name}, wanted {count}"
        return mails

    def events(self, **fields):
        """Lines of the lab's log whose fields are as given."""
        with open(self.log_path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [x for x in lines if all(x.get(k) == v for k, v in fields.items())]

    def session_of(self, mail):
        """All events of the session that brought a message."""
        return self.events(session=mail.envelope["session"])

    def violations(self, host=None):
        fields = {"event": "violation"}
        if host:
            fields["host"] = host
        return self.events(**fields)

    def assert_clean(self, host=None):
        """Asserts that no client broke a rule of SMTP there."""
        found = self.violations(host)
        assert not found, "; ".join(
            f"{x['host']}: {x['violation']}: {x['bytes']!r}" for x in found[:5])


class LabHosts(Hosts):
    """The hosts without Frank: starts lab/hosts.py by itself. For tests of the lab."""

    def __init__(self, folder, options=()):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "lab", "hosts.py"), "--dir", folder, *options])
        path = os.path.join(folder, "ready.json")
        RUNNING.add(self)
        try:
            wait_until(lambda: os.path.exists(path) or self.process.poll() is not None, 20,
                       "lab hosts ready")
            assert self.process.poll() is None, "lab/hosts.py ended at start"
        except AssertionError:
            self.process.kill()
            raise
        with open(path, encoding="utf-8") as file:
            ready = json.load(file)
        super().__init__(ready["hosts"], os.path.join(folder, "mail"),
                         os.path.join(folder, "log.jsonl"))

    def check(self):
        """Nothing to check between tests."""

    def close(self, quiet=False):
        """Ends the process; asserts that SIGTERM was enough."""
        RUNNING.discard(self)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("lab/hosts.py ignores SIGTERM") from None
        assert quiet or code == 0, f"lab/hosts.py ended with {code}"
