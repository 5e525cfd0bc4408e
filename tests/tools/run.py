#!/usr/bin/python3
"""The checkers checked: each rule is shown a small bad tree, in which it must find exactly what is
wrong, and the good one beside it, in which it must find nothing. Also the counting of test runs."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import check_docs  # noqa: E402
import check_kb  # noqa: E402
import check_layers  # noqa: E402
import check_names  # noqa: E402
import check_pure  # noqa: E402
import check_size  # noqa: E402
import check_words  # noqa: E402
import checklib  # noqa: E402
import run_tests  # noqa: E402

GUARD = "#ifndef X_H\n#define X_H\n%s\n#endif\n"
LONG = "int\nlong_one(int a)\n{\n%s\treturn a;\n}\n" % ("\ta++;\n" * 80)
BRANCHY = "int\nbranchy(int a)\n{\n%s\treturn 0;\n}\n" % "".join(
    "\tif (a == %d)\n\t\treturn %d;\n" % (i, i + 1) for i in range(20))
DEEP = ("int\ndeep(int a)\n{\n\tif (a)\n\t\tif (a > 1)\n\t\t\tif (a > 2)\n"
        "\t\t\t\tif (a > 3)\n\t\t\t\t\treturn 1;\n\treturn 0;\n}\n")
SIX = "int\nsix(int a, int b, int c,\n    int d, int (*e)(int, int), int f)\n{\n\treturn a;\n}\n"

ARTICLE = "# A title\ncodes: %s\n\n## What it means\n%s\n\n## What to do\nNothing.\n"
KB_TABLES = {
    "src/def/causes.def": 'CAUSE(PTR, "ptr", 1001, X)\n', "man/frank.8": ".It Fl -limit\n",
    "src/def/options.def": 'OPTION(helo, "helo", x)\n',
    "src/tool/main.c": '\t"  queue list | show\\n"\n\t"  explain CODE   what it means\\n"\n',
    "kb/codes.tsv": "# code\nx.7.x\tRules.\tptr\tRFC 3463 3.8\nx.7.25\tNo name.\tptr\tRFC 7372\n"}

# (name, checker, {file: text}, what each finding must contain, in any order)
CASES = [
    ("layers: downwards", check_layers, {
        "src/rule/a/x.c": '#include "base/y.h"\n#include "wire/z.h"\n#include "def/t.def"\n',
        "src/ipc/x.c": '#include "rt/y.h"\n#include "wire/z.h"\n#include <errno.h>\n',
        "src/proc/queue/x.c": '#include "proc/queue/y.h"\n#include "spool/z.h"\n'}, []),
    ("layers: upwards", check_layers, {
        "src/base/x.c": '#include "wire/z.h"\n', "src/wire/x/x.c": '#include "rule/z.h"\n',
        "src/rt/x.c": '#include "wire/z.h"\n', "src/tls/x.c": '#include "db/z.h"\n',
        "src/spool/x.c": '#include "db/z.h"\n', "src/boot/x.c": '#include "proc/x/z.h"\n'},
     ["base may not include wire", "wire may not include rule", "rt may not include wire",
      "tls may not include db", "spool may not include db", "boot may not include proc"]),
    ("layers: another process", check_layers, {
        "src/proc/queue/x.c": '#include "proc/smtpin/y.h"\n'}, ["another's"]),
    ("layers: not from src", check_layers, {
        "src/rt/x.c": '#include "y.h"\n#include "../base/z.h"\n', "src/rt/y.h": ""},
     ['write "y.h"', 'write "../base/z.h"']),
    ("layers: foreign library", check_layers, {
        "src/proc/smtpin/x.c": "#include <openssl/ssl.h>\n",
        "src/tls/x.c": "#include <openssl/ssl.h>\n"}, ["belongs to src/tls/"]),
    ("layers: pure headers", check_layers, {
        "src/wire/x/x.c": "#include <stdio.h>\n", "src/wire/x/test_x.c": "#include <stdio.h>\n"},
     ["pure layer may not include <stdio.h>"]),
    ("layers: unknown", check_layers, {"src/misc/x.c": ""}, ["no such layer"]),

    ("pure: clean", check_pure, {
        "src/base/x.c": "#include <string.h>\nvoid panic(void);\nvoid x(char *p);\n"
                        "void x(char *p)\n{\n\tmemset(p, 1, strlen(p));\n\tpanic();\n}\n"}, []),
    ("pure: clock", check_pure, {
        "src/wire/a/x.c": "long time(long *);\nlong x(void);\nlong x(void) { return time(0); }\n"},
     ["needs time"]),
    ("pure: upwards", check_pure, {
        "src/base/x.c": "int y(void);\nint x(void);\nint x(void) { return y(); }\n",
        "src/rule/a/y.c": "int y(void);\nint y(void) { return 1; }\n"}, ["needs y"]),

    ("size: fine", check_size, {"src/base/x.c": "int\nx(int a)\n{\n\treturn a;\n}\n"}, []),
    ("size: function", check_size, {"src/base/x.c": LONG}, ["long_one has 8"]),
    ("size: excepted", check_size, {
        "src/base/x.c": "/* long: a table of steps */\n" + LONG,
        "src/base/y.c": "/* branchy: one row each */\n" + BRANCHY}, []),
    ("size: complexity", check_size, {"src/base/x.c": BRANCHY}, ["complexity 21"]),
    ("size: nesting", check_size, {"src/base/x.c": DEEP}, ["nested 4 deep"]),
    ("size: test's name", check_size, {
        "src/base/test_x.c": "TEST(many)\n" + LONG[LONG.index("{"):]}, ["TEST(many) has 8"]),
    ("size: parameters", check_size, {"src/base/x.c": SIX}, ["six takes 6 parameters"]),
    ("size: files", check_size, {
        "src/base/x.c": "\n" * 601, "src/base/test_x.c": "\n" * 601, "src/base/x.h": "\n" * 201,
        "src/base/y.c": "/* %s */\n" % ("x" * 100)},
     ["601 lines, not 600", "201 lines, not 200", "over 100 columns"]),

    ("names: fine", check_names, {
        "src/base/x.h": GUARD % "struct x {\n\tint (*read)(int);\n};",
        "src/base/x.c": "static const char *const names[] = {\"a\", \"b\"};\n"
                        "const char *x(int i);\nconst char *x(int i) { return names[i]; }\n",
        "src/proc/queue/main.c": "int running;\n",
        "src/rt/x.c": "long read(int, char *, long);\nlong x(char *p);\n"
                      "long x(char *p) { return read(0, p, 1); }\n"}, []),
    ("names: header alone", check_names, {
        "src/base/x.h": GUARD % "struct slice x(size_t n);"}, ["does not compile alone"]),
    ("names: typedef", check_names, {
        "src/base/x.h": GUARD % "typedef struct x {\n\tint a;\n} x_t;\ntypedef int y_fn(int);"},
     ["typedef"]),
    ("names: calls", check_names, {
        "src/spool/x.c": "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                         "#include <unistd.h>\nvoid x(char *a, const char *b);\n"
                         "void x(char *a, const char *b)\n{\n\tstrcat(a, b);\n"
                         "\tsprintf(a, \"%d%s\", 1, b);\n\tfree(a);\n\tif (fsync(1) < 0)\n"
                         "\t\t(void)getpid();\n}\n"},
     ["strcat is never", "sprintf is never", "free outside", "fsync outside", "getpid outside"]),
    ("names: globals", check_names, {
        "src/wire/a/x.c": "int counter = 1;\nstatic int cache;\nint *x(void);\n"
                          "int *x(void)\n{\n\tstatic int once;\n\tcache++;\n\tonce++;\n"
                          "\treturn cache > once ? &cache : &once;\n}\n\n\n"
                          "/* global: one per process by its nature */\nint excepted = 2;\n"},
     ["counter is mutable", "cache is mutable", "once"]),

    ("docs: fine", check_docs, {
        "README.md": "[a](docs/a.md) [b](https://example.test/) [c](#here)\n",
        "docs/a.md": "[up](../README.md)\n```\n[x](y)\n```\n", "src/proc/queue/README": "Queue.\n",
        "docs/decisions/0001-x.md": "", "src/base/fuzz_x.c": "", "tests/fuzz/x/seed": "",
        "src/base/meson.build": "fuzzers += {'x': {'source': files('fuzz_x.c')}}"}, []),
    ("docs: bad", check_docs, {
        "README.md": "[a](docs/b.md) and `src/base/none.h`\n", "src/proc/queue/main.c": "",
        "src/proc/dns/README": "\n" * 16, "src/base/fuzz_x.c": "", "src/base/meson.build": "",
        "docs/decisions/one.md": "", "man/frank.conf.5": "listen",
        "src/def/options.def": 'OPTION(listen, "listen", x)\n'
                               'OPTION(out_port, "smtp-out-port", x)\n'},
     ["no such file: docs/b.md", "no such file: src/base/none.h", "no README", "over 15 lines",
      "not among the fuzzers", "no seeds", "not named", "option smtp-out-port"]),

    ("kb: fine", check_kb, dict(KB_TABLES, **{
        "kb/ptr.md": ARTICLE % ("ptr FR-E1001", "See [it](other.md).\n\n    frank queue list "
                                "--limit 3\n\nThe option `helo`. `frank explain x`"),
        "kb/other.md": ARTICLE % ("another", "Text.") + "\nsource: https://www.example.com/\n"}),
     []),
    ("kb: links, commands, options", check_kb, dict(KB_TABLES, **{
        "kb/ptr.md": ARTICLE % (
            "ptr FR-E1001", "See [it](gone.md).\n    frank queue burn\n    frank doctor\n"
            "    frank queue list --all\nThe option `gone`. A ` alone.")}),
     ["no such article: gone.md", "no burn", "no command doctor", "no option --all",
      "no such option: gone", "without its other"]),
    ("kb: form", check_kb, dict(KB_TABLES, **{
        "kb/ptr.md": ARTICLE % ("ptr FR-E1001", "%s\n%s" % ("x" * 81, "y\n" * 60)),
        "kb/at-x.md": "# T\nx\n## What to do\nA\n# B\n\n## Else\n",
        "kb/Bad_name.md": ARTICLE % ("x FR-E1009", "x \nsource: https://www.example.com/")}),
     ["over 80 columns", "lines, not 60", "the second line is", "no such section: Else",
      "What it means, then", "an empty section", "a heading other", "needs a source",
      "a name is words", "blanks at the end", "text behind", "text behind",
      "not a name or number: Bad_name", "no such number: FR-E1009", "dead article"]),
    ("kb: causes and codes", check_kb, dict(KB_TABLES, **{
        "kb/codes.tsv": "x.7.25\tNo stop\tgone\tRFC x\n5.7.1\tA sentence.\tlone\tIANA\n",
        "kb/lone.md": ARTICLE % ("x", "Text."), "kb/second.md": ARTICLE % ("x", "Text.")}),
     ["x leads to lone already", "dead article", "ptr has no article", "FR-E1001 has no article",
      "a sentence of", "no such article: gone",
      "not RFC", "not a code", "no row for x.7.x"]),

    ("words: fine", check_words, {
        "README.md": "https://www.example.com/ ann@example.test /var/spool/frank 192.0.2.1\n"}, []),
    ("words: bad", check_words, {
        "README.md": "see /home/somebody/x\nTODO later\nhttps://mirror.somewhere.org/\n"
                     "root@somewhere.org\n"},
     ["path of one machine", "unfinished", "mirror.somewhere.org", "somewhere.org"]),
]


def compile_tree(root):
    """Objects and compile_commands.json as the release build would have them."""
    build, commands = os.path.join(root, "build/release"), []
    os.makedirs(build)
    for path in checklib.Tree(root).files(".c", under="src"):
        output = path.replace("/", "_") + ".o"
        done = subprocess.run(["gcc", "-O2", "-fPIC", "-w", "-c", os.path.join(root, path), "-o",
                               output], cwd=build, stderr=subprocess.PIPE, check=False)
        if done.returncode == 0:
            commands.append({"directory": build, "file": os.path.join(root, path),
                             "output": output})
    with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(commands, file)
    return build


def try_case(checker, files, wanted):
    """What went wrong, or an empty text."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        needs_objects = checker in (check_pure, check_names)
        build = compile_tree(root) if needs_objects else None
        found = ["%s:%d: %s: %s" % f for f in checker.check(checklib.Tree(root, build))]
    rest = list(found)
    for want in wanted:
        hit = next((text for text in rest if want in text), None)
        if hit is None:
            return "did not find '%s'; found %s" % (want, found)
        rest.remove(hit)
    return "found too much: %s" % rest if rest else ""


