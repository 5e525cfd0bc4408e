"""./dev mail: sends, prints the message's life, and ends with it."""

import subprocess

from harness import table
from hosts import ROOT, wait_until

PARALLEL = 4
LONG = True
EXPECT_LOG = ["queue_suspended"]


@table([
    ("delivered", "bob@example.test", 0, ["delivered"]),
    ("relayed", "x@accept.test", 0, ["mx.accept.test"]),
    ("bounced", "x@gateway.test", 0, ["554-gateway.test", "poor reputation"]),
    ("unknown", "x@unknown.test", 0, ["550 5.1.1"]),
    ("late", "x@grey.test", 0, ["451 4.7.1", "mx.grey.test"]),
])
def test_life(lab, recipient, code, words):
    """Issue 2a: exit 0 only for delivered or bounced; at most 90 s; the remote's words."""
    done = subprocess.run(["./dev", "mail", "--dir", lab.folder, "--to", recipient], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, f"{done.returncode}: {done.stderr[-500:]}"
    for word in words:
        assert word in done.stdout, f"{word!r} is missing: {done.stdout[-800:]}"


def test_refused(lab):
    """Issue 2a: what is refused at RCPT is no success."""
    done = subprocess.run(["./dev", "mail", "--dir", lab.folder, "--to", "nobody@example.test"],
                          cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode not in (0, 75), done.stdout


def begin(lab, recipient):
    """./dev mail that is under way, with the id of its message."""
    child = subprocess.Popen(["./dev", "mail", "--dir", lab.folder, "--to", recipient], cwd=ROOT,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    row, = wait_until(lambda: lab.queue(recipient), 20, "it is in the queue")
    return child, row["id"]


def end(child):
    """Its output and exit code."""
    try:
        return child.communicate(timeout=120)[0], child.returncode
    finally:
        child.kill()


def test_expired(lab):
    """Issue 2a: what was tried for as long as it lives bounces, and that is an end."""
    done = subprocess.run(["./dev", "mail", "--dir", lab.folder, "--to", "x@timeout.test"],
                          cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "expired" in done.stdout, done.stdout
    assert "What the sender reads" in done.stdout


def test_still_waiting(lab):
    """Issue 2a: what is neither delivered nor bounced within 90 s says where it stands."""
    child, identity = begin(lab, "held@always451.test")
    lab.frank("queue", "hold", identity)
    said, code = end(child)
    assert code == 75 and "Not today, and not tomorrow" in said, said
    assert said.endswith(f"Still waiting after 90 s; go on with: frank trace {identity}\n"), said
    lab.frank("queue", "delete", identity)


def test_deleted(lab):
    """Issue 2a: what an operator deleted was neither delivered nor bounced."""
    child, identity = begin(lab, "deleted@always451.test")
    lab.frank("queue", "delete", identity)
    said, code = end(child)
    assert code == 1 and "deleted" in said, said


def test_utf8(lab):
    """RFC 6531: an address that needs SMTPUTF8 gets it."""
    recipient = "grün@accept.test"
    done = subprocess.run(["./dev", "mail", "--dir", lab.folder, "--to", recipient], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 and recipient in done.stdout, done.stdout
