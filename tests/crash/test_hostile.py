"""Hostile files: what is damaged, cut off, garbage, foreign or of the future in the spool is set
aside and reported (or removed, where a crash leaves such a thing), and stops nothing: all mail
around it is delivered.

Each row freezes what carries mail out, sends one message of each kind, kills everything,
puts its files beside (or into) what is on disk, and starts Frank again.
"""

import ctypes
import glob
import os
import re
import signal
import struct
import time

from harness import table
from hosts import wait_until
from ledger import wait_served

OPTIONS = ["restart-wait 50ms", "restart-wait-max 200ms", "body-memory-max 16K",
           "retry-schedule 1s"]
EXPECT_LOG = [r" smtpin_later ", r" queue_unheard ", r" child_died .*signal=9",
              r" (child_failed|child_killed) ", r" queue_(damaged|unlink_failed) ",
              r" queue_(record|body)_missing ", r" (smtpout|postoffice)_fault "]
HEAD = 64                       # bytes of a file's head; docs/spool-format.md
RECORD_HEAD = 56
MAGIC = b"\x8bFRK"
SPARSE_BYTES = 1 << 40
LIMIT_SECONDS = 20              # from the start until all else is delivered


# --- a spool with something in it, and what is in a file ----------------------------------------


def stop_carriers(lab):
    """SIGSTOP for those that deliver: what is sent now stays in the queue."""
    for pid in lab.children():
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            name = file.read().split(b"\0")[0]
        if name in (b"frank-postoffice", b"frank-smtpout"):
            os.kill(pid, signal.SIGSTOP)


