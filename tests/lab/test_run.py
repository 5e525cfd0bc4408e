"""lab/run.py --stop ends what it started, and nobody else."""

import json
import os
import subprocess
import sys
import tempfile

from hosts import ROOT, wait_until

SERVER = "none"
RUN = os.path.join(ROOT, "lab", "run.py")


# The foreground of lab/run.py, with a super that only sleeps.
FOREGROUND = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
import run
lab = run.Lab(sys.argv[2], run.arguments([]))
lab.children["super"] = subprocess.Popen(["sleep", "120"])
lab.lab_json({})
lab.foreground({})
"""

# A super that takes lab.json away as it ends.
FORGETS = "trap 'rm lab.json; exit' TERM; echo ready; while :; do sleep 0.1; done"


def started(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return int(file.read().rsplit(")", 1)[1].split()[19])


def stop(folder):
    return subprocess.run([sys.executable, RUN, "--stop", folder], capture_output=True, text=True,
                          timeout=60, check=False)


def test_stop(_lab):
    """A process that only has the number of an old one lives; the right one ends; then lab.json
    is gone, and a second stop finds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lab.json")
        with subprocess.Popen(["sleep", "120"]) as sleeper:
            try:
                for wrong in (1, 0):
                    with open(path, "w", encoding="utf-8") as file:
                        json.dump({"pid": sleeper.pid, "hosts_pid": None,
                                   "started": {"super": started(sleeper.pid) + wrong}}, file)
                    done = stop(folder)
                    assert done.returncode == 0 and not done.stderr, done.stderr
                    assert not os.path.exists(path)
                    assert (sleeper.poll() is None) == bool(wrong)
            finally:
                sleeper.kill()
        done = stop(folder)
        assert done.returncode == 1 and "Nothing runs" in done.stderr


def test_stop_foreground(_lab):
    """The one in the foreground ends well when --stop takes lab.json away before it does."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lab.json")
        with subprocess.Popen([sys.executable, "-c", FOREGROUND, os.path.dirname(RUN), folder],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as front:
            wait_until(lambda: os.path.exists(path) or front.poll() is not None, 20, "it runs")
            done = stop(folder)
            said, complaints = front.communicate(timeout=20)
            assert (done.returncode, done.stderr) == (0, "")
            assert (front.returncode, complaints) == (0, ""), complaints
            assert said.endswith("Frank has ended.\n"), said
            assert not os.path.exists(path)


def test_stop_comes_second(_lab):
    """And --stop does when that one is first."""
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen(["sh", "-c", FORGETS], cwd=folder, text=True,
                              stdout=subprocess.PIPE) as front:
            front.stdout.readline()
            with open(os.path.join(folder, "lab.json"), "w", encoding="utf-8") as file:
                json.dump({"pid": front.pid, "hosts_pid": None,
                           "started": {"super": started(front.pid)}}, file)
            done = stop(folder)
        assert (done.returncode, done.stderr) == (0, "")


def test_closed_folder(_lab):
    """Frank serves from a folder below one that its accounts may not enter, as root's home is."""
    with tempfile.TemporaryDirectory() as folder:       # mode 0700
        lab = os.path.join(folder, "lab")
        done = subprocess.run([sys.executable, RUN, "--background", lab], capture_output=True,
                              text=True, timeout=90, check=False)
        try:
            assert done.returncode == 0, done.stderr
            listed = subprocess.run([os.path.join(lab, "bin", "frank"), "--config",
                                     os.path.join(lab, "frank.conf"), "mailbox", "list"],
                                    capture_output=True, text=True, timeout=60, check=False)
            assert "ann@example.test" in listed.stdout, listed
        finally:
            stop(lab)


def test_paths_are_the_callers(_lab):
    """./dev goes to its own folder; what is named is meant from where it was called."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "mine"))
        with open(os.path.join(folder, "mine", "lab.json"), "w", encoding="utf-8") as file:
            json.dump({"pid": None, "hosts_pid": None}, file)
        done = subprocess.run([os.path.join(ROOT, "dev"), "stop", "mine"], cwd=folder,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert not os.path.exists(os.path.join(folder, "mine", "lab.json"))
