"""Power cuts under load: the disk as it was in one instant is mounted elsewhere, and a Frank
started on it delivers all that had been answered 250 before that instant.

Spool, mailboxes and directory lie on a disk whose power can be cut (disk.py); the hosts to which
mail goes out, and the ledger, do not: they are other machines. Cuts: ./dev crash --power N, or as
many as fit into half of --for. What this does not show is in docs/testing.md.
"""

import os
import random
import shutil
import signal
import tempfile
import time

from disk import Disk
from harness import Lab, table
from hosts import RUNNING, wait_until
from ledger import Ledger, number, wait_served

SERVER = "none"
LONG = True
STEADY = True
SEED = number("SEED", 20260101)
SECONDS = number("SECONDS", 60) // 6           # half of it, for three file systems
POWER = number("POWER", 0)
OPTIONS = ["restart-wait 50ms", "restart-wait-max 200ms", "segment-size-max 1M",
           "body-memory-max 16K", "journal-size-max 256K", "trace-keep-size 1M",
           "compact-after 200ms", "spare-bodies 4", "retry-schedule 1s"]
EXPECT_LOG = [r" smtpin_later ", r" queue_unheard ", r" child_died .*signal=9"]
FOLDERS = ("spool", "mail", "state")
ARCHIVE_ROUNDS = 5


class PowerLab(Lab):
    """A lab whose spool, mail and state lie on such a disk."""

    def __init__(self, kind):
        self.around = tempfile.mkdtemp(prefix="frank-power-")
        os.chmod(self.around, 0o755)
        super().__init__(os.path.join(self.around, "lab"), OPTIONS)
        os.makedirs(self.folder)
        self.disk = None
        RUNNING.add(self)
        try:
            self.disk = Disk(self.around, kind)
        except BaseException:
            self.close(quiet=True)
            raise
        for name in FOLDERS:
            os.mkdir(os.path.join(self.disk.where, name))
            os.symlink(os.path.join(self.disk.where, name), os.path.join(self.folder, name))

    def close(self, quiet=False):
        try:
            super().close(quiet)
        finally:
            RUNNING.discard(self)
            if self.disk:
                self.end_all()
                self.disk.release()
            shutil.rmtree(self.around, ignore_errors=True)

    def end_all(self):
        """kill -9 of everything, until it is gone."""
        pids = [self.info["pid"], *self.children()] if self.info and self.alive() else []
        self.ended = True
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not any(running(pid) for pid in pids), 10, "all are gone")


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def power_cut(lab, ledger):
    """One cut, and all that was accepted before it is demanded of what is left."""
    marked = ledger.mark()
    ledger.crashed()
    lab.disk.cut()
    abroad = ledger.places["accept"].paths()
    ledger.crashed()
    lab.end_all()
    ledger.end()
    lab.stop()                          # the hosts
    lab.disk.remount()
    # The other machines have not yet got what Frank sent after the cut.
    for path in ledger.places["accept"].paths() - abroad:
        os.unlink(path)
        os.unlink(os.path.splitext(path)[0] + ".json")
    ledger.forget(marked)
    lab.start()
    wait_served(lab)
    ledger.crashed()
    ledger.settle(marked)
    ledger.at_rest()


def rounds(lab):
    rng = random.Random(SEED)
    ledger = Ledger(lab, SEED)
    end, count = time.monotonic() + SECONDS, 0
    while count < POWER if POWER else time.monotonic() < end:
        ledger.begin()
        try:
            time.sleep(rng.uniform(0.1, 2.0))
            power_cut(lab, ledger)
        finally:
            ledger.end()
        count += 1
        if count % ARCHIVE_ROUNDS == 0:
            ledger.archive()
    print(f"      {count} power cuts\n{ledger.summary()}", flush=True)


@table([("ext4", "ext4"), ("ext4-writeback", "ext4-writeback"), ("xfs", "xfs")])
def test_power_cut(_lab, kind):
    """I1–I4, I7, I8: the power is cut under load, again and again."""
    lab = PowerLab(kind)
    try:
        lab.start()
        for pattern in EXPECT_LOG:
            lab.log.expect(pattern)
        rounds(lab)
    except BaseException:
        lab.close(quiet=True)
        raise
    lab.close()
