#!/usr/bin/python3
"""Layers: which folder of src/ may include which (docs/architecture.md, "Layers").

Includes are written from src/; no process includes another's folder; the header of a foreign
library is included in its one folder only; the pure layers include no header of the system but
those that define types and mem*/str*.
"""

import re
import sys

from checklib import Finding, is_test, main

PURE = ["base", "def", "wire", "rule"]
# Folder of src/ -> the folders that it may include, itself aside.
LAYERS = {
    "base": [],
    "def": ["base"],
    "wire": ["base", "def"],
    "rule": ["base", "def", "wire"],
    "rt": ["base", "def"],
    "ipc": ["base", "def", "wire", "rule", "rt"],
    "log": ["base", "def", "wire", "rt"],
    "tls": ["base", "def", "wire", "rt"],
    "resolver": ["base", "def", "wire", "rt"],
    "db": ["base", "def", "wire", "rt"],
    "json": ["base", "def", "wire", "rt"],
    "charset": ["base", "def", "wire"],
    "spool": ["base", "def", "wire", "rt", "ipc"],  # a writer tells queue what is durable
    "boot": PURE + ["rt", "ipc", "log"],
    "proc": PURE + ["rt", "ipc", "log", "tls", "resolver", "db", "json", "charset", "spool",
                    "boot"],
    "tool": PURE + ["rt", "ipc", "log", "tls", "resolver", "db", "json", "charset", "spool",
                    "boot"],
}
PURE_HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "limits.h", "string.h", "xxhash.h"}
# Headers of foreign libraries -> the folders that may include them.
FOREIGN = [
    (r"event2/|event\.h", ["src/rt/"]),
    (r"openssl/", ["src/tls/"]),
    (r"unbound\.h", ["src/resolver/"]),
    (r"sqlite3\.h|libpq-fe\.h", ["src/db/"]),
    (r"jansson\.h", ["src/json/"]),
    (r"iconv\.h", ["src/charset/"]),
    (r"idn2\.h", ["src/resolver/"]),
    (r"xxhash\.h", ["src/wire/spool/", "src/spool/"]),
    (r"seccomp\.h|linux/landlock\.h|linux/seccomp\.h", ["src/rt/", "src/boot/"]),
    (r"crypt\.h", ["src/rt/", "src/proc/directory/"]),
    (r"cmocka\.h", ["src/base/test.h"]),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def check_own(tree, path, line, header):
    parts, to = path.split("/"), header.split("/")
    layer, target = parts[1], to[0]
    if len(to) < 2 or target not in LAYERS:
        if tree.exists("src/" + header) or "/" in header or tree.exists(
                "/".join(parts[:-1]) + "/" + header):
            return [Finding(path, line, "layers", "write \"%s\" from src/" % header)]
        return []  # made by the build
    if target != layer and target not in LAYERS.get(layer, LAYERS["proc"]):
        return [Finding(path, line, "layers", "%s may not include %s" % (layer, header))]
    if layer == target == "proc" and parts[2] != to[1]:
        return [Finding(path, line, "layers", "a process may not include another's " + header)]
    return []


def check_system(path, line, header):
    for pattern, folders in FOREIGN:
        if re.match(pattern, header) and not path.startswith(tuple(folders)):
            return [Finding(path, line, "layers", "<%s> belongs to %s" % (header, folders[0]))]
    if path.split("/")[1] in PURE and not is_test(path) and header not in PURE_HEADERS \
            and path != "src/base/test_mem.h":
        return [Finding(path, line, "layers", "a pure layer may not include <%s>" % header)]
    return []


def check(tree):
    findings = []
    for path in tree.files(".c", ".h", ".def", under="src"):
        if path.count("/") < 2:
            findings.append(Finding(path, 1, "layers", "lies in no folder of a layer"))
            continue
        if path.split("/")[1] not in LAYERS:
            findings.append(Finding(path, 1, "layers", "no such layer in tools/check_layers.py"))
        for number, text in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(text)
            if not match:
                continue
            if match.group(1) == '"':
                findings += check_own(tree, path, number, match.group(2))
            else:
                findings += check_system(path, number, match.group(2))
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
