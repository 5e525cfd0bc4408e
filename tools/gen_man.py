#!/usr/bin/python3
"""Puts the options of options.def and listener_options.def into man/frank.conf.5, and makes
man/frank-kb.7 of kb/.

    tools/gen_man.py            writes what is generated anew
    tools/gen_man.py --check    exit 1 when it is stale

In frank.conf.5 the generated part stands between two marked comments; all else there is written by
hand.
"""

import re
import sys
import textwrap

import gen_kb_man

PAGE = "man/frank.conf.5"
BEGIN = '.\\" BEGIN generated from src/def/{name}; tools/gen_man.py'
END = '.\\" END generated'
STRING = r'"((?:[^"\\]|\\.)*)"'
TYPES = {"TEXT": "text", "PATH": "path", "FLAG": "on | off", "COUNT": "number", "SIZE": "size",
         "TIME": "time", "TEXTS": "text ...", "NETS": "network ...", "ADDRS": "address:port ...",
         "TIMES": "time ..."}


def rows(path):
    """(name, type, default, choices, text) of each OPTION row."""
    with open(path, encoding="utf-8") as file:
        source = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    for match in re.finditer(r"OPTION\(", source):
        end = row_end(source, match.end())
        row = source[match.end():end]
        strings = re.findall(STRING, row)
        kind = re.search(r'",\s*([A-Z]+),', row).group(1)
        choices = strings[2] if kind == "CHOICE" else ""
        text = "".join(strings[3 if choices else 2:])
        yield strings[0], kind, strings[1], choices, text


def row_end(source, at):
    """Index of the parenthesis that closes the row; strings may hold others."""
    inside = False
    while inside or source[at] != ")":
        if source[at] == '"' and source[at - 1] != "\\":
            inside = not inside
        at += 1
    return at


def section(path):
    lines = [".Bl -tag -width Ds"]
    for name, kind, default, choices, text in rows(path):
        value = choices.replace("|", " | ") if choices else TYPES[kind]
        lines.append(f".It Ic {name} Ar {value}")
        for sentence in re.split(r"(?<=[.:;]) (?=[A-Z])", text):
            lines += textwrap.wrap(sentence, 78, break_on_hyphens=False)
        lines.append(f"Default: {default}." if default else "Default: none.")
    return lines + [".El"]


def page_with(page, name):
    begin, lines = BEGIN.format(name=name), page.split("\n")
    first = lines.index(begin)
    last = lines.index(END, first)
    return "\n".join(lines[:first + 1] + section("src/def/" + name) + lines[last:])


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def main():
    old = read(PAGE)
    pages = [(PAGE, page_with(page_with(old, "options.def"), "listener_options.def")),
             (gen_kb_man.PAGE, gen_kb_man.page("."))]
    stale = [(path, text) for path, text in pages if read(path) != text]
    if "--check" in sys.argv:
        for path, _ in stale:
            print(f"{path}: stale; run tools/gen_man.py")
        return bool(stale)
    for path, text in stale:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
