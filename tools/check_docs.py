#!/usr/bin/python3
"""Documents against the tree: links lead somewhere, processes have READMEs, options are in the
manual, fuzzers are registered and have seeds, decisions are numbered."""

import os
import re
import sys

from checklib import Finding, main

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:src|docs|tools|tests|lab|bench|man|kb|share|web)/[\w./-]+)`")
PLACEHOLDER = re.compile(r"/(?:x|[A-Z]+)(?:[./]|$)")  # tests/fuzz/x, docs/decisions/NNNN
README_LINES = 15
FENCE = re.compile(r"^```")


def check_links(tree, path):
    findings, fenced = [], False
    for number, line in enumerate(tree.lines(path), 1):
        fenced ^= bool(FENCE.match(line))
        if fenced:
            continue
        for target in LINK.findall(line):
            if "://" in target or target.startswith(("#", "mailto:")):
                continue
            place = os.path.normpath(os.path.join(os.path.dirname(path), target.split("#")[0]))
            if not tree.exists(place):
                findings.append(Finding(path, number, "docs", "no such file: " + target))
        for target in PATH.findall(line):
            if not PLACEHOLDER.search(target) and not tree.exists(target.rstrip("/.")):
                findings.append(Finding(path, number, "docs", "no such file: " + target))
    return findings


def check_processes(tree):
    findings = []
    base = os.path.join(tree.root, "src/proc")
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        path = "src/proc/%s/README" % name
        if not os.path.isdir(os.path.join(base, name)):
            continue
        if not tree.exists(path):
            findings.append(Finding(path, 1, "docs", "the process has no README"))
        elif len(tree.lines(path)) - 1 > README_LINES:
            findings.append(Finding(path, 1, "docs", "over %d lines" % README_LINES))
    return findings


def check_options(tree):
    """Every option has a line in the manual, once there is one."""
    if not tree.exists("man"):
        return []
    manual = "".join(tree.text(p) for p in tree.files("", under="man")).replace("\\-", "-")
    findings = []
    for table in ("src/def/options.def", "src/def/listener_options.def"):
        for number, line in enumerate(tree.lines(table) if tree.exists(table) else [], 1):
            match = re.match(r'OPTION\(\w+, "([\w-]+)"', line)
            name = match.group(1) if match else ""
            if name and not re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(name), manual):
                findings.append(Finding(table, number, "docs",
                                        "option %s is not in the manual" % name))
    return findings


def check_fuzzers(tree):
    findings = []
    for path in tree.files(".c", under="src"):
        name = re.match(r"fuzz_(\w+)\.c$", os.path.basename(path))
        if not name:
            continue
        build = os.path.dirname(path) + "/meson.build"
        text = tree.text(build) if tree.exists(build) else ""
        if "fuzzers +=" not in text or not re.search(r"'(fuzz_)?%s(\.c)?'" % name.group(1), text):
            findings.append(Finding(path, 1, "docs", "is not among the fuzzers of " + build))
        if not tree.exists("tests/fuzz/" + name.group(1)):
            findings.append(Finding(path, 1, "docs", "has no seeds in tests/fuzz/" + name.group(1)))
    return findings


def check_decisions(tree):
    if not tree.exists("docs/decisions"):
        return []
    names = sorted(os.listdir(os.path.join(tree.root, "docs/decisions")))
    findings = [Finding("docs/decisions/" + n, 1, "docs", "is not named NNNN-words.md")
                for n in names if not re.match(r"\d{4}-[a-z0-9-]+\.md$", n)]
    numbers = [n[:4] for n in names]
    return findings + [Finding("docs/decisions/" + n, 1, "docs", "its number is used twice")
                       for n in names if numbers.count(n[:4]) > 1]


def check(tree):
    findings = check_processes(tree) + check_options(tree) + check_fuzzers(tree)
    findings += check_decisions(tree)
    for path in tree.root_files(".md") + tree.files(".md"):
        findings += check_links(tree, path)
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
