"""A Frank of which only super and the config child are real: all others are test_child, which logs
what it is given. For tests of starting, restarting, reloading and stopping."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from hosts import ROOT, wait_until

BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
PROC = os.path.join(BUILD, "src", "proc")
CHILDREN = ("smtpin", "queue", "smtpout", "postoffice", "dns", "directory", "bounce", "control")
UID_BASE = 41000
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def port_free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class House:
    """Starts and ends with its `with` block; the folder goes with it."""

    def __init__(self, arguments=(), **options):
        # Below /tmp: children with uids of their own reach nothing else in it by path.
        self.folder = tempfile.mkdtemp(prefix="frank-house.")
        os.chmod(self.folder, 0o755)
        self.arguments = list(arguments)
        self.options = options
        self.port = port_free()
        self.log = options.get("log", "log")   # the one that is read
        self.process = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def __enter__(self):
        os.makedirs(self.path("bin"))
        os.makedirs(os.path.dirname(self.path(self.log)), exist_ok=True)
        for name in CHILDREN:
            shutil.copy(os.path.join(PROC, "super", "test_child"),
                        self.path("bin", "frank-" + name))
        shutil.copy(os.path.join(PROC, "config", "frank-config"), self.path("bin"))
        for name in ("cert.pem", "key.pem", "zone"):
            self.write(name, "text of " + name + "\n")
        self.configure()
        self.start()
        return self

    def __exit__(self, *error):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, **options):
        lines = {"hostname": "mx.example.test", "spool": "spool", "mail": "mail", "state": "state",
                 "run": "run", "log": "log", "tls-certificate": "cert.pem", "tls-key": "key.pem",
                 "zone-file": "zone"}
        if os.getuid() == 0:
            lines["uid-base"] = str(UID_BASE)
        for name, value in {**self.options, **options}.items():
            lines[name.replace("_", "-")] = value
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        self.write("frank.conf", text + f"listener mx {{\n\taddress 127.0.0.1:{self.port}\n}}\n")

    def start(self, wait=True):
        self.process = subprocess.Popen(
            [os.path.join(PROC, "super", "frank-super"), "--config", self.path("frank.conf"),
             "--programs", self.path("bin"), *self.arguments],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if wait:
            wait_until(lambda: self.process.poll() is not None or self.lines("ready"), 20,
                       "all processes serve")
            assert self.process.poll() is None, self.process.stderr.read()

    def end(self, number=signal.SIGTERM):
        """Answers the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)
        self.process.stderr.close()
        return self.process.returncode

    def lines(self, event, **fields):
        """Log lines of that event with these fields, as dictionaries with `process` and `level`."""
        found = []
        try:
            with open(self.path(self.log), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return []
        for line in text.splitlines():
            words = line.split(" ", 4)
            if words[3] != event:
                continue
            row = {key: value.strip('"') for key, value in FIELD.findall(line)}
            row.update(level=words[1], process=words[2])
            if all(row.get(key) == str(value) for key, value in fields.items()):
                found.append(row)
        return found

    def pid(self, process):
        return int(self.lines("start", process=process)[-1]["pid"])

    def wait_line(self, event, count=1, **fields):
        wait_until(lambda: len(self.lines(event, **fields)) >= count, 20, f"{event} {fields}")
        return self.lines(event, **fields)


def config_child_hold(pid, ask):
    """Stops a config child of that super, which ask() brings forth; answers its pid. It lives for
    some milliseconds, so that more than one may be needed."""
    for _ in range(20):
        ask()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
                children = file.read().split()
            for child in children:
                try:
                    with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                        if file.read().startswith("frank-config"):
                            os.kill(int(child), signal.SIGSTOP)
                            return int(child)
                except (FileNotFoundError, ProcessLookupError):
                    pass
    raise AssertionError("no config child")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_gone(pids):
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "children outlive super"
        time.sleep(0.05)
