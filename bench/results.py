"""The results of a run: a file of JSON lines, one for each round of a server in a workload, so that
a run can go on where it was stopped; and the tables made from it.

The first line says what was measured: commit and machine. A file of another commit or machine
is put aside when something is to be added.
"""

import json
import os
import platform
import statistics
import subprocess
import time

from goals import GOALS

COLUMNS = [("rate", "messages/s"), ("accepted_rate", "accepted/s"), ("cpu_ms", "CPU ms"),
           ("flushes", "flushes"), ("kib", "KiB"), ("pss_mib", "PSS MiB"),
           ("strangers_s", "strangers s")]


def machine(root):
    """What the figures belong to."""
    def git(*words):
        done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"commit": git("log", "-1", "--format=%h", "--", "src", "lab"),
            "cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(),
            "kernel": platform.release()}


class Results:
    """The file, and what it holds."""

    def __init__(self, path, head, fresh):
        """head None: only to look at."""
        self.path, self.rows = path, []
        if head is None:
            self.read(head)
        elif fresh or not self.read(head):
            if os.path.exists(path):
                os.replace(path, path + ".old")
            self.rows = []
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.write(head)

    def read(self, head):
        try:
            with open(self.path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        except (OSError, ValueError):
            return False
        self.rows = lines[1:]
        return bool(lines) and lines[0] == head

    def write(self, value):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")

    def add(self, workload, server, count, figures):
        row = {"workload": workload, "server": server, "count": count,
               "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "figures": figures}
        self.rows.append(row)
        self.write(row)

    def of(self, workload, server=None):
        return [row for row in self.rows if row["workload"] == workload
                and server in (None, row["server"])]

    def done(self, workload, server, count):
        """How many rounds there are of this size."""
        return sum(row["count"] == count for row in self.of(workload, server))

    def values(self, workload, server, figure):
        """All numbers of a figure; of the largest count only."""
        rows = self.of(workload, server)
        most = max((row["count"] for row in rows), default=0)
        return [row["figures"][figure] for row in rows
                if row["count"] == most and row["figures"].get(figure) is not None]

    def median(self, workload, server, figure):
        values = self.values(workload, server, figure)
        return statistics.median(values) if values else None


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def spread(values):
    """The median, and the least and the most."""
    if not values:
        return "–"
    if len(values) == 1:
        return number(values[0])
    return f"{number(statistics.median(values))} ({number(min(values))}–{number(max(values))})"


def table(head, rows):
    if not rows:
        return []
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head),
            *("| " + " | ".join(row) + " |" for row in rows), ""]


def servers_of(results, name):
    return list(dict.fromkeys(row["server"] for row in results.of(name)))


def flow_table(results, workloads):
    """Everything in which messages arrive somewhere."""
    lines = []
    for workload in workloads:
        rows = []
        for server in servers_of(results, workload.name):
            values = [results.values(workload.name, server, key) for key, _ in COLUMNS]
            count = results.of(workload.name, server)[-1]["count"]
            rows.append([server, f"{count:,} × {len(values[0])}", spread(values[0]),
                         *(number(statistics.median(v) if v else None) for v in values[1:])])
        if rows:
            lines += [f"**{workload.name}**: {workload.title}", "",
                      *table(["server", "messages × rounds", *(title for _, title in COLUMNS)],
                             rows)]
    return lines


def figure_table(results, workload):
    """All other kinds: a row for each figure, a column for each server."""
    servers = servers_of(results, workload.name)
    names = list(dict.fromkeys(key for row in results.of(workload.name)
                               for key, value in row["figures"].items()
                               if isinstance(value, (int, float))))
    rows = [[name, *(spread(results.values(workload.name, server, name)) for server in servers)]
            for name in names]
    if not rows:
        return []
    heads = [f"{server}, {results.of(workload.name, server)[-1]['count']:,}"
             for server in servers]
    return [f"**{workload.name}**: {workload.title}", "", *table(["figure", *heads], rows)]


def plot(results, name):
    """Cost of accepting against what is queued already, as bars."""
    rows = [row for row in results.of(name, "frank") if row["figures"].get("steps")]
    if not rows:
        return []
    steps = rows[-1]["figures"]["steps"]
    most = max(step["cpu_ms"] for step in steps)
    lines = ["CPU of accepting a message, by what is queued already:", "", "```"]
    for step in steps:
        bar = "#" * round(40 * step["cpu_ms"] / most)
        lines.append(f"{step['queued']:>9,}  {step['cpu_ms']:.3f} ms  {step['rate']:>6,.0f}/s  "
                     f"{bar}")
    return lines + ["```", ""]


def goal_row(results, goal):
    own = results.median(goal.workload, "frank", goal.figure)
    other = results.median(goal.than_workload or goal.workload, goal.than,
                           goal.than_figure or goal.figure) if goal.than else 1
    if own is None or not other:
        return [goal.text, goal.wanted(), "not measured", ""]
    value = own / other
    met = value >= goal.limit if goal.least else value <= goal.limit
    return [goal.text, goal.wanted(), number(value), "reached" if met else "**missed**"]


def goal_table(results):
    return ["**Goals**", "", *table(["goal", "wanted", "measured", ""],
                                    [goal_row(results, goal) for goal in GOALS])]


def report(results, workloads):
    """Markdown of all that the file holds."""
    flows = [w for w in workloads if w.kind in ("flow", "tls")]
    lines = flow_table(results, flows)
    for workload in workloads:
        if workload not in flows:
            lines += figure_table(results, workload)
            lines += plot(results, workload.name) if workload.kind == "backlog" else []
    return "\n".join(lines + goal_table(results))
