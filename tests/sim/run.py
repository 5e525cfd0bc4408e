#!/usr/bin/python3
"""Runs the simulator over scenarios (docs/simulator.md).

    ./dev sim                       the fixed seeds of every scenario
    ./dev sim SEED                  every scenario with this seed
    ./dev sim --for 10m             fresh seeds for so long (the first one is printed)
    ./dev sim commit --for 60s      seeds that begin with the commit's id: fresh for each commit,
                                    and the same for everybody
    ./dev sim --scenario NAME       this one only; may come again
    ./dev sim --runs N              so many seeds from SEED (1) on
    ./dev sim --planted [SEEDS] [NAME...]   planted.py: each planted bug must be found
    also: --without BITS  --verbose  --calm  --twice  --reduce

Two programs run side by side where there are two processors and more than one scenario.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import time

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")
COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
SLOW = ("day", "torture")       # only when named
FIXED_RUNS = 20
SPANS = {"s": 1, "m": 60, "h": 3600}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("program")
    add("seed", nargs="?", type=seed_of)
    add("--scenario", action="append", default=[])
    add("--runs", type=int)
    add("--for", dest="span")
    add("--without")
    for flag in ("verbose", "calm", "twice", "reduce"):
        add("--" + flag, action="store_true")
    return parser.parse_args()


def seconds(text):
    unit = SPANS.get(text[-1])
    return int(text[:-1]) * unit if unit else int(text)


def seed_of(word):
    if word != "commit":
        return int(word)
    done = subprocess.run(["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False, encoding="utf-8", cwd=FOLDER)
    return int(done.stdout[:7] or "1", 16)


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False, encoding="utf-8", cwd=FOLDER)
    return done.stdout.strip() or "unknown"


def paths(names):
    every = sorted(glob.glob(os.path.join(FOLDER, "*.scn")))
    if not names:
        return [p for p in every if os.path.basename(p)[:-4] not in SLOW]
    found = [p for p in every if os.path.basename(p)[:-4] in names]
    if len(found) != len(set(names)):
        sys.exit("no such scenario; there are: " +
                 " ".join(os.path.basename(p)[:-4] for p in every))
    return found


def command(args, share, seed):
    words = [args.program, "--seed", str(seed)]
    for path in share:
        words += ["--scenario", path]
    if args.span:
        words += ["--for", str(seconds(args.span))]
    else:
        words += ["--runs", str(len(share) * (args.runs or (1 if args.seed else FIXED_RUNS)))]
    if args.without:
        words += ["--without", args.without]
    return words + ["--" + f for f in ("verbose", "calm", "twice", "reduce") if getattr(args, f)]


def main():
    if "--planted" in sys.argv:
        words = [w for w in sys.argv[1:] if w != "--planted"]
        planted = os.path.join(os.path.dirname(FOLDER), "planted.py")
        return subprocess.run([sys.executable, planted] + words, check=False).returncode
    args = arguments()
    seed = args.seed or (int(time.time()) if args.span else 1)
    chosen = paths(args.scenario)
    print("seed %d, commit %s, %d scenarios" % (seed, commit(), len(chosen)), flush=True)
    shares = [chosen[i::2] for i in range(min(2, len(chosen)))]
    children = [subprocess.Popen(command(args, share, seed), stdout=subprocess.PIPE,
                                 encoding="utf-8", errors="replace") for share in shares]
    total = [0, 0, 0]
    for child in children:
        for line in child.stdout:
            match = COUNT.match(line.strip())
            if match:
                total = [a + int(b) for a, b in zip(total, match.groups())]
            else:
                print(line, end="", flush=True)
        if child.wait() not in (0, 1):
            total[1] += 1
            print("the simulator itself ended with code %d" % child.returncode)
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
