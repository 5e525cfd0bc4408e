#!/usr/bin/python3
"""where.py [NAME]: where Frank's time goes in a workload (relay): for each process CPU, system
calls and context switches of a message by perf, the most frequent calls by strace, and the
functions that cost most. As root. A round for each, since each disturbs what it looks at.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import flow                                                  # noqa: E402
from measure import Disk, find, log_folder                   # noqa: E402
from servers import ROOT, Frank                              # noqa: E402
from workloads import WORKLOADS                              # noqa: E402

PROCESSES = ("smtpin", "queue", "smtpout", "postoffice", "bounce", "directory")
EVENTS = "task-clock,raw_syscalls:sys_enter,context-switches"
STRACE_PART = 5      # strace slows everything: so much fewer messages
CALLS, FUNCTIONS = 8, 25


def watched(command, course, messages, disk):
    """A round with a tool attached; what the tool wrote."""
    tool = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        subprocess.run(["sleep", "0.5"], check=True)
        course.round(messages, disk)
    finally:
        tool.send_signal(2)
        tool.wait(60)


def perf_stat(pid, path):
    return [find("perf"), "stat", "-x", ";", "-e", EVENTS, "-p", str(pid), "-o", path]


def stat_read(path):
    """[CPU ms, system calls, context switches]"""
    values = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.split(";")
            if len(fields) > 3 and re.match(r"[\d.]+$", fields[0]):
                values.append(float(fields[0]))
    return values


def counts(course, messages, disk, folder, pids):
    """All processes in one round."""
    paths = {name: os.path.join(folder, "stat." + name) for name in pids}
    tools = [subprocess.Popen(perf_stat(pid, paths[name]), stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) for name, pid in pids.items()]
    subprocess.run(["sleep", "0.5"], check=True)
    course.round(messages, disk)
    for tool in tools:
        tool.send_signal(2)
        tool.wait(60)
    rows = [(name, [value / messages for value in stat_read(path)] or [0.0, 0.0, 0.0])
            for name, path in paths.items()]  # without a sample it did nothing
    print("| process | CPU ms | system calls | context switches |\n| --- | --- | --- | --- |")
    for name, values in rows:
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    sums = [sum(column) for column in zip(*(values for _, values in rows))]
    print("| all | " + " | ".join(f"{value:.3f}" for value in sums) + " |\n")


def calls(course, messages, disk, folder, name, pid):
    """The most frequent system calls of one process, for a message."""
    path = os.path.join(folder, "strace." + name)
    watched([find("strace"), "-f", "-c", "-o", path, "-p", str(pid)], course, messages, disk)
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
                found.append((int(words[3]) / messages, words[-1]))
    text = ", ".join(f"{call} {count:.2f}" for count, call in sorted(found)[::-1][:CALLS]
                     if count >= 0.005)
    print(f"- {name}: {text}", flush=True)


def functions(course, messages, disk, folder, pids):
    path = os.path.join(folder, "perf.data")
    watched([find("perf"), "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", path, "-p",
             ",".join(str(pid) for pid in pids.values())], course, messages, disk)
    for sort, most in (("comm,dso", 14), ("comm,dso,symbol", FUNCTIONS)):
        done = subprocess.run([find("perf"), "report", "-i", path, "--stdio", "--no-children",
                               "--sort", sort], capture_output=True, text=True, check=False)
        lines = [line.rstrip() for line in done.stdout.split("\n")
                 if line.strip() and not line.startswith("#")]
        print("\n```\n" + "\n".join(lines[:most]) + "\n```")


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "relay"
    workload = next((w for w in WORKLOADS if w.name == name and w.kind in ("flow", "tls")), None)
    if not workload:
        raise SystemExit(f"no such workload in which messages flow: {name}")
    build = os.path.join(ROOT, "build", "bench")
    os.makedirs(build, exist_ok=True)
    send = flow.send_tls if workload.kind == "tls" else flow.send_plain
    logs = log_folder()
    with tempfile.TemporaryDirectory(prefix="where-", dir=build) as folder:
        os.chmod(folder, 0o755)
        course = flow.Course(Frank(folder, logs), workload, send)
        try:
            disk, messages = Disk(folder), workload.messages["frank"]
            pids = {p: course.server.tree.named("frank-" + p) for p in PROCESSES}
            course.round(flow.WARM_UP, disk)
            counts(course, messages, disk, folder, pids)
            for process, pid in pids.items():
                calls(course, messages // STRACE_PART, disk, folder, process, pid)
            functions(course, messages, disk, folder, pids)
        finally:
            course.stop()
            shutil.rmtree(logs)


if __name__ == "__main__":
    main()
