#!/usr/bin/python3
"""./dev lint: every checker over the tree and the release build.

    --fix         applies clang-format first
    --exceptions  lists the functions and variables over a limit with their reasons
    --report      assertions and tests by folder

Prints `file:line: rule: what`, and ends with `N passed, N failed, N skipped`: one for each checker.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

import check_docs
import check_kb
import check_layers
import check_names
import check_pure
import check_size
import check_words
from checklib import Finding, Tree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build/release")
CLANG_FORMAT = "clang-format-14"  # pinned: another version formats differently
WARNING = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning|note|info|style): (.*)$")


def formatted_files(tree):
    return [os.path.join(tree.root, p) for top in ("src", "tests")
            for p in tree.files(".c", ".h", under=top)]


def run_tool(command, tree, rule):
    """Findings from a tool that prints file:line:column: kind: text."""
    done = subprocess.run(command, cwd=tree.root, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT)
    findings, seen = [], set()
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        match = WARNING.match(line)
        if match:
            path = os.path.relpath(os.path.join(tree.root, match[1]), tree.root)
            if (path, rule) not in seen or rule != "format":
                findings.append(Finding(path, int(match[2]), rule, match[3]))
            seen.add((path, rule))
    if done.returncode and not findings:
        findings.append(Finding(command[0], 0, rule, "ended with code %d" % done.returncode))
    return findings


def check_format(tree):
    files = formatted_files(tree)
    if not files:
        return []
    half = len(files) // 2
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda part: run_tool([CLANG_FORMAT, "--dry-run", "-Werror"] + part,
                                               tree, "format") if part else [],
                         [files[:half], files[half:]])
        return [finding for part in parts for finding in part]


def check_shell(tree):
    scripts = ["dev", ".ci/run"] + tree.files(".sh")
    return run_tool(["shellcheck", "-f", "gcc"] + scripts, tree, "shell")


def check_python(tree):
    findings = []
    for path in tree.files(".py"):
        try:
            compile(tree.text(path), path, "exec")
        except SyntaxError as error:
            findings.append(Finding(path, error.lineno or 1, "python", str(error)))
    return findings


def check_manual(tree):
    """The pages are well-formed mdoc, and their generated parts are those of the tables."""
    pages = tree.files("", under="man")
    findings = run_tool(["mandoc", "-Tlint", "-Wwarning"] + pages, tree, "manual")
    done = subprocess.run([sys.executable, "tools/gen_man.py", "--check"], cwd=tree.root,
                          stdout=subprocess.PIPE, check=False, encoding="utf-8")
    if done.returncode:
        findings.append(Finding("man", 0, "manual", done.stdout.strip()))
    return findings


CHECKS = [
    ("layers", check_layers.check), ("pure", check_pure.check), ("size", check_size.check),
    ("names", check_names.check), ("docs", check_docs.check), ("words", check_words.check),
    ("kb", check_kb.check),
    ("format", check_format), ("shell", check_shell), ("python", check_python),
    ("manual", check_manual),
]


def main(arguments):
    unknown = set(arguments) - {"--fix", "--exceptions", "--report"}
    if unknown:
        print(__doc__, file=sys.stderr)
        return 64
    tree = Tree(ROOT, BUILD)
    if "--fix" in arguments:
        subprocess.run([CLANG_FORMAT, "-i"] + formatted_files(tree), check=True)
    if "--report" in arguments:
        print("\n".join(check_size.report(tree)))
        return 0
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, findings in pool.map(lambda c: (c[0], c[1](tree)), CHECKS):
            failed += bool(findings)
            for finding in findings:
                print("%s:%d: %s: %s" % finding)
            if findings:
                print("--- %s: %d findings" % (name, len(findings)))
    if "--exceptions" in arguments:
        for exception in sorted(set(tree.exceptions)):
            print("%s:%d: %s: %s" % exception)
    print("%d passed, %d failed, 0 skipped" % (len(CHECKS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
