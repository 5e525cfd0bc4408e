#!/usr/bin/python3
"""The test of the test: each bug of src/base/planted.def must be found (./dev sim --planted).

    planted.py PROGRAM [SEEDS] [NAME...]

For each bug its scenario runs with seeds from 1 on, until something is found; then the same seeds
run without it, and must pass.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")
COUNT = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
SEEDS = 2000


def run(program, scenario, seeds, *more):
    path = os.path.join(FOLDER, scenario + ".scn")
    done = subprocess.run([program, "--scenario", path, "--runs", str(seeds), *more],
                          stdout=subprocess.PIPE, check=False, encoding="utf-8",
                          errors="replace")
    counts = COUNT.search(done.stdout)
    found = re.search(r"^FOUND (\w+): (.*)", done.stdout, re.M)
    if not counts:
        return 0, 1, "the simulator ended with code %d" % done.returncode
    return int(counts[1]), int(counts[2]), found[1] + ": " + found[2] if found else ""


def judge(program, seeds, bug):
    name, invariant, scenario, _ = bug
    passed, failed, what = run(program, scenario, seeds, "--plant", name, "--until-found")
    if not failed:
        return False, "%-20s %-4s %-10s NOT FOUND in %d seeds" % (name, invariant, scenario, seeds)
    seed = passed + 1
    _, failed, other = run(program, scenario, seed)
    return not failed, "%-20s %-4s %-10s seed %4d  %s%s" % (
        name, invariant, scenario, seed, what[:90],
        "  BUT WITHOUT IT: " + other if failed else "")


def main():
    program, seeds, names = sys.argv[1], SEEDS, sys.argv[2:]
    if names and names[0].isdigit():
        seeds = int(names.pop(0))
    listing = subprocess.run([program, "--list-planted"], stdout=subprocess.PIPE, check=True,
                             encoding="utf-8").stdout
    bugs = [line.split("\t") for line in listing.splitlines()]
    bugs = [bug for bug in bugs if not names or bug[0] in names]
    good = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for ok, text in pool.map(lambda bug: judge(program, seeds, bug), bugs):
            good += ok
            print(text, flush=True)
    print("%d passed, %d failed, 0 skipped" % (good, len(bugs) - good))
    return 0 if good == len(bugs) else 1


if __name__ == "__main__":
    sys.exit(main())