def try_counting():
    cmocka = "[  PASSED  ] 3 test(s).\n[  FAILED  ] 2 test(s), listed below:\n"
    rows = [
        ({"result": "OK", "stdout": "", "stderr": "[  PASSED  ] 3 test(s).\n"}, [3, 0, 0]),
        ({"result": "OK", "stdout": "fine"}, [1, 0, 0]),
        ({"result": "FAIL", "stdout": cmocka}, [3, 2, 0]),
        ({"result": "FAIL", "stdout": "[  PASSED  ] 3 test(s).\n"}, [3, 1, 0]),
        ({"result": "TIMEOUT"}, [0, 1, 0]), ({"result": "SKIP"}, [0, 0, 1]),
    ]
    for test, want in rows:
        got = run_tests.unit_count(test)
        if got != want:
            return "%s counted as %s, not %s" % (test, got, want)
    steps = [
        (5, "echo '2 passed, 0 failed, 1 skipped'", [2, 0, 1]), (5, "true", [1, 0, 0]),
        (5, "exit 3", [0, 1, 0]), (5, "echo '2 passed, 0 failed'; exit 1", [2, 1, 0]),
        (0.3, "echo '2 passed, 0 failed'; sleep 30", [2, 1, 0]),
    ]
    for seconds, script, want in steps:
        got = run_tests.run_step(seconds, ["sh", "-c", script])[0]
        if got != want:
            return "%s counted as %s, not %s" % (script, got, want)
    return ""


def main():
    passed, failed = 0, 0
    tries = [(name, lambda c=c, f=f, w=w: try_case(c, f, w)) for name, c, f, w in CASES]
    for name, run in tries + [("counting", try_counting)]:
        problem = run()
        passed, failed = passed + (not problem), failed + bool(problem)
        if problem:
            print("FAILED %s: %s" % (name, problem))
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
