#!/usr/bin/python3
"""limits.py: what the disk and the loopback of this machine can do, by the small programs of
../shared/bench/tools: a second for each row, three times, medians. Without them it says so.
"""

import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from servers import PEERS, ROOT                              # noqa: E402

TOOLS = os.path.join(PEERS, "tools")
ROUNDS, SECONDS = 3, 1
DISK = [("append and fdatasync, alone", "append-fdatasync", 1),
        ("the same into a file that was filled before", "prealloc-fdatasync", 1),
        ("a file for each message: write, fsync, rename, fsync of the folder", "maildir", 1),
        ("the same, 16 at once", "maildir", 16),
        ("one log, one fdatasync for all that wait: 8", "group", 8),
        ("the same, 32", "group", 32), ("the same, 128", "group", 128)]
NET = [("round trips of 64 bytes, 1 connection", ("rtt", "1")),
       ("the same, 50 connections", ("rtt", "50")),
       ("connect, one round trip, close", ("conn",))]


def build(name, folder):
    program = os.path.join(folder, name)
    subprocess.run(["cc", "-O2", "-w", "-pthread", "-o", program,
                    os.path.join(TOOLS, name + ".c")], check=True)
    return program


def output(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120,
                          check=True).stdout.split("\t")


def disk_rows(program, folder):
    """mode threads bytes ops/s syncs/s p50 p99"""
    files = os.path.join(folder, "files")
    for title, mode, threads in DISK:
        rows = []
        for _ in range(ROUNDS):
            os.makedirs(files)
            words = output([program, files, str(SECONDS), mode, str(threads), "4096"])
            rows.append([float(word) for word in words[3:7]])
            subprocess.run(["rm", "-rf", files], check=True)
        middle = [statistics.median(column) for column in zip(*rows)]
        print(f"| {title} | " + " | ".join(f"{value:,.0f}" for value in middle) + " |",
              flush=True)


def main():
    if not os.path.exists(os.path.join(TOOLS, "fsbench.c")):
        print(f"There is no {os.path.relpath(TOOLS, ROOT)}: nothing measured.")
        return
    base = os.path.join(ROOT, "build", "bench")
    os.makedirs(base, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="limits-", dir=base) as folder:
        print("| disk, 4 KiB | each second | syncs | p50 us | p99 us |\n"
              "| --- | --- | --- | --- | --- |")
        disk_rows(build("fsbench", folder), folder)
        net = build("netbench", folder)
        print("\n| loopback | each second |\n| --- | --- |")
        for title, words in NET:
            values = [output([net, words[0], str(SECONDS), *words[1:]]) for _ in range(ROUNDS)]
            print(f"| {title} | {net_median(values):,.0f} |", flush=True)


def net_median(values):
    """The last word of each line is the rate: "26598/s"."""
    return statistics.median(float(words[-1].strip().removesuffix("/s")) for words in values)


if __name__ == "__main__":
    main()