def send_all(lab):
    """{token: (how to look for it)}: small and large, inward and outward."""
    tokens = {}
    for to, size in (("bob@example.test", 10), ("x@accept.test", 10), ("bob@example.test", 40000),
                     ("x@accept.test", 40000), ("bob@example.test", 3000)):
        token = lab.token()
        text = (token * (size // len(token) + 1) + "\r\n").replace("tok", "\r\ntok")
        lab.submit(to, lab.message(token, text))
        tokens[token] = (to, text)
    return tokens


def came(lab, token, to, text):
    """Whether the message has arrived; asserts that it is whole."""
    found = lab.bob.messages(f"Subject: test {token}") if to.startswith("bob") else \
        lab.hosts.mail("accept.test", f"Subject: test {token}")
    for message in found:
        body = message.body.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
        assert body == text.encode().replace(b"\r\n", b"\n"), f"{token} is damaged: {len(body)}"
    return bool(found)


def spool(lab, *names):
    return os.path.join(lab.info["spool"], *names)


def live_files(lab, kind):
    """Files of a folder that have more than a head, oldest first."""
    paths = sorted(glob.glob(spool(lab, kind, "*")))
    return [path for path in paths if os.path.getsize(path) > HEAD]


def put(lab, name, content=b"", owner=True):
    path = spool(lab, name)
    with open(path, "wb") as file:
        file.write(content)
    if owner:
        stat = os.stat(os.path.dirname(path))
        os.chown(path, stat.st_uid, stat.st_gid)
    return path


def sum_of(content):
    """XXH3-64 with seed 0."""
    function = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
    function.restype = ctypes.c_uint64
    return function(content, ctypes.c_size_t(len(content)), ctypes.c_uint64(0))


def head_of_form(magic, number, form):
    """The head of a file of another form, valid but for that."""
    head = struct.pack("<8sHHIQQBBH20x", magic, form, 0, number, 7, 0, 2, 0, 0)
    return head + struct.pack("<Q", sum_of(head))


# --- rows: each answers (names that have to be in damaged/, tokens that may be missing) ---------


def garbage(lab, folder, kind, magic):
    """Everything that is no file of ours, at once, in one folder."""
    aside = {f"000000a1.{kind}": os.urandom(500), "core": b"dumped", f"0000002a.{kind}.tmp": b"x",
             f"fffffffe.{kind}": os.urandom(100), f"7ffffff0.{kind}": b"far away",
             f"0000002A.{kind}": b"capital letter",
             f"000000a2.{kind}": head_of_form(magic, 0xa2, 2) + os.urandom(800),
             f"000000a3.{kind}": head_of_form(magic, 0xa4, 1) + os.urandom(800)}
    for name, content in aside.items():
        put(lab, f"{folder}/{name}", content)
    for name in (f"000000a5.{kind}", f"000000a6.{kind}"):
        put(lab, f"{folder}/{name}", magic[:4] if name[7] == "6" else b"")
    os.symlink("/etc/passwd", spool(lab, folder, f"000000a7.{kind}"))
    os.mkfifo(spool(lab, folder, f"000000a8.{kind}"))
    put(lab, f"{folder}/000000a9.{kind}", os.urandom(300), owner=False)
    os.chmod(spool(lab, folder, f"000000a9.{kind}"), 0)
    os.truncate(put(lab, f"{folder}/000000aa.{kind}", b"garbage"), SPARSE_BYTES)
    return [*aside, f"000000a7.{kind}", f"000000a8.{kind}", f"000000a9.{kind}", f"000000aa.{kind}"]


def garbage_segments(lab):
    return garbage(lab, "segments", "seg", b"FRANKSEG"), 0


def garbage_journals(lab):
    return garbage(lab, "journal", "journal", b"FRANKJNL"), 0


def garbage_bodies(lab):
    """A body file has no head: one that no record names is removed, whatever it is."""
    put(lab, "bodies/fffffffe.body", b"from far away")
    put(lab, "bodies/000000a1.body", b"garbage")
    put(lab, "bodies/000000a2.body", b"", owner=False)
    os.symlink("/etc/passwd", spool(lab, "bodies", "000000a3.body"))
    os.mkfifo(spool(lab, "bodies", "000000a4.body"))
    os.truncate(put(lab, "bodies/000000a5.body", b"x"), SPARSE_BYTES)
    put(lab, "bodies/core", b"dumped")
    put(lab, "stray", b"what?")
    return ["core", "stray"], 0


def folders(lab):
    """Folders where files should be."""
    for name in ("segments/000000a1.seg", "journal/000000a1.journal", "segments/more",
                 "bodies/000000a1.body"):
        os.mkdir(spool(lab, name))
        stat = os.stat(spool(lab, "segments"))
        os.chown(spool(lab, name), stat.st_uid, stat.st_gid)
    return ["000000a1.seg", "000000a1.journal", "more", "000000a1.body"], 0


def records(path):
    """Offsets of what begins like a record."""
    with open(path, "rb") as file:
        content = file.read()
    return [at for at in range(HEAD, len(content), 8) if content.startswith(MAGIC, at)]


def spoil(path, at, content):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content)


def damaged_record(lab):
    """A byte of one live record is another one: that message is lost, and it is said."""
    path = live_files(lab, "segments")[0]
    spoil(path, records(path)[1] + RECORD_HEAD + 20, b"\xff\xfe\xfd")
    return ["segment-"], 1


def cut_record(lab):
    """The segment ends in the middle of its last record."""
    path = live_files(lab, "segments")[0]
    os.truncate(path, records(path)[-1] + RECORD_HEAD + 40)
    return [], 1


def sparse_tail(lab):
    """Endless zeros behind a segment and a journal file."""
    for kind in ("segments", "journal"):
        os.truncate(live_files(lab, kind)[0], SPARSE_BYTES)
    return [], 0


def damaged_journal(lab):
    """Bytes in the middle of the journal: what is known from there on is tried again."""
    path = live_files(lab, "journal")[-1]
    at = records(path)
    spoil(path, at[len(at) // 2] + 3, os.urandom(40))
    return [], 0


def no_journal(lab):
    """The whole journal is gone."""
    for path in glob.glob(spool(lab, "journal", "*")):
        os.unlink(path)
    return [], 0


def cut_body(lab):
    """A large body is shorter than its record says: it is not delivered so."""
    os.truncate(live_files(lab, "bodies")[0], 100)
    return [], 1


def no_body(lab):
    """A large body is gone: the message is held, and it is said."""
    os.unlink(live_files(lab, "bodies")[0])
    return [], 1


def spoiled_body(lab):
    """A large body has other bytes than its record says."""
    spoil(live_files(lab, "bodies")[0], 500, b"\0\0\0\0")
    return [], 1


def reported(lab, since, name):
    """The log has a line about it."""
    return any(name in line.text for line in lab.log.find()[since:]
               if line.level in ("error", "warn"))


ROWS = [garbage_segments, garbage_journals, garbage_bodies, folders, damaged_record, cut_record,
        sparse_tail, damaged_journal, no_journal, cut_body, no_body, spoiled_body]


@table([(row.__name__, row) for row in ROWS])
def test_hostile(lab, row):
    """I8: a file that is not as it should be is set aside and reported; the rest is delivered."""
    stop_carriers(lab)
    tokens = send_all(lab)
    time.sleep(0.3)                 # until queue has written down what it knows
    pids = lab.children()
    lab.ended = True
    for pid in [lab.info["pid"], *pids]:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lab.alive(), 10, "super is gone")
    for path in glob.glob(spool(lab, "damaged", "*")):
        os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
    since = len(lab.log.lines())
    aside, lost = row(lab)
    began = time.monotonic()
    lab.restart()
    wait_served(lab)

    def missing():
        return [token for token, what in tokens.items() if not came(lab, token, *what)]
    wait_until(lambda: len(missing()) <= lost, LIMIT_SECONDS, f"the rest is delivered: {row}")
    assert time.monotonic() - began < LIMIT_SECONDS
    if lost:
        time.sleep(1.5)             # what may be missing shall not come damaged
    assert len(missing()) == lost, f"missing: {missing()}"
    there = os.listdir(spool(lab, "damaged"))
    for name in aside:
        assert any(name in found for found in there), f"{name} is not in damaged/: {there}"
        assert reported(lab, since, name), f"{name} was not reported"
    size = sum(os.stat(spool(lab, "damaged", name)).st_blocks * 512 for name in there)
    assert size < 8 << 20, f"{size} bytes in damaged/"
    for row in lab.queue():         # what could not be delivered
        lab.frank("queue", "delete", row["id"])
    assert not lost or re.search(r"error \S+ queue_|_fault ", "\n".join(
        line.text for line in lab.log.lines()[since:])), "nobody said what was lost"
