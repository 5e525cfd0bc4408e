"""The ledger of the crash tests, kept outside the server: what was answered 250, and where it has
to be at the end, whole and once.

    ledger = Ledger(lab, seed)
    ledger.begin()                  senders start
    ...                             crashes, each told by ledger.crashed()
    ledger.end()                    senders stop
    ledger.settle(ledger.mark())    all that was accepted is where it belongs
"""

import glob
import hashlib
import os
import random
import re
import shutil
import subprocess
import threading
import time

from harness import Closed
from hosts import wait_until

# What each sender sends: recipients, and the places where each message has to be at the end.
KINDS = {"local": (["bob@example.test"], ["bob"]),
         "outward": (["x@accept.test"], ["accept"]),
         "split": (["bob@example.test", "x@accept.test"], ["bob", "accept"]),
         "refused": (["x@unknown.test"], ["report"])}
# Random bytes in a message, which travel as twice as many digits.
SIZES = (20, 500, 40000)
TOKEN = re.compile(rb"^Subject: test (\S+)", re.MULTILINE)
PRESSURE = re.compile(rb"^Subject: pressure-(\d+)-(\d+)", re.MULTILINE)
DIGEST = re.compile(rb"^X-Digest: (\d+) (\S+)", re.MULTILINE)
MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)", re.MULTILINE | re.IGNORECASE)
# A torn commit that nobody was told about is kept for people; it is no loss.
TAIL = re.compile(r"segment-\d+-at-\d+")
FAILED = re.compile(r"assertion failed|Sanitizer|runtime error")
# A delivery may be repeated only when a crash came this soon after it: journal-sync is 200 ms, the
# rest is for a machine that does other work too.
WINDOW_SECONDS = 3.0
SETTLE_SECONDS = 90
PRESSURE_BURST = 40
PRESSURE_REST_SECONDS = 0.2


class Sender(threading.Thread):
    """Sends without end to the recipients of a kind; keeps the tokens whose 250 it has seen."""

    def __init__(self, ledger, kind, stop):
        super().__init__(daemon=True)
        self.lab = ledger.lab
        self.kind = kind
        self.stop = stop
        self.random = random.Random(f"{ledger.seed} {kind} {time.monotonic_ns()}")
        self.accepted = []

    def run(self):
        inward = self.kind == "local"
        while not self.stop.is_set():
            try:
                with (self.lab.connect() if inward else self.lab.logged_in()) as client:
                    if inward:
                        client.hello()
                    while not self.stop.is_set():
                        self.one(client)
            except (Closed, OSError, AssertionError):
                self.stop.wait(0.1)

    def one(self, client):
        token = self.lab.token()
        body = self.random.randbytes(self.random.choice(SIZES)).hex()
        body = "\r\n".join(body[at:at + 76] for at in range(0, len(body), 76)) + "\r\n"
        digest = hashlib.sha256(body.encode()).hexdigest()
        sender = "a@accept.test" if self.kind == "local" else self.lab.ann.address
        client.mail(sender, *KINDS[self.kind][0])
        more = f"X-Digest: {len(body)} {digest}\r\n"
        if client.data(self.lab.message(token, body, more=more)).code == 250:
            self.accepted.append(token)
        self.stop.wait(0.01)


