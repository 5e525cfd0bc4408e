"""./dev itself: what it says, and what it does not do."""

import os
import shutil
import subprocess
import tempfile

from harness import table
from hosts import ROOT

SERVER = "none"
NINJA = "rule touch\n  command = touch $out\nbuild made: touch\ndefault made\n"


def dev(folder, *words, **variables):
    """With no build chosen, as in a fresh terminal."""
    env = {name: value for name, value in os.environ.items() if name != "FRANK_BUILD"}
    return subprocess.run([os.path.join(folder, "dev"), *words], capture_output=True, text=True,
                          env={**env, **variables}, timeout=60, check=False)


@table([("run", "run", "and the small internet of lab/hosts.py around it."),
        ("mail", "mail", "prints its life until its end.")])
def test_help(_lab, command, says):
    """The whole first sentence, and nothing is built for it."""
    done = dev(ROOT, command, "--help", KIND="no-such-build")
    assert done.returncode == 0, done.stderr
    assert says in " ".join(done.stdout.split()), done.stdout


def test_build_is_quiet(_lab):
    """The command is shown when there is something to build, and only then."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(ROOT, "dev"), folder)
        os.makedirs(os.path.join(folder, "build", "dev"))
        with open(os.path.join(folder, "build", "dev", "build.ninja"), "w",
                  encoding="utf-8") as file:
            file.write(NINJA)
        done = dev(folder, "build")
        assert done.returncode == 0 and "+ ninja" in done.stderr, done.stderr
        assert os.path.exists(os.path.join(folder, "build", "dev", "made"))
        done = dev(folder, "build")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr
