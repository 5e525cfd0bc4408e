#!/usr/bin/python3
"""Words: the project speaks of itself alone.

No path of some machine, no host that is not ours to name, no unfinished business. Hosts and mail
addresses are of the reserved names (RFC 2606, RFC 6761) or documentation addresses, unless
tools/words_allowed.txt has the host; sample data under tests/corpus and tests/fuzz is left alone.
Rule files name receivers and the pages that say what their replies mean.
"""

import os
import re
import sys

from checklib import Finding, main

RULES = [
    (re.compile(r"(?<![\w.~-])/(?:work|home|root|Users|workspace|builds|mnt|private)/[\w.]+"),
     "a path of one machine: "),
    (re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"), "unfinished business: "),
    (re.compile(r"\b(?:language model|AI assistant|AI-generated|sub-?agent|chat ?bot|"
                r"[Cc]o-[Aa]uthored-[Bb]y)\b"), "not about this project: "),
    (re.compile(r"\b[Aa]s (?:asked|requested|instructed) (?:in|by)\b"), "speaks to somebody: "),
]
HOST = re.compile(r"(?:https?|ftp|git)://([\w.-]+)|"
                  r"[\w.+-]@([A-Za-z][\w-]*(?:\.[\w-]+)*\.[A-Za-z]{2,})\b")
RESERVED = re.compile(
    r"(?:^|\.)(?:test|example|invalid|localhost|local|arpa|example\.(?:com|net|org))\.?$|^127\.|"
    r"^192\.0\.2\.|^198\.51\.100\.|^203\.0\.113\.|^[\d.]+$", re.I)
NOT_TEXT = (".pyc", ".png", ".gz", ".der", ".ico")
HOSTS_NAMED = ("share/rules/",)
LEFT_ALONE = ("tests/corpus/", "tests/fuzz/", "tests/data/", "tools/check_words.py",
              "tests/tools/run.py")


def allowed_hosts(tree):
    if not tree.exists("tools/words_allowed.txt"):
        return set()
    return {line.strip() for line in tree.lines("tools/words_allowed.txt")
            if line.strip() and not line.startswith("#")}


def check_line(path, number, line, allowed):
    findings = []
    for pattern, text in RULES:
        match = pattern.search(line)
        if match:
            findings.append(Finding(path, number, "words", text + match.group(0)))
    if path.startswith(HOSTS_NAMED):
        return findings
    for match in HOST.finditer(line):
        host = (match.group(1) or match.group(2)).rstrip(".")
        if not RESERVED.search(host) and host.lower() not in allowed and "." in host:
            findings.append(Finding(path, number, "words", "not a reserved name: " + host))
    return findings


def check(tree):
    allowed, findings = allowed_hosts(tree), []
    for path in tree.root_files("") + tree.files(""):
        if path.startswith(LEFT_ALONE) or path.endswith(NOT_TEXT) or path == "LICENSE":
            continue
        if os.path.islink(os.path.join(tree.root, path)):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            findings += check_line(path, number, line, allowed)
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
