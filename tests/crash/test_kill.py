"""kill -9 of any or all processes under load: no accepted message is lost.

The ledger is kept here, outside the server: a message counts as accepted when its 250 was seen.
Rounds: FRANK_CRASH_ROUNDS, 200 if not given; in a quarter of them everything is killed, or super
alone. FRANK_CRASH_SEED: other moments and victims.
"""

import hashlib
import os
import random
import re
import signal
import threading
import time

from harness import Closed
from hosts import wait_until

FRESH = True
# Restarts are not what is waited for here.
OPTIONS = ["restart-wait 50ms", "restart-wait-max 200ms"]
# A session that asked a neighbour that was away; jobs of a worker that was killed; a child
# that was killed, or that could not be wired to a neighbour that died meanwhile.
EXPECT_LOG = [r" smtpin_later ", r" queue_unheard ", r" child_died .*signal=9",
              r" (child_failed|child_killed) ", r" postoffice_fault .*errno=125"]
LONG = True
STEADY = True           # a lost message is lost, however often one looks again
ROUNDS = int(os.environ.get("FRANK_CRASH_ROUNDS", "200"))
# What each sender sends: recipients, and the places where each message has to be at the end.
KINDS = {"local": (["bob@example.test"], ["bob"]),
         "outward": (["x@accept.test"], ["accept"]),
         "split": (["bob@example.test", "x@accept.test"], ["bob", "accept"]),
         "refused": (["x@unknown.test"], ["report"])}
SEED = int(os.environ.get("FRANK_CRASH_SEED", "20260101"))
# A delivery is doubled only when a crash met it in flight; this many may be in flight.
DOUBLES_PER_ROUND = 20
TOKEN = re.compile(rb"^Subject: test (\S+)", re.MULTILINE)
# A torn commit that nobody was told about is kept for people; it is no loss.
TAIL = re.compile(r"segment-\d+-at-\d+")
FAILED = re.compile(r"assertion failed|Sanitizer|runtime error")
MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)", re.MULTILINE | re.IGNORECASE)
DIGEST = re.compile(rb"^X-Digest: (\S+)", re.MULTILINE)


class Sender(threading.Thread):
    """Sends without end to the recipients of a kind; keeps the tokens whose 250 it has seen."""

    def __init__(self, lab, kind, stop):
        super().__init__(daemon=True)
        self.lab = lab
        self.kind = kind
        self.stop = stop
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
                time.sleep(0.1)

    def one(self, client):
        token = self.lab.token()
        body = os.urandom(random.choice((20, 500, 40000))).hex()
        body = "\r\n".join(body[at:at + 76] for at in range(0, len(body), 76)) + "\r\n"
        digest = hashlib.sha256(body.encode()).hexdigest()
        sender = "a@accept.test" if self.kind == "local" else self.lab.ann.address
        client.mail(sender, *KINDS[self.kind][0])
        if client.data(self.lab.message(token, body, more=f"X-Digest: {digest}\r\n")).code == 250:
            self.accepted.append(token)
        time.sleep(0.01)


def places(lab):
    """Where mail ends: {place: the messages there}."""
    return {"bob": lambda: [m.body for m in lab.bob.messages()],
            "accept": lambda: [m.body for m in lab.hosts.mail("accept.test")],
            "report": lambda: [m.body for m in lab.ann.messages()]}


def copies(bodies, whole):
    """{token: copies}; asserts that each message is whole (I3)."""
    found = {}
    for body in bodies:
        body = body.replace(b"\r\n", b"\n")
        token, digest = TOKEN.search(body), DIGEST.search(body)
        if not token or not digest:
            continue
        text = body.partition(b"\n\n")[2].replace(b"\n", b"\r\n")
        assert not whole or hashlib.sha256(text).hexdigest().encode() == digest[1], \
            f"damaged: {token[1]}"
        found[token[1].decode()] = found.get(token[1].decode(), 0) + 1
    return found


def one_child(lab):
    """kill -9 of one process, sometimes of a few; the others go on and they come back."""
    children = lab.children()
    for pid in random.sample(children, min(len(children), random.choice((1, 1, 1, 2, 3)))):
        os.kill(pid, signal.SIGKILL)
    time.sleep(random.uniform(0.05, 0.4))


def all_of_them(lab):
    """kill -9 of everything at once, then a start."""
    pids = [lab.info["pid"]]
    if random.randrange(3):             # else its children have to see that it is gone
        pids += lab.children()
    random.shuffle(pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not lab.alive(), 10, "super is gone")
    lab.restart()
    time.sleep(random.uniform(0.1, 0.6))


def served(lab):
    try:
        with lab.connect() as client:
            client.hello()
            return True
    except (Closed, OSError, AssertionError):
        return False


def at_rest(lab):
    """I8, I9, I12: nothing waits, nothing was set aside, no process of ours has given up."""
    wait_until(lambda: not lab.queue(), 30, "the queue is empty", step=0.5)
    damaged = os.listdir(os.path.join(lab.info["spool"], "damaged"))
    damaged = [name for name in damaged if not TAIL.fullmatch(name)]
    assert not damaged, f"set aside: {damaged}"
    with open(lab.info["log"], encoding="utf-8", errors="replace") as file:
        failed = [line.strip() for line in file if FAILED.search(line)]
    assert not failed, f"{len(failed)}: {failed[0]}"


def reports_once(bodies):
    """I6: a report may be delivered twice by a crash, but never made twice."""
    ids = {}
    for body in bodies:
        token, name = TOKEN.search(body), MESSAGE_ID.search(body.replace(b"\r\n", b"\n"))
        if token and name:
            ids.setdefault(token[1].decode(), set()).add(name[1])
    twice = {token: names for token, names in ids.items() if len(names) > 1}
    assert not twice, f"reported twice: {list(twice.items())[:3]}"


def ledger(lab, senders, count):
    """I1–I4: what each sender saw accepted is in all of its places, few of it twice."""
    for place, bodies in places(lab).items():
        accepted = {t for s in senders if place in KINDS[s.kind][1] for t in s.accepted}
        assert accepted, f"nothing was accepted for {place}"
        whole = place != "report"
        wait_until(lambda a=accepted, b=bodies, w=whole: a <= set(copies(b(), w)), 90,
                   f"all accepted messages are in their place: {place}", step=1)
        doubles = sum(n - 1 for n in copies(bodies(), whole).values())
        assert doubles <= count * DOUBLES_PER_ROUND, f"{place}: {doubles} copies too many"
        if place == "report":
            reports_once(bodies())
        print(f"      {place}: {len(accepted)} accepted, {doubles} copies more", flush=True)


def rounds(lab, crash, count):
    random.seed(SEED)
    stop = threading.Event()
    senders = [Sender(lab, kind, stop) for kind in KINDS]
    for sender in senders:
        sender.start()
    try:
        for _ in range(count):
            crash(lab)
            wait_until(lambda: served(lab), 30, "mail is taken again", step=0.1)
    finally:
        stop.set()
        for sender in senders:
            sender.join(30)
    ledger(lab, senders, count)
    at_rest(lab)


def test_one_process(lab):
    """I1–I4 of faults.md: kill -9 of a process under load, again and again."""
    rounds(lab, one_child, ROUNDS - ROUNDS // 4)


def test_all_processes(lab):
    """I1–I4, I8: kill -9 of all processes under load, then start, again and again."""
    rounds(lab, all_of_them, ROUNDS // 4)