class Pressure(threading.Thread):
    """smtp-source again and again. When it ends well all of its messages were answered 250."""

    program = shutil.which("smtp-source", path="/usr/sbin:/usr/bin:/usr/local/sbin")

    def __init__(self, ledger, stop):
        super().__init__(daemon=True)
        self.lab = ledger.lab
        self.stop = stop
        self.name_of_run = time.monotonic_ns()
        self.accepted = []          # (run, burst)

    def run(self):
        burst = 0
        while self.program and not self.stop.is_set():
            burst += 1
            host, port = self.lab.listeners["mx"]
            done = subprocess.run(
                [self.program, "-4", "-d", "-s", "2", "-l", "1500", "-m", str(PRESSURE_BURST),
                 "-f", "a@accept.test", "-t", "bob@example.test",
                 "-S", f"pressure-{self.name_of_run}-{burst}", f"{host}:{port}"],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
            if done.returncode == 0:
                self.accepted.append((self.name_of_run, burst))
            self.stop.wait(PRESSURE_REST_SECONDS)


class Found:
    """A message in its place: its token, when it came, and whether it is whole."""

    def __init__(self, path):
        with open(path, "rb") as file:
            body = file.read().replace(b"\r\n", b"\n")
        self.when = os.stat(path).st_mtime
        token, name, digest = TOKEN.search(body), MESSAGE_ID.search(body), DIGEST.search(body)
        pressure = PRESSURE.search(body)
        self.token = token[1].decode() if token else ""
        self.name = name[1].decode() if name else ""
        self.pressure = tuple(int(n) for n in pressure.groups()) if pressure else None
        text = body.partition(b"\n\n")[2].replace(b"\n", b"\r\n")
        self.size = len(text)
        self.whole = bool(digest) and int(digest[1]) == len(text) and \
            hashlib.sha256(text).hexdigest().encode() == digest[2]


class Place:
    """Where mail ends: a mailbox, or what a host of the lab has kept. Reads each file once."""

    def __init__(self, pattern, suffix="", whole=True):
        self.pattern = pattern
        self.suffix = suffix        # of the file with the message, instead of the pattern's
        self.whole = whole          # bodies are those that were sent
        self.found = {}             # by path
        self.past = {}              # by path and time: read, and removed by us

    def paths(self):
        names = glob.glob(self.pattern)
        if self.suffix:
            names = [os.path.splitext(name)[0] + self.suffix for name in names]
        return set(names)

    def scan(self):
        """Reads what is new; what has vanished (by a power cut) has not come."""
        paths = self.paths()
        for path in set(self.found) - paths:
            del self.found[path]
        for path in paths - set(self.found):
            message = Found(path)
            if (path, message.when) not in self.past:   # a power cut brings it back
                self.found[path] = message

    def messages(self):
        return [*self.past.values(), *self.found.values()]

    def by_token(self):
        """{token: messages}, oldest first; asserts that each is whole (I3)."""
        tokens = {}
        for message in self.messages():
            if message.token:
                assert message.whole or not self.whole, f"damaged: {message.token}"
                tokens.setdefault(message.token, []).append(message)
        for messages in tokens.values():
            messages.sort(key=lambda m: m.when)
        return tokens

    def bursts(self):
        """{burst: names of its messages}; asserts that they are as long as each other."""
        bursts, sizes = {}, set()
        for message in self.messages():
            if message.pressure:
                bursts.setdefault(message.pressure, set()).add(message.name)
                sizes.add(message.size)
        assert len(sizes) < 2, f"messages of smtp-source have lengths {sizes}"
        return bursts

    def archive(self):
        """Removes the files, as a reader of mail would; what they were stays known."""
        for path, message in self.found.items():
            for name in {path, os.path.splitext(path)[0] + ".json"}:
                if os.path.exists(name):
                    os.unlink(name)
            self.past[path, message.when] = message
        self.found = {}


class Ledger:
    """What was accepted by one lab, and where it has to be."""

    def __init__(self, lab, seed, pressure=True):
        self.lab = lab
        self.seed = seed
        self.pressure = pressure
        self.senders = []
        self.sources = []
        self.stop = None
        self.crashes = []
        self.log_read = 0
        self.places = {
            "bob": Place(os.path.join(lab.bob.maildir, "new", "*")),
            "report": Place(os.path.join(lab.ann.maildir, "new", "*"), whole=False),
            "accept": Place(os.path.join(lab.hosts.mail_folder, "accept.test", "*.json"), ".eml")}

    # Load.

    def begin(self):
        self.stop = threading.Event()
        self.senders += [Sender(self, kind, self.stop) for kind in KINDS]
        self.sources += [Pressure(self, self.stop)] if self.pressure else []
        for thread in self.senders + self.sources:
            if thread.stop is self.stop:
                thread.start()

    def end(self):
        self.stop.set()
        for thread in self.senders + self.sources:
            if thread.stop is self.stop:
                thread.join(60)

    def crashed(self):
        """To be called at each crash: it explains copies."""
        self.crashes.append(time.time())

    def mark(self):
        """What has been accepted so far: {place: tokens}, and bursts of smtp-source."""
        marked = {place: {t for s in self.senders if place in KINDS[s.kind][1]
                          for t in list(s.accepted)} for place in self.places}
        return marked, {burst for s in self.sources for burst in list(s.accepted)}

    def forget(self, marked):
        """What was accepted after the mark does not count: the disk is older than that."""
        for sender in self.senders:
            known = {t for place in KINDS[sender.kind][1] for t in marked[0][place]}
            sender.accepted = [t for t in sender.accepted if t in known]
        for source in self.sources:
            source.accepted = [burst for burst in source.accepted if burst in marked[1]]

    # Checks.

    def missing(self, marked):
        """Tokens and bursts that are not yet where they have to be."""
        tokens, bursts = marked
        missing = []
        for name, place in self.places.items():
            place.scan()
            missing += sorted(tokens[name] - set(place.by_token()))
        came = self.places["bob"].bursts()
        return missing + [burst for burst in bursts if len(came.get(burst, ())) < PRESSURE_BURST]

    def settle(self, marked):
        """I1–I4: all of it arrives, whole, and only a crash in flight doubles it."""
        end, rest = time.monotonic() + SETTLE_SECONDS, self.missing(marked)
        while rest and time.monotonic() < end:
            time.sleep(0.3)
            rest = self.missing(marked)
        assert not rest, f"lost: {len(rest)}, the first is {rest[0]}: {self.life(rest[0])}"
        self.once()
        return rest

    def life(self, token):
        """Where else a message is: in the queue, or in a place of its own kind."""
        where = [name for name, place in self.places.items() if token in place.by_token()]
        try:
            queued = len(self.lab.queue(token if isinstance(token, str) else ""))
        except AssertionError as err:
            queued = str(err)
        return f"elsewhere: {where or 'nowhere'}, queued: {queued}"

    def once(self):
        """I2: each copy but the last was followed at once by a crash. I6: one report each."""
        for name, place in self.places.items():
            for token, messages in place.by_token().items():
                if name == "report":
                    names = {m.name for m in messages}
                    assert len(names) == 1, f"reported twice: {token}: {names}"
                for message in messages[:-1]:
                    assert self.explained(message.when), \
                        f"{name}: {token} came {len(messages)} times, without a crash: " \
                        f"{[m.when for m in messages]}"

    def explained(self, when):
        return any(-WINDOW_SECONDS <= crash - when <= WINDOW_SECONDS for crash in self.crashes)

    def at_rest(self):
        """I8, I9, I12: nothing waits, nothing was set aside, no process of ours has given up."""
        wait_until(lambda: not self.lab.queue(), 60, "the queue is empty", step=0.2)
        damaged = os.listdir(os.path.join(self.lab.info["spool"], "damaged"))
        damaged = [name for name in damaged if not TAIL.fullmatch(name)]
        assert not damaged, f"set aside: {damaged}"
        with open(self.lab.info["log"], encoding="utf-8", errors="replace") as file:
            file.seek(self.log_read)
            failed = [line.strip() for line in file if FAILED.search(line)]
            self.log_read = file.tell()
        assert not failed, f"{len(failed)}: {failed[0]}"

    def archive(self):
        """After a check: what has been found need not be read again."""
        for place in self.places.values():
            place.archive()

    def summary(self):
        """One line for each place, for people."""
        tokens, bursts = self.mark()
        lines = []
        for name, place in self.places.items():
            copies = sum(len(m) - 1 for m in place.by_token().values())
            lines.append(f"      {name}: {len(tokens[name])} accepted, {copies} copies more")
        if self.sources:
            lines.append(f"      smtp-source: {len(bursts) * PRESSURE_BURST} accepted")
        return "\n".join(lines)


def served(lab):
    """A session begins."""
    try:
        with lab.connect() as client:
            client.hello()
            return True
    except (Closed, OSError, AssertionError):
        return False


def wait_served(lab):
    wait_until(lambda: served(lab), 30, "mail is taken again", step=0.1)


def number(name, usual):
    """A setting of tests/crash/run.py."""
    return int(os.environ.get(f"FRANK_CRASH_{name}", usual))
