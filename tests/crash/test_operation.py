"""Each process dies right before its n-th operation, for n = 1, 2, …: at start, in recovery, while
it accepts, commits, writes the journal, seals, compacts, delivers, reports.

FRANK_KILL=process:n,m,… (src/rt/operation_linux.c) kills it at its n-th operation; started again
it dies at its m-th, and so on, under load. ./dev crash --operations N walks from 1 to N for every
process; without it, windows of that walk at random places, for half of --for.
"""

import collections
import datetime
import random
import re
import time

from harness import table
from hosts import wait_until
from ledger import Ledger, number, wait_served

# Everything small: segments are sealed, compacted and removed, journal files closed and dropped,
# bodies go through files all the time.
OPTIONS = ["restart-wait 10ms", "restart-wait-max 10ms", "segment-size-max 1M",
           "body-memory-max 16K", "journal-size-max 64K", "trace-keep-size 1M",
           "compact-after 100ms", "spare-bodies 2", "retry-schedule 1s"]
EXPECT_LOG = [r" smtpin_later ", r" queue_unheard ", r" child_died .*signal=9",
              r" (child_failed|child_killed) ", r" postoffice_fault .*errno=125"]
LONG = True
STEADY = True
SEED = number("SEED", 20260101)
SECONDS = number("SECONDS", 60) // 2            # the other half is for power cuts
OPERATIONS = number("OPERATIONS", 0)
# Those that touch the spool or mail, which short runs look at; and the others.
MAIL_PROCESSES = ("queue", "smtpin", "postoffice", "smtpout", "bounce")
PROCESSES = MAIL_PROCESSES + ("control", "directory", "dns")
FIRST_MAX = 300         # where a window of a short run may begin
SUPER_MAX = 50          # super's operations from its start to its end
BATCH = 25              # deaths between two counts of the mail
WINDOW_SECONDS = 10     # at most, in a short run
STALL_SECONDS = 6       # a process that lives so long has nothing more to do under this load
DIED = re.compile(rb"^FRANK_KILL (\S+) (\d+) (\w+) ?(.*)$", re.MULTILINE)
WHEN = re.compile(rb"^(\S+)Z \w+ super child_died ", re.MULTILINE)


class Deaths:
    """What FRANK_KILL has killed in a lab: reads on in its logs."""

    def __init__(self, lab, ledger):
        self.ledger = ledger
        self.paths = [lab.info["log"], lab.info["log"].replace("frank.log", "super.out")]
        self.read = dict.fromkeys(self.paths, 0)

    def new(self):
        """[(process, n, operation)] since the last time; the ledger is told when they were."""
        died = []
        for path in self.paths:
            with open(path, "rb") as file:
                file.seek(self.read[path])
                text = file.read()
            text = text[:text.rfind(b"\n") + 1]
            self.read[path] += len(text)
            died += [(m[1].decode(), int(m[2]), m[3].decode()) for m in DIED.finditer(text)]
            for match in WHEN.finditer(text):
                when = datetime.datetime.fromisoformat(match[1].decode() + "+00:00")
                self.ledger.crashes.append(when.timestamp())
        return died

    def wait(self, count):
        """Until so many have died, or none has for a while."""
        died, began = [], time.monotonic()
        since = began
        while len(died) < count and time.monotonic() - since < STALL_SECONDS and \
                (OPERATIONS or time.monotonic() - began < WINDOW_SECONDS):
            time.sleep(0.1)
            now = self.new()
            if now:
                died, since = died + now, time.monotonic()
        return died


def batch(lab, ledger, deaths, process, numbers):
    """One start, in which the process dies at each of the numbers; answers what it died of."""
    lab.environment = {"FRANK_KILL": f"{process}:{','.join(map(str, numbers))}"}
    ledger.crashed()
    lab.stop()
    deaths.new()
    try:
        if process == "super":
            died = batch_of_super(lab, ledger, deaths)
        else:
            lab.start()
            ledger.begin()
            try:
                died = deaths.wait(len(numbers))
            finally:
                ledger.end()
    finally:
        lab.environment = {}
    ledger.crashed()
    wait_served(lab)
    ledger.settle(ledger.mark())
    ledger.at_rest()
    return died + deaths.new()


def batch_of_super(lab, ledger, deaths):
    """It dies at its start, a little later, or as it stops; then it is started as always."""
    try:
        lab.start()
        ledger.begin()
        time.sleep(0.3)
        ledger.end()
        lab.stop()
    except AssertionError:
        pass
    wait_until(lambda: not lab.alive(), 10, "super is gone")
    lab.environment = {}
    lab.start()
    return deaths.new()


class Told:
    """What was met, for people: per process how far, and how often which operation."""

    def __init__(self):
        self.rows = collections.defaultdict(list)

    def add(self, died):
        for process, at, operation in died:
            self.rows[process].append((at, operation))

    def __str__(self):
        lines = []
        for process, row in self.rows.items():
            counts = collections.Counter(operation for _, operation in row)
            lines.append(f"      {process}: {len(row)} deaths, {min(row)[0]} to {max(row)[0]}: " +
                         " ".join(f"{name} {n}" for name, n in counts.most_common()))
        return "\n".join(lines)


def windows(rng, end):
    """Walks at random places until the time is over."""
    while time.monotonic() < end:
        for process in rng.sample(MAIL_PROCESSES, len(MAIL_PROCESSES)) + ["super"]:
            first = rng.choice((1, rng.randrange(1, FIRST_MAX)))
            numbers = [rng.randrange(1, SUPER_MAX)] if process == "super" else \
                list(range(first, first + BATCH))
            if time.monotonic() < end:
                yield process, numbers


def whole_walk(process):
    """From the first to the last of so many operations."""
    if process == "super":
        return (("super", [at]) for at in range(1, min(OPERATIONS, SUPER_MAX) + 1))
    return ((process, list(range(first, min(first + BATCH, OPERATIONS + 1))))
            for first in range(1, OPERATIONS + 1, BATCH))


ROWS = (*PROCESSES, "super") if OPERATIONS else ("windows",)


@table([(row, row) for row in ROWS])
def test_each_operation(lab, row):
    """I1–I4, I8: a process dies before its n-th operation, n = 1, 2, …, under load."""
    rng = random.Random(SEED)
    ledger = Ledger(lab, SEED)
    deaths, told = Deaths(lab, ledger), Told()
    walk = whole_walk(row) if OPERATIONS else windows(rng, time.monotonic() + SECONDS)
    for process, numbers in walk:
        died = batch(lab, ledger, deaths, process, numbers)
        told.add(died)
        ledger.archive()
        if OPERATIONS and not died:
            break                       # it has not so many operations under this load
    print(told)
    print(ledger.summary(), flush=True)
