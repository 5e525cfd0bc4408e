"""kill -9 of any or all processes under load, at random moments: no accepted message is lost.

Rounds: ./dev crash --rounds N, 200 if not given; in a quarter of them everything is killed, or
super alone.
"""

import os
import random
import signal
import time

from hosts import wait_until
from ledger import Ledger, number, wait_served

FRESH = True
# Restarts are not what is waited for here.
OPTIONS = ["restart-wait 50ms", "restart-wait-max 200ms"]
# A session that asked a neighbour that was away; jobs of a worker that was killed; a child
# that was killed, or that could not be wired to a neighbour that died meanwhile.
EXPECT_LOG = [r" smtpin_later ", r" queue_unheard ", r" child_died .*signal=9",
              r" (child_failed|child_killed) ", r" postoffice_fault .*errno=125"]
LONG = True
STEADY = True           # a lost message is lost, however often one looks again
ROUNDS = number("ROUNDS", 200)
SEED = number("SEED", 20260101)
CHECK_ROUNDS = 50       # then the load rests and all is counted


def one_child(lab, ledger, rng):
    """kill -9 of one process, sometimes of a few; the others go on and they come back."""
    children = lab.children()
    ledger.crashed()
    for pid in rng.sample(children, min(len(children), rng.choice((1, 1, 1, 2, 3)))):
        os.kill(pid, signal.SIGKILL)
    time.sleep(rng.uniform(0.05, 0.4))


def all_of_them(lab, ledger, rng):
    """kill -9 of everything at once, then a start."""
    pids = [lab.info["pid"]]
    if rng.randrange(3):                # else its children have to see that it is gone
        pids += lab.children()
    rng.shuffle(pids)
    ledger.crashed()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not lab.alive(), 10, "super is gone")
    ledger.crashed()
    lab.restart()
    time.sleep(rng.uniform(0.1, 0.6))


def rounds(lab, crash, count):
    rng = random.Random(SEED)
    ledger = Ledger(lab, SEED)
    while count > 0:
        ledger.begin()
        try:
            for _ in range(min(count, CHECK_ROUNDS)):
                crash(lab, ledger, rng)
                wait_served(lab)
                ledger.crashed()
        finally:
            ledger.end()
        count -= CHECK_ROUNDS
        ledger.settle(ledger.mark())
        ledger.at_rest()
        ledger.archive()
    print(ledger.summary(), flush=True)


def test_one_process(lab):
    """I1–I4 of faults.md: kill -9 of a process under load, again and again."""
    rounds(lab, one_child, ROUNDS - ROUNDS // 4)


def test_all_processes(lab):
    """I1–I4, I8: kill -9 of all processes under load, then start, again and again."""
    rounds(lab, all_of_them, ROUNDS // 4)
