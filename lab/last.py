#!/usr/bin/python3
"""The last crash in a log of Frank: who, why, and what that process had done before.

    lab/last.py             of the lab in ./lab-run
    lab/last.py DIR         of the lab in DIR (--background DIR)
    lab/last.py FILE        of this log

Exit 0 when there is one, 1 when there is none, 66 when the log cannot be read.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXIT_NO_INPUT = 66
LINE = re.compile(r"(?P<time>\S+) (?P<level>\S+) (?P<process>\S+) (?P<event>\S+) ?(?P<rest>.*)")


def log_of(words):
    """The log that is meant; a relative name counts from where ./dev was called."""
    path = words[0] if words else os.path.join(ROOT, "lab-run")
    path = os.path.join(os.environ.get("FRANK_CWD", os.getcwd()), path)
    return os.path.join(path, "frank.log") if os.path.isdir(path) else path


def last_crash(lines):
    """(the crash, what came before it, how super saw the end), each as matches of LINE."""
    crash, before, end = None, [], None
    for line in lines:
        row = LINE.match(line)
        if not row:
            continue
        if row["event"] == "crash":
            crash, before, end = row, [], None
        elif crash and row["event"] == "crash_recent" and row["process"] == crash["process"]:
            before.append(row)
        elif crash and not end and row["event"] == "child_died":
            end = row
    return crash, before, end


def main(words):
    path = log_of(words)
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            crash, before, end = last_crash(log)
    except OSError as error:
        print(f"The log {path} cannot be read: {error.strerror}.", file=sys.stderr)
        return EXIT_NO_INPUT
    if not crash:
        print(f"No crash in {path}.")
        return 1
    print(f"{crash['process']} crashed at {crash['time']}: {crash['rest']}")
    if end:
        print(f"super: {end['event']} {end['rest']}")
    print(f"What it did before, oldest first ({len(before)}):")
    for row in before:
        print("  " + row["rest"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
