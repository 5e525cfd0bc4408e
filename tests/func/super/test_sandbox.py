"""Each process, in its sandbox, tries what a process that was taken over would try. On the release
build (or what FRANK_BUILD names, which must not be a sanitizer build)."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import Skip, table                                # noqa: E402
from house import BUILD, PROC, UID_BASE                        # noqa: E402

SERVER = "none"
# What the table src/def/sandbox.def gives; everything else must be refused.
ALLOWED = [
    ("config", "config", set()),
    ("smtpin", "smtpin", {"accept", "sync"}),
    ("queue", "queue", {"create-inside", "unlock", "sync"}),
    ("smtpout", "smtpout", {"socket", "connect"}),
    ("postoffice", "postoffice", {"create-inside", "sync"}),
    ("dns", "dns", {"socket", "connect", "connect-sendto", "connect-sendmsg", "drop-append"}),
    ("directory", "directory", {"create-inside", "truncate", "pwrite", "drop-append", "sync",
                                "chmod-open"}),
    ("bounce", "bounce", {"sync"}),
    ("control", "control", {"accept"}),
]
TRIES = 38


def program_of(name, folder):
    """The process's own program; test_child plays those that are not built."""
    own = os.path.join(PROC, name, "frank-" + name)
    program = os.path.join(folder, "frank-" + name)
    shutil.copy(own if os.path.exists(own) else os.path.join(PROC, "super", "test_child"), program)
    return program


def probe(name, uid):
    folder = tempfile.mkdtemp(prefix="frank-probe.")
    try:
        os.chmod(folder, 0o777)
        os.mkdir(os.path.join(folder, "tried"))
        os.chmod(os.path.join(folder, "tried"), 0o777)
        command = [program_of(name, folder), "--sandbox-probe", os.path.join(folder, "tried")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30,
                              user=uid, group=uid)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    answers = dict(line.split() for line in done.stdout.splitlines())
    # Had exec worked, its own line and nothing else would be missing.
    assert len(answers) == TRIES and answers["exec"] == "refused", done.stdout
    return {key for key, answer in answers.items() if answer == "allowed"}


def build_is_plain():
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json"),
              encoding="utf-8") as file:
        if '"name": "b_sanitize", "value": "none"' not in file.read():
            raise Skip("the sandbox is tested without sanitizers")


@table(ALLOWED)
def test_refuses(_lab, name, allowed):
    """What the table does not give is refused, as root and as a user."""
    build_is_plain()
    for uid in (None, UID_BASE) if os.getuid() == 0 else (None,):
        assert probe(name, uid) == allowed, (name, uid)
