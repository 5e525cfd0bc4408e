"""Start, stop, crash, and a second Frank."""

import os
import signal
import subprocess
import tempfile

from harness import Closed, table
from hosts import ROOT, wait_until

FRESH = True


def test_421_on_shutdown(lab):
    """conformance: 5321 codes (421 on shutdown)."""
    with lab.connect() as client:
        client.hello()
        lab.terminate()
        try:
            assert client.want(421).status.startswith("4.")
        except Closed as err:
            raise AssertionError("closed without a word") from err
    wait_until(lambda: not lab.alive(), 20, "ended")


@table([("ctrl-c", signal.SIGINT), ("systemd", signal.SIGTERM), ("hangup", signal.SIGHUP)])
def test_signal_to_the_group(lab, number):
    """Issue 3b: a signal that reaches all processes at once ends (or reloads) it in order: 421 to
    the session at hand, and nothing in the log that an operator would have to look at."""
    with lab.connect() as client:
        client.hello()
        children = lab.children()
        os.killpg(lab.info["pid"], number)
        if number == signal.SIGHUP:
            wait_until(lambda: lab.log.find(event="reload"), 10, "reloaded")
            client.cmd("NOOP", 250)
            assert lab.children() == children
            return
        lab.ended = True
        assert client.want(421).status.startswith("4.")
    wait_until(lambda: not lab.alive(), 20, "ended")
    assert not lab.log.find(event="child_died")


def test_children_go_with_super(lab):
    """Issue 3b: children exit when super goes."""
    pids = lab.children()
    assert len(pids) >= 5, pids
    lab.kill()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10, "all gone")


def test_survives_kill_of_children(lab):
    """Issue 3b: a killed child is restarted, the others go on, no mail is lost."""
    lab.log.expect(r" error super child_died .* signal=9$")
    lab.log.expect(r" warn queue queue_unheard ")       # what a worker had in hand
    lab.log.expect(r" warn smtpin smtpin_later .*wait until ready")     # before its first segment
    token = lab.token()
    lab.submit("x@always451.test", lab.message(token))
    for pid in lab.children():
        os.kill(pid, signal.SIGKILL)

        def served():
            try:
                with lab.connect() as client:
                    client.hello()
                    client.mail("a@accept.test", lab.bob.address)
                    return client.data(lab.message(token + f"-{pid}-")).code == 250
            except (Closed, OSError, AssertionError):
                return False
        wait_until(served, 20, f"mail is taken after the end of {pid}", step=0.3)
        lab.bob.wait(token + f"-{pid}-", timeout=30)


def test_restart_keeps_mail(lab):
    """I1: accepted mail survives stop and start, kill -9 and start."""
    lab.log.expect(r" warn queue queue_unheard ")       # an attempt at hand at the kill
    tokens = [lab.token() for _ in range(3)]
    for token in tokens:
        lab.submit(f"{token}@later-rcpt.test", lab.message(token))
    lab.kill()
    lab.restart()
    for token in tokens:
        assert wait_until(lambda t=token: lab.hosts.mail("later-rcpt.test", t), 60)


def seen(folder):
    """What lies in the lab's folder, with times; the server itself writes to its own places."""
    found = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [n for n in folders if n not in ("spool", "state", "mail", "run")]
        for name in names:
            full = os.path.join(path, name)
            if not name.endswith((".log", ".out", ".jsonl")):
                found[full] = os.lstat(full).st_mtime_ns
    return found


@table([("again", []), ("fresh", ["--fresh"])])
def test_second_run_refused(lab, words):
    """A second ./dev run on a lab that runs says so, and has changed nothing."""
    before = seen(lab.folder)
    assert any(path.endswith("frank.conf") for path in before), before
    done = subprocess.run(["./dev", "run", "--background", lab.folder, *words], cwd=ROOT,
                          check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "already runs" in done.stderr, done.stderr
    assert "./dev stop" in done.stderr
    assert seen(lab.folder) == before
    with lab.connect() as client:
        client.hello()


def test_background_says(_lab):
    """The path of lab.json, alone on standard output; beside it the commands that go on."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        place = os.path.join(folder, "my lab")
        done = subprocess.run(["./dev", "run", "--background", place], cwd=ROOT, check=False,
                              capture_output=True, text=True, timeout=60)
        try:
            assert done.returncode == 0 and done.stdout == f"{place}/lab.json\n", done.stderr
            assert done.stderr.endswith(f"Try: ./dev mail --dir '{place}'\n"
                                        f"End: ./dev stop '{place}'\n"), done.stderr
        finally:
            subprocess.run(["./dev", "stop", place], cwd=ROOT, check=False, capture_output=True,
                           timeout=60)


def test_second_frank_refused(lab):
    """Issue 3b: a second Frank on one spool is refused."""
    lab.log.expect(r" error super super_failed .*another Frank")
    program = os.path.join(os.path.dirname(lab.info["tool"]), "frank-super")
    done = subprocess.run([program, "--config", lab.info["config"], "--programs",
                           os.path.dirname(program)], cwd=lab.folder, check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 75 and "another Frank" in done.stderr, done.stderr
    with lab.connect() as client:
        client.hello()


@table([("mx", "mx"), ("submission", "submission")])
def test_second_stop(lab, listener):
    """./dev stop ends it; the port is closed then."""
    lab.stop()
    try:
        lab.connect(listener).close()
        raise AssertionError("still listening")
    except ConnectionRefusedError:
        pass
