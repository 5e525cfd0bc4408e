#!/usr/bin/python3
"""Purity: what the release objects of base, def, wire and rule leave undefined.

They may need each other (downwards), mem* and str*, the compiler's own checks, and panic, the one
hook that a process sets. A clock, a socket, a file or malloc would show up here as a symbol.
"""

import re
import sys

from checklib import Finding, is_test, main

ORDER = ["base", "def", "wire", "rule"]
ALLOWED = re.compile(
    r"^(panic|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail"
    r"|(__)?mem(cpy|move|set|cmp|chr|rchr|mem|pcpy)(_chk)?"
    r"|(__)?str(len|nlen|chr|rchr|cmp|ncmp|spn|cspn|str|pbrk)(_chk)?)$")


def check(tree):
    findings, defined, needed = [], {}, []
    for source, symbols in sorted(tree.symbols().items()):
        layer = source.split("/")[1]
        if layer not in ORDER or is_test(source):
            continue
        for name, letter, _ in symbols:
            if letter in "Uwv":
                needed.append((source, layer, name))
            elif letter.isupper():
                defined[name] = layer
    for source, layer, name in needed:
        owner = defined.get(name)
        if owner and ORDER.index(owner) <= ORDER.index(layer):
            continue
        if not ALLOWED.match(name):
            findings.append(Finding(source, 1, "pure", "needs %s" % name))
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
