#!/usr/bin/python3
"""Runs the functional tests and prints one line for each.

    tests/func/run.py [PATTERN ...]     all, or those whose name contains a pattern
    tests/func/run.py --list            names and what each is about
    tests/func/run.py --in tests/lab    the tests of another folder

A test is a function test_xxx(lab) in a file test_*.py, or a file *.smtp (transcript.py). All
tests of a file share one server; all transcripts of a folder share one. A file may declare:

    OPTIONS = ["smtp-in-recipients-max 5"]   configuration lines for its server
    ARGUMENTS = ["--relay-to", "…"]          further arguments of ./dev run
    FRESH = True                             a server of its own for each test
    PARALLEL = 8                             so many of its tests at a time (they must not disturb
                                             each other; for those that mostly wait)
    EXPECT_LOG = ["pattern"]                 errors and warnings that belong to its tests
    LONG = True                              begun first, because it takes minutes
    STEADY = True                            a failure counts, whatever a second run says
    SERVER = "hosts"                         the lab's hosts without Frank; or "none"
"""

import argparse
import concurrent.futures
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import transcript                                              # noqa: E402
from harness import ROOT, Lab, LabHosts, Skip, close_all       # noqa: E402

PRINT = threading.Lock()


class Test:
    """One test: a name, what it is about, and how to run it with a lab."""

    def __init__(self, name, about, call):
        self.name = name
        self.about = " ".join((about or "").split())
        self.call = call


class Group:
    """Tests that share a server and its settings."""

    def __init__(self, name, settings, tests):
        self.name = name
        self.settings = settings
        self.tests = tests

    def setting(self, name, usual):
        return getattr(self.settings, name, usual)

    def server(self, folder):
        """Starts what the tests need; None where they need nothing."""
        kind = self.setting("SERVER", "frank")
        if kind == "none":
            return None
        if kind == "hosts":
            return LabHosts(folder)
        lab = Lab(folder, self.setting("OPTIONS", ()), self.setting("ARGUMENTS", ()))
        lab.start()
        for pattern in self.setting("EXPECT_LOG", ()):
            lab.log.expect(pattern)
        return lab


