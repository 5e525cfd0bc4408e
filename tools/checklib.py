"""What the checkers share: the files of the tree, findings, exceptions, and the closing line.

A checker is tools/check_X.py with `check(tree)`, which answers a list of Finding. It reads the tree
at tree.root, so that its self-test can hand it a small bad one.
"""

import collections
import json
import os
import re
import subprocess
import sys

Finding = collections.namedtuple("Finding", "path line rule text")
COMMENT_OR_STRING = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
TOP = ["src", "tests", "tools", "lab", "bench", "docs", "man", "kb", "share", ".ci"]


def is_test(path):
    """Tests, fuzz targets and what only they link."""
    name = os.path.basename(path)
    return (name.startswith(("test_", "fuzz_")) or name in ("panic_test.c", "test.h", "fuzz.h")
            or not path.startswith("src/"))


class Tree:
    def __init__(self, root, build=None):
        self.root = root
        self.build = build  # of the release kind; None: rules about objects are left out
        self._text, self._objects = {}, None
        self.exceptions = []  # (path, line, kind, reason), as the checkers meet them

    def files(self, *endings, under=""):
        found = []
        for top in TOP if not under else [under]:
            for folder, folders, names in os.walk(os.path.join(self.root, top)):
                folders[:] = sorted(f for f in folders if f not in ("__pycache__", ".git"))
                found += [os.path.relpath(os.path.join(folder, n), self.root)
                          for n in sorted(names) if n.endswith(endings)]
        return found

    def root_files(self, *endings):
        return [n for n in sorted(os.listdir(self.root))
                if n.endswith(endings) and n != ".git"
                and os.path.isfile(os.path.join(self.root, n))]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._text[path] = file.read()
        return self._text[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def code_lines(self, path):
        """The lines with comments, strings and characters blanked."""
        def blank(match):
            return re.sub(r"[^\n]", " ", match.group(0))
        return COMMENT_OR_STRING.sub(blank, self.text(path)).split("\n")

    def excepted(self, path, line, kind, reach=3):
        """Whether `/* kind: reason */` stands on the line or up to reach lines before it."""
        lines = self.lines(path)
        for number in range(line, max(0, line - reach - 1), -1):
            match = re.search(r"/\* %s: (.+?) \*/" % kind, lines[number - 1])
            if match:
                self.exceptions.append((path, number, kind, match.group(1)))
                return True
        return False

    def objects(self):
        """(source, object file) of every C source of the release build that exists in both."""
        if self._objects is None:
            self._objects = []
            commands = os.path.join(self.build, "compile_commands.json") if self.build else ""
            if os.path.exists(commands):
                with open(commands, encoding="utf-8") as file:
                    for entry in json.load(file):
                        self._add_object(entry)
        return self._objects

    def _add_object(self, entry):
        source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        source = os.path.relpath(source, os.path.realpath(self.root))
        built = os.path.join(entry["directory"], entry["output"])
        if source.startswith("src/") and os.path.exists(built):
            self._objects.append((source, built))

    def symbols(self):
        """{source: [(name, nm's letter, section)]} for all objects, by one run of nm."""
        pairs = self.objects()
        found = {source: [] for source, _ in pairs}
        by_object = {built: source for source, built in pairs}
        if not pairs:
            return found
        output = subprocess.run(["nm", "--format=sysv"] + [built for _, built in pairs],
                                stdout=subprocess.PIPE, check=True).stdout.decode()
        source = None
        for line in output.split("\n"):
            heading = re.match(r"^(?:Symbols from (.+?)|(\S+)):$", line)
            if heading:
                source = by_object.get(heading.group(1) or heading.group(2))
                continue
            parts = [part.strip() for part in line.split("|")]
            if source and len(parts) == 7 and parts[0] != "Name":
                found[source].append((parts[0], parts[2], parts[6]))
        return found


def main(checks):
    """For a checker run by itself: check_x.py [ROOT [BUILD]]."""
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.dirname(os.path.abspath(__file__)))
    build = sys.argv[2] if len(sys.argv) > 2 else os.path.join(root, "build/release")
    findings = checks(Tree(root, build))
    for finding in findings:
        print("%s:%d: %s: %s" % finding)
    print("%d passed, %d failed, 0 skipped" % (not findings, bool(findings)))
    return 1 if findings else 0
