"""lab/run.py --stop ends what it started, and nobody else."""

import json
import os
import subprocess
import sys
import tempfile

from hosts import ROOT

SERVER = "none"
RUN = os.path.join(ROOT, "lab", "run.py")


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
