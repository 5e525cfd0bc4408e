#!/usr/bin/python3
"""Sizes: functions, complexity, nesting, parameters, files, headers, lines.

A function may be over its length or complexity only with a comment at its head that says why:
`/* long: reason */`, `/* branchy: reason */`. `lint --exceptions` lists these; the list is part of
review. `lint --report` prints assertions per 1000 lines and test lines per line of code.
"""

import os
import re
import subprocess
import sys

from checklib import Finding, is_test, main

FUNCTION_LINES, COMPLEXITY, NESTING, PARAMETERS = 70, 15, 3, 5
FILE_LINES, TABLE_LINES, HEADER_LINES, LINE_COLUMNS = 600, 800, 200, 100
TAB = 8
CONTROL = re.compile(r"^(\t+)(if|for|while|do|switch)\b")
PMCCABE = re.compile(r"^(\d+)\t(\d+)\t(\d+)\t(\d+)\t(\d+)\t(.+?)\((\d+)\): (\S+)")


def sources(tree):
    return tree.files(".c", ".h", under="src") + tree.files(".c", ".h", under="tests")


def check_functions(tree, paths):
    findings = []
    if not paths:
        return findings
    output = subprocess.run(["pmccabe"] + [os.path.join(tree.root, p) for p in paths],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    for row in output.decode("utf-8", "replace").split("\n"):
        match = PMCCABE.match(row)
        if not match:
            continue
        complexity, first, length = int(match[1]), int(match[4]), int(match[5])
        path, name = os.path.relpath(match[6], tree.root), match[8]
        if name in ("TEST", "FUZZ"):
            name = tree.lines(path)[int(match[7]) - 1].strip()
        if length > FUNCTION_LINES and not tree.excepted(path, first, "long"):
            findings.append(Finding(path, first, "size", "%s has %d lines, not %d" % (
                name, length, FUNCTION_LINES)))
        if complexity > COMPLEXITY and not tree.excepted(path, first, "branchy"):
            findings.append(Finding(path, first, "size", "%s has complexity %d, not %d" % (
                name, complexity, COMPLEXITY)))
        count = count_parameters(tree, path, int(match[7]))
        if count > PARAMETERS:
            findings.append(Finding(path, first, "size", "%s takes %d parameters, not %d" % (
                name, count, PARAMETERS)))
    return findings


def count_parameters(tree, path, line):
    text = "\n".join(tree.code_lines(path)[line - 1:line + 12])
    begin, depth, count = text.find("("), 0, 1
    for char in text[begin:] if begin >= 0 else "":
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 1
        if depth == 0:
            break
    return count


def check_nesting(tree, path):
    findings, macro = [], False
    for number, line in enumerate(tree.code_lines(path), 1):
        inside, macro = macro or line.startswith("#"), line.endswith("\\")
        match = CONTROL.match(line)
        if match and not inside and len(match.group(1)) > NESTING:
            findings.append(Finding(path, number, "size", "%s is nested %d deep, not %d" % (
                match.group(2), len(match.group(1)), NESTING)))
    return findings


def check_file(tree, path):
    lines, findings = tree.lines(path), []
    most = FILE_LINES
    if path.endswith(".def") or is_test(path):
        most = TABLE_LINES
    elif path.endswith(".h"):
        most = HEADER_LINES
    if len(lines) - 1 > most and not tree.excepted(path, 12, "long", reach=11):
        findings.append(Finding(path, 1, "size", "%d lines, not %d" % (len(lines) - 1, most)))
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(TAB)) > LINE_COLUMNS:
            findings.append(Finding(path, number, "size", "line over %d columns" % LINE_COLUMNS))
    return findings


def check(tree):
    paths = sources(tree)
    findings = check_functions(tree, paths)
    for path in paths:
        findings += check_nesting(tree, path)
    for path in paths + tree.files(".def", under="src"):
        findings += check_file(tree, path)
    for path in tree.files(".py"):
        findings += check_file(tree, path)
    return findings


def report(tree):
    """Lines of text: assertions and tests by folder."""
    rows = {}
    for path in tree.files(".c", ".h", under="src"):
        folder = "/".join(path.split("/")[1:-1])
        row = rows.setdefault(folder, [0, 0, 0])
        count = sum(1 for line in tree.code_lines(path) if line.strip())
        if is_test(path):
            row[1] += count
        else:
            row[0] += count
            row[2] += sum(len(re.findall(r"\bASSERT\w*\(", x)) for x in tree.code_lines(path))
    rows["all"] = [sum(row[i] for row in rows.values()) for i in range(3)]
    text = ["%-18s %8s %8s %8s %12s" % ("folder", "lines", "tests", "ratio", "asserts/kloc")]
    for folder, (code, tests, asserts) in rows.items():
        text.append("%-18s %8d %8d %8.2f %12.1f" % (folder, code, tests, tests / max(code, 1),
                                                    1000.0 * asserts / max(code, 1)))
    return text


if __name__ == "__main__":
    sys.exit(main(check))
