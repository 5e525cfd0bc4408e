"""./dev mail: sends, prints the message's life, and ends with it."""

import subprocess

from harness import table
from hosts import ROOT

PARALLEL = 4
LONG = True


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


def test_still_waiting(lab):
    """Issue 2a: what is neither delivered nor bounced within 90 s says where it stands."""
    done = subprocess.run(["./dev", "mail", "--dir", lab.folder, "--to", "x@timeout.test"],
                          cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 75) and done.stdout.strip(), done.stderr
