#!/usr/bin/python3
"""Makes a spool as a kill leaves it, to be kept for the versions to come: tests/data/spool-N.

    FRANK_BUILD=build/release tests/crash/keep_spool.py tests/data/spool-1

Run once, by the last version that writes form N, before the form changes; test_old_spool.py starts
each version after it on a copy. In it: a message delivered; one of two recipients delivered and the
other waiting, with its result; a report that is made and not delivered; one that is under way; a
message for a mailbox, one for a host, and one whose body has a file of its own, all accepted and
not yet tried.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "func"))

from harness import Lab                                        # noqa: E402
from hosts import wait_until                                   # noqa: E402

OPTIONS = ["body-memory-max 4096", "spare-bodies 1"]
LARGE_LINES = 500


def freeze(lab, role):
    for pid in lab.children():
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if file.read().split(b"\0")[0] == b"frank-" + role.encode():
                os.kill(pid, signal.SIGSTOP)


def send(lab, mails, name, *recipients, body="Kept.\r\n", **where):
    """One message; where: {place: copies that a later version has to bring}."""
    lab.submit(list(recipients), lab.message(f"kept-{name}", body))
    mails.append({"token": f"kept-{name}", "body": body, "copies": where})


def fill(lab):
    mails = []
    send(lab, mails, "delivered", "bob@example.test", bob=0)
    lab.bob.wait("kept-delivered")
    send(lab, mails, "waiting", "bob@example.test", "x@grey.test", bob=0, grey=1)
    wait_until(lambda: lab.log.find(event="queue_deferred"), 10, "it waits")
    freeze(lab, "postoffice")
    send(lab, mails, "reported", "x@unknown.test", report=1)
    wait_until(lambda: lab.log.find(event="queue_report_made"), 10, "the report is made")
    freeze(lab, "bounce")
    send(lab, mails, "reporting", "y@unknown.test", report=1)
    wait_until(lambda: len(lab.log.find(event="queue_failed")) == 2, 10, "it is refused")
    freeze(lab, "smtpout")
    send(lab, mails, "inward", "bob@example.test", bob=1)
    send(lab, mails, "outward", "x@accept.test", accept=1)
    send(lab, mails, "large", "bob@example.test", bob=1,
         body="".join(f"Line {n} of a large message, which has a file of its own.\r\n"
                      for n in range(LARGE_LINES)))
    time.sleep(0.5)
    return mails


def kill_all(lab):
    pids = [lab.info["pid"], *lab.children()]
    lab.ended = True
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lab.alive(), 10, "super is gone")


def main():
    to = sys.argv[1]
    if os.path.exists(to):
        raise SystemExit(f"{to} is there: what is kept is not made anew")
    folder = tempfile.mkdtemp(prefix="frank-keep-")
    os.chmod(folder, 0o755)
    lab = Lab(os.path.join(folder, "lab"), OPTIONS)
    try:
        lab.start()
        mails = fill(lab)
        kill_all(lab)
        shutil.copytree(lab.info["spool"], os.path.join(to, "spool"),
                        ignore=shutil.ignore_patterns("damaged", "lock"))
        with open(os.path.join(to, "mails.json"), "w", encoding="utf-8") as file:
            json.dump(mails, file, indent=1)
            file.write("\n")
    finally:
        lab.close(quiet=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
