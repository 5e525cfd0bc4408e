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
TRIES = 41
# What src/def/places.def gives super, and so at most whom it starts.
FILES = {"add", "write", "cut", "rename", "remove"}
# What does not belong there is moved away, whatever it is; to move is to make.
FOLDERS = {"move", "make-folder", "remove-folder", "make-socket", "make-fifo", "make-link"}
PLACES = {
    "spool": FILES | FOLDERS,
    "mail": FILES | FOLDERS,
    "state": FILES,
    "run": FILES | {"make-socket"},
    "log": {"add", "write"},
    "outside": set(),
}
CHANGES = 12
# What super needs itself or somebody whom it starts. Not listen: by then the socket was connected.
# When exec, the last one, works it says nothing.
SUPER_ALLOWED = {
    "open-read", "list-root", "create-inside", "chmod", "truncate", "fallocate", "drop-append",
    "unlock", "link", "chmod-open", "pwrite", "sync", "accept", "socket", "socket-unix",
    "socket-netlink", "connect", "connect-sendto", "connect-sendmsg", "map-executable",
    "make-executable", "dumpable", "limits", "setuid", "fork"}
SIGNALS = {"signal-other", "signal-thread"}


def program_of(name, folder):
    """The process's own program; test_child plays those that are not built."""
    own = os.path.join(PROC, name, "frank-" + name)
    program = os.path.join(folder, "frank-" + name)
    shutil.copy(own if os.path.exists(own) else os.path.join(PROC, "super", "test_child"), program)
    return program


def folder_make(*names):
    os.mkdir(os.path.join(*names))
    os.chmod(os.path.join(*names), 0o777)


def places_make(folder):
    """What rt_sandbox_probe_changes wants to find."""
    for place in PLACES:
        folder_make(folder, place)
        for name in ("deep", "empty"):
            folder_make(folder, place, name)
        for name in ("old", "aged", "moved"):
            with open(os.path.join(folder, place, name), "wb"):
                os.chmod(os.path.join(folder, place, name), 0o666)


def answers_of(name, uid):
    """All that the probe tries: allowed or refused."""
    folder = tempfile.mkdtemp(prefix="frank-probe.")
    try:
        os.chmod(folder, 0o777)
        folder_make(folder, "tried")
        places_make(os.path.join(folder, "tried"))
        command = [program_of(name, folder), "--sandbox-probe", os.path.join(folder, "tried")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30,
                              user=uid, group=uid)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def probe(name, uid):
    answers = answers_of(name, uid)
    # Had exec worked, its own line and nothing else would be missing.
    assert len(answers) == TRIES and answers["exec"] == "refused", answers
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


def test_super_refuses(_lab):
    """super changes nothing but what it must beneath each of its folders, has its limits, and does
    none of what nobody needs; as root and as a user."""
    build_is_plain()
    for uid in (None, UID_BASE) if os.getuid() == 0 else (None,):
        answers = answers_of("super", uid)
        assert len(answers) == TRIES - 1 + len(PLACES) * CHANGES and "exec" not in answers, answers
        allowed = {key for key, answer in answers.items() if answer == "allowed"}
        wanted = {f"{place}/{change}" for place, changes in PLACES.items() for change in changes}
        assert {key for key in allowed if "/" in key} == wanted, uid
        # Whose parent is somebody else's cannot signal it anyway.
        assert {key for key in allowed if "/" not in key} == \
            SUPER_ALLOWED | (SIGNALS if uid is None else set()), uid