def module_load(path, name):
    spec = importlib.util.spec_from_file_location("tests_" + name.replace("/", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def module_tests(module, name):
    tests = []
    for key, function in vars(module).items():
        if not key.startswith("test_") or not callable(function):
            continue
        base = f"{name}:{key[5:]}"
        if not hasattr(function, "rows"):
            tests.append(Test(base, function.__doc__, function))
            continue
        for row in function.rows:
            tests.append(Test(f"{base}[{row[0]}]", function.__doc__,
                              lambda lab, f=function, r=row: f(lab, *r[1:])))
    return tests


def discover(folder):
    """All groups below a folder, sorted by name."""
    groups = []
    for where, folders, files in os.walk(folder):
        folders.sort()
        prefix = os.path.relpath(where, folder).replace("./", "").lstrip(".")
        scripts = []
        for file in sorted(files):
            path = os.path.join(where, file)
            name = os.path.join(prefix, file)
            if file.startswith("test_") and file.endswith(".py"):
                name = os.path.join(prefix, file[5:-3])
                module = module_load(path, name)
                groups.append(Group(name, module, module_tests(module, name)))
            elif file.endswith(".smtp"):
                transcript.steps_read(path)
                scripts.append(Test(name[:-5], transcript.description(path),
                                    lambda lab, p=path: transcript.Player(lab).play(p)))
        if scripts:
            groups.append(Group(os.path.join(prefix, "*.smtp"), None, scripts))
    return groups


class Runner:
    """Runs groups and counts."""

    def __init__(self, folder, keep):
        self.folder = folder
        self.keep = keep
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failed = []

    def line(self, outcome, name, seconds, text=""):
        with PRINT:
            self.counts[outcome] += 1
            if outcome == "failed":
                self.failed.append(name)
            word = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}[outcome]
            text = ": " + " | ".join(text.splitlines()) if text else ""
            print(f"{word:5}{seconds:6.2f} s  {name}{text}", flush=True)

    def one(self, test, lab, check):
        """One test on a running server; check: its log can be blamed on this test alone."""
        began = time.monotonic()
        try:
            test.call(lab)
            if check and lab:
                lab.check()
            self.line("passed", test.name, time.monotonic() - began)
        except Skip as why:
            self.line("skipped", test.name, time.monotonic() - began, str(why))
        except BaseException as err:                # a test may fail in any way, even by exit
            where = traceback.extract_tb(err.__traceback__)[-1]
            self.line("failed", test.name, time.monotonic() - began,
                      f"{type(err).__name__}: {err} ({os.path.basename(where.filename)}:"
                      f"{where.lineno})")

    def group(self, group):
        """All tests of a group; with FRESH each on its own server."""
        batches = [[t] for t in group.tests] if group.setting("FRESH", False) else [group.tests]
        for number, tests in enumerate(batches):
            name = f"{group.name.replace('/', '-').replace('*', 'all')}-{number}"
            self.batch(group, tests, os.path.join(self.folder, name))

    def batch(self, group, tests, folder):
        began = time.monotonic()
        try:
            lab = group.server(folder)
        except Skip as why:
            for test in tests:
                self.line("skipped", test.name, 0, str(why))
            return
        except BaseException as err:
            for test in tests:
                self.line("failed", test.name, 0, f"no server: {err}")
            return
        workers = group.setting("PARALLEL", 1)
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            runs = [pool.submit(self.one, test, lab, workers == 1) for test in tests]
        for one in runs:
            one.result()                            # the runner's own errors are not swallowed
        if not lab:
            return
        try:
            lab.close()
            if not self.keep and not self.failed and hasattr(lab, "remove"):
                lab.remove()
        except BaseException as err:
            self.line("failed", f"{group.name}:at-end", time.monotonic() - began, str(err))


def run_again(runner, groups, folder):
    """Files with a failure once more, one at a time, each on a new server. What fails twice has
    failed; what passes now is named as unsteady: on a shared machine a wait can be too short. A
    file that is STEADY (mail lost or doubled) gets no second chance."""
    names = set(runner.failed)
    second = Runner(os.path.join(folder, "again"), runner.keep)
    os.makedirs(second.folder, mode=0o755, exist_ok=True)
    for group in groups:
        own = {test.name for test in group.tests} | {f"{group.name}:at-end"}
        if own & names and not group.setting("STEADY", False):
            second.group(group)
            unsteady = sorted((own & names) - set(second.failed))
            runner.counts["failed"] -= len(unsteady)
            runner.counts["passed"] += len([n for n in unsteady if not n.endswith(":at-end")])
            runner.failed = [n for n in runner.failed if n not in unsteady]
            if unsteady:
                print("unsteady, passed the second time: " + " ".join(unsteady), flush=True)


def interrupted(_number, _frame):
    """No server may outlive its tests, whoever ends them."""
    close_all()
    print("interrupted\n0 passed, 1 failed, 0 skipped", flush=True)
    os._exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--list", action="store_true", help="print the tests and end")
    parser.add_argument("--jobs", type=int, default=2, help="servers at a time (2)")
    parser.add_argument("--again", action="store_true", help="files with a failure run once more")
    parser.add_argument("--keep", metavar="DIR", help="keep all servers' folders there")
    parser.add_argument("--in", dest="folder", default=os.path.join(ROOT, "tests", "func"))
    args = parser.parse_args()
    sys.path.insert(0, args.folder)
    groups = discover(args.folder)
    for group in groups:
        group.tests = [t for t in group.tests
                       if not args.patterns or any(p in t.name for p in args.patterns)]
    groups = [group for group in groups if group.tests]
    if args.list:
        for group in groups:
            for test in group.tests:
                print(f"{test.name:60} {test.about}")
        return 0
    groups.sort(key=lambda group: not group.setting("LONG", False))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupted)
    folder = args.keep or tempfile.mkdtemp(prefix="frank-func-")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)         # started as root, Frank's processes have other uids
    runner = Runner(folder, args.keep)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(runner.group, groups))
    if args.again and runner.failed:
        run_again(runner, groups, folder)
    counts = runner.counts
    if runner.failed:
        print("failed: " + " ".join(runner.failed))
        print(f"folders of the servers are in {folder}")
    elif not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] + counts["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
