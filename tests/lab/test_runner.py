"""tests/func/run.py: however a test ends, it is counted."""

import os
import subprocess
import sys
import tempfile

from hosts import ROOT

SERVER = "none"
TESTS = """
import sys
from harness import Skip

SERVER = "none"

def test_passes(_lab):
    pass

def test_fails(_lab):
    assert False

def test_exits(_lab):
    sys.exit("by a program that it called")

def test_interrupts(_lab):
    raise KeyboardInterrupt

def test_skips(_lab):
    raise Skip("not here")
"""


def test_all_are_counted(_lab):
    """An assertion, an exit and an interrupt are failures."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "test_x.py"), "w", encoding="utf-8") as file:
            file.write(TESTS)
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "func", "run.py"),
                               "--in", folder, "--keep", folder], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.stdout.splitlines()[-1] == "1 passed, 3 failed, 1 skipped", done.stdout
        assert done.returncode == 1
        assert "x:exits: SystemExit: by a program" in done.stdout, done.stdout
