#!/usr/bin/python3
"""Real crashes of the real programs: ./dev crash. Without arguments what CI runs.

    --rounds N       kill -9 at N random moments (200)
    --operations N   each process dies before its 1st, 2nd, … N-th operation
    --power N        N power cuts on each file system under test
    --for SECONDS    operations and power cuts for so long in all, where no number is given (60)
    --seed S         the same moments again, as far as a real machine allows
    PATTERN …        only tests whose name contains one: kill, operation, power, hostile, old
    --keep DIR       servers' folders stay there

The tests are those of this folder; tests/func/run.py runs them. As root they get a mount namespace
of their own, so that no mount of theirs is left on the machine.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUNNER = os.path.join(os.path.dirname(HERE), "func", "run.py")
NAMESPACE = ["unshare", "--mount", "--propagation", "private"]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="./dev crash [OPTION …] [PATTERN …]")
    add = parser.add_argument
    add("--rounds", type=int, default=200)
    add("--operations", type=int, default=0)
    add("--power", type=int, default=0)
    add("--for", dest="seconds", type=int, default=60)
    add("--seed", type=int, default=None)
    add("--keep")
    add("patterns", nargs="*")
    return parser.parse_args()


def namespace():
    """What is put before a command that is to have its own mounts; nothing where that fails."""
    if os.getuid() or not shutil.which(NAMESPACE[0]):
        return []
    done = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False)
    return NAMESPACE if done.returncode == 0 else []


def main():
    args = arguments()
    seed = secrets.randbelow(10 ** 9) if args.seed is None else args.seed
    settings = {"ROUNDS": args.rounds, "OPERATIONS": args.operations, "POWER": args.power,
                "SECONDS": args.seconds, "SEED": seed}
    for name, value in settings.items():
        os.environ[f"FRANK_CRASH_{name}"] = str(value)
    before = namespace()
    if before:
        os.environ["FRANK_CRASH_NAMESPACE"] = "1"
    print(f"seed {seed}: again with ./dev crash --seed {seed}", flush=True)
    command = [*before, sys.executable, RUNNER, "--in", HERE, *args.patterns]
    if args.keep:
        command += ["--keep", args.keep]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
