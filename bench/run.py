#!/usr/bin/python3
"""Measures Frank beside other servers, on the same disk in the same run.

    bench/run.py [NAME...]       the workloads of bench/workloads.py, or those named; short numbers
    bench/run.py --full          the large numbers; goes on where an earlier one was stopped
    bench/run.py --table         prints what has been measured, and the goals
    bench/run.py --results FILE  adds to that file (or prints it), whichever numbers they are
    bench/run.py explain ...     how well frank explain understands (bench/explain.py); no speed

Every 250 is durable (Frank: fdatasync of its segment; Postfix: fsync of its queue file; toy:
fdatasync of its log). The servers take turns. Results go to build/bench/short.jsonl or
full.jsonl, a line for each round. Exit 0 whatever the figures are: they are for reading.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import backlog                                               # noqa: E402
import explain                                               # noqa: E402
import fair                                                  # noqa: E402
import flow                                                  # noqa: E402
import idle                                                  # noqa: E402
from measure import log_folder                               # noqa: E402
from results import Results, machine, report                 # noqa: E402
from servers import ROOT, SERVERS                            # noqa: E402
from workloads import WORKLOADS                              # noqa: E402

KINDS = {"flow": flow.measure, "tls": flow.measure, "idle": idle.measure,
         "backlog": backlog.measure, "fair": fair.measure}
SHORT_SECONDS = 570


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="workloads; none: all")
    add("--short", action="store_true", help="at most 10 minutes; the default")
    add("--full", action="store_true", help="large numbers, resumable")
    add("--rounds", type=int, default=3)
    add("--no-peer", action="store_true", help="Frank alone")
    add("--server", action="append", help="only this one (may be given again)")
    add("--fresh", action="store_true", help="put earlier results aside")
    add("--list", action="store_true", help="print the workloads")
    add("--table", action="store_true", help="print the results, measure nothing")
    add("--results", metavar="FILE", help="instead of build/bench/MODE.jsonl")
    return parser.parse_args()


class Bench:
    """What the workloads share: folder, servers, results, the time that is left."""

    def __init__(self, args, results):
        self.args, self.results = args, results
        self.folder, self.logs = None, None
        self.begun = time.monotonic()
        self.stopped = False

    def server(self, name):
        return SERVERS[name](self.folder, self.logs)

    def count(self, workload, name):
        return workload.count(name, self.args.full)

    def late(self):
        if not self.args.full and time.monotonic() - self.begun > SHORT_SECONDS:
            self.stopped = True
        return self.stopped

    def add(self, workload, name, count, figures):
        self.results.add(workload.name, name, count, figures)
        text = ", ".join(f"{key} {value:.2f}" for key, value in figures.items()
                         if isinstance(value, (int, float)))
        print(f"{workload.name} {name}: {text}", file=sys.stderr, flush=True)

    def wanted(self, workload):
        """{server: rounds that are missing}; says who cannot take part."""
        wanted = {}
        for name in workload.servers():
            if (self.args.no_peer and name != "frank") or (
                    self.args.server and name not in self.args.server):
                continue
            why = SERVERS[name].missing()
            if why:
                print(f"{workload.name}: {name} skipped: {why}", file=sys.stderr)
                continue
            rounds = workload.rounds.get(name, self.args.rounds)
            left = rounds - self.results.done(workload.name, name, self.count(workload, name))
            if left > 0:
                wanted[name] = left
        return wanted

    def run(self, workload):
        if workload.only_full and not (self.args.full or workload.name in self.args.names):
            return
        if self.late():
            print(f"{workload.name}: skipped: the time is over", file=sys.stderr)
            return
        wanted = self.wanted(workload)
        if wanted:
            KINDS[workload.kind](self, workload, wanted)


def chosen(names):
    unknown = set(names) - {workload.name for workload in WORKLOADS}
    if unknown:
        raise SystemExit("no such workload: " + " ".join(sorted(unknown)))
    return [workload for workload in WORKLOADS if not names or workload.name in names]


def main():
    if sys.argv[1:2] == ["explain"]:
        sys.exit(explain.main(sys.argv[2:]))
    args = arguments()
    workloads = chosen(args.names)
    if args.list:
        print("\n".join(f"{workload.name:<18}{workload.title}" for workload in workloads))
        return
    build = os.path.join(ROOT, "build", "bench")
    mode = "full" if args.full else "short"
    path = args.results or os.path.join(build, mode + ".jsonl")
    # A short run begins anew unless it is told what to add to.
    fresh = args.fresh or not (args.full or args.table or args.results)
    results = Results(os.path.abspath(path), None if args.table else machine(ROOT), fresh)
    bench = Bench(args, results)
    if not args.table:
        os.makedirs(build, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="run-", dir=build) as bench.folder:
            os.chmod(bench.folder, 0o755)
            bench.logs = log_folder()
            try:
                for workload in workloads:
                    bench.run(workload)
            finally:
                shutil.rmtree(bench.logs)
    print(report(results, workloads))


if __name__ == "__main__":
    main()
