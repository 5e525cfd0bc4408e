#!/usr/bin/python3
"""Runs the tests and counts them.

    run_tests.py all                          all that CI runs: the table STEPS below
    run_tests.py unit BUILD [PATH[:CASE]...]  unit tests of a build folder, all or by name

Every runner of the project ends with one plain line, `N passed, N failed, N skipped`, and exits 0
only if none failed. `all` takes these lines out of its steps' output, sums them up, and prints the
total alone on its last line. A step without such a line (a build) counts as one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"

# (name, seconds at most, command, file without which the step does not exist yet). A step beyond
# its time is ended and counts as failed. The times are generous for a loaded machine; on two idle
# cores the whole stays below 25 minutes, and the table at the end shows what each step took.
STEPS = [
    ("release", 300, ["./dev", "build", "release"], None),
    ("lint", 120, ["./dev", "lint"], None),
    ("tools", 60, [PYTHON, "tests/tools/run.py"], None),
    ("clang", 300, ["./dev", "build", "clang"], None),
    ("dev", 300, ["./dev", "build", "dev"], None),
    ("san", 300, ["./dev", "build", "san"], None),
    ("unit", 180, [PYTHON, "tools/run_tests.py", "unit", "build/san"], None),
    ("lab", 60, [PYTHON, "tests/lab/run.py"], "tests/lab/run.py"),
    ("func", 720, ["./dev", "func", "--again", "smtp_in", "smtp_out", "relay", "auth", "local",
                   "bounce", "tool", "super"], "lab/run.py"),
    # Sandboxes as they ship, and speed: kill -9 and power cuts under load.
    ("super", 300, ["env", "KIND=release", "./dev", "func", "--again", "super"], "lab/run.py"),
    ("crash", 600, ["./dev", "crash"], "tests/crash/run.py"),
    # Fixed seeds of every scenario, then fresh ones for each commit.
    ("sim", 240, ["./dev", "sim", "--runs", "12"], "tests/sim/run.py"),
    ("sim fresh", 120, ["./dev", "sim", "commit", "--for", "60s"], "tests/sim/run.py"),
    ("torture", 120, ["./dev", "torture", "10"], "tests/sim/run.py"),
    ("fuzz build", 300, ["./dev", "build", "fuzz"], None),
    ("fuzz", 300, ["./dev", "fuzz", "5"], None),
]

COUNT = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) +\] (\d+) test\(s\)", re.M)
TOTAL_SECONDS = 1500
TEST_SECONDS_SCALE = 4  # a loaded machine is no failure


def line_of(counts):
    return "%d passed, %d failed, %d skipped" % tuple(counts)


# --- unit tests ---------------------------------------------------------------------------------


def unit_names(build, wanted):
    """The tests of suite unit whose names are wanted or lie below it, as meson knows them."""
    listing = subprocess.run(["meson", "introspect", "--tests", build], stdout=subprocess.PIPE,
                             check=True, cwd=ROOT)
    names = [t["name"] for t in json.loads(listing.stdout) if "unit" in " ".join(t["suite"])]
    wanted = wanted.rstrip("/")
    return [n for n in names if n == wanted or n.startswith(wanted + "/")]


def unit_count(test):
    """[passed, failed, skipped] of one line of meson's log; cmocka's cases count each."""
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    counts = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    for word, number in CMOCKA.findall(text):
        counts[word] = max(counts[word], int(number))
    result = [counts["PASSED"], counts["FAILED"], counts["SKIPPED"]]
    if test["result"] == "SKIP":
        return [0, 0, max(1, result[2])]
    if test["result"] == "OK":
        return [result[0], 0, result[2]] if sum(result) else [1, 0, 0]
    return [result[0], max(1, result[1]), result[2]]


def unit_log(build):
    with open(os.path.join(ROOT, build, "meson-logs", "testlog.json"), encoding="utf-8") as log:
        return [json.loads(line) for line in log if line.strip()]


def unit(build, selection):
    command = ["meson", "test", "-C", build, "--suite", "unit", "--no-rebuild", "-q",
               "-t", str(TEST_SECONDS_SCALE)]
    environment = dict(os.environ)
    for item in selection:
        path, _, case = item.partition(":")
        names = unit_names(build, path)
        if not names:
            print("no unit test %s" % path)
            return 1
        if case:
            environment["FRANK_TEST_CASE"] = case
        command += names
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    total = [0, 0, 0]
    for test in unit_log(build):
        counts = unit_count(test)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print("--- %s: %s\n%s\n%s" % (test["name"], test["result"], test.get("stdout") or "",
                                          test.get("stderr") or ""))
        elif selection:
            print("%s: %d passed" % (test["name"], counts[0]))
    if done.returncode and not total[1]:
        print("meson test ended with code %d" % done.returncode)
        total[1] = 1
    if not sum(total):
        print("no test ran")
        total[1] = 1
    print(line_of(total))
    return 1 if total[1] else 0


# --- all that CI runs ---------------------------------------------------------------------------


def run_step(seconds, command):
    """Runs command, shows its output, answers ([passed, failed, skipped], why it was ended)."""
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    late = threading.Event()

    def end():
        late.set()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    timer = threading.Timer(seconds, end)
    timer.start()
    counts = None
    for raw in child.stdout:
        line = raw.decode("utf-8", "replace").rstrip("\n")
        match = COUNT.match(line.strip())
        if match:
            counts = [int(n or 0) for n in match.groups()]
        else:
            print(line, flush=True)
    code = child.wait()
    timer.cancel()
    if late.is_set():
        return [counts[0] if counts else 0, 1 + (counts[1] if counts else 0), 0], "out of time"
    if counts is None:
        return ([1, 0, 0], "") if code == 0 else ([0, 1, 0], "")
    if code and not counts[1]:
        counts[1] = 1
    return counts, ""


def run_all():
    total, rows, start = [0, 0, 0], [], time.monotonic()
    for name, seconds, command, needs in STEPS:
        if needs and not os.path.exists(os.path.join(ROOT, needs)):
            continue
        print("=== %s: %s" % (name, " ".join(command)), flush=True)
        begin = time.monotonic()
        counts, why = run_step(seconds, command)
        rows.append("%-12s %6d %6d %6d %6.0f s of %d  %s" % (
            (name,) + tuple(counts) + (time.monotonic() - begin, seconds, why)))
        total = [a + b for a, b in zip(total, counts)]
    print("=== %-8s %6s %6s %6s %6s" % ("step", "passed", "failed", "skip", "time"))
    print("\n".join(rows))
    seconds = time.monotonic() - start
    print("=== %.0f s in all, of at most %d" % (seconds, TOTAL_SECONDS))
    if seconds > TOTAL_SECONDS:
        total[1] += 1
    print(line_of(total), flush=True)
    return 1 if total[1] else 0


def main(arguments):
    if arguments == ["all"]:
        return run_all()
    if len(arguments) >= 2 and arguments[0] == "unit":
        return unit(arguments[1], arguments[2:])
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
