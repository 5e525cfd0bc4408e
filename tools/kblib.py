"""The articles of kb/ and its table of codes, read once for all who need them.

An article is kb/NAME.md, a small fixed form of Markdown:

    # Title
    codes: ip-blocked FR-E1009

    ## What it means
    A paragraph; `code`, **strong**, *stress*, [a link](other.md).

    - a list

        a command

    | a | table |
    |---|---|

    source: https://www.example.com/

The sections are those of SECTIONS, in that order; whatever does not apply is left out.
`codes:` has the names that lead to the article beside its own.
"""

import collections
import os
import re
import textwrap

SECTIONS = ["What it means", "How to be sure", "What to do", "At the receivers",
            "What to tell their postmaster", "How long it takes"]
WIDTH = 76
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")

Article = collections.namedtuple("Article", "name title codes sections sources links")
Code = collections.namedtuple("Code", "code sentence article source line")


def blocks_of(lines):
    """[(kind, content)]: text has a string, list strings, code and table lines."""
    blocks, begun = [], False
    for line in lines:
        kind = ("blank" if not line.strip() else "table" if line.startswith("|")
                else "code" if line.startswith("    ") and (not begun or blocks[-1][0] == "code")
                else "item" if line.startswith("- ") else "text")
        last = blocks[-1] if blocks else ("", [])
        if kind == "blank":
            if last[0] == "code":
                last[1].append("")
            begun = False
            continue
        if kind == "item":
            if last[0] != "list":
                blocks.append(("list", []))
            blocks[-1][1].append(line[2:])
        elif kind == "text" and begun and last[0] in ("text", "list"):
            last[1][-1] += " " + line.strip()
        elif kind != "text" and last[0] == kind:
            last[1].append(line)
        else:
            blocks.append((kind, [line.strip() if kind == "text" else line]))
        begun = True
    for kind, content in blocks:
        while kind == "code" and not content[-1]:
            content.pop()
    return blocks


def article_parse(name, text):
    """The article, read as well as its form allows; check_kb.py says what is wrong with it."""
    title, codes, sections, sources = "", [], [], []
    for line in text.split("\n"):
        if line.startswith("# ") and not title:
            title = line[2:].strip()
        elif line.startswith("codes:"):
            codes = line[6:].split()
        elif line.startswith("## "):
            sections.append((line[3:].strip(), []))
        elif line.startswith("source: "):
            sources.append(line[8:].strip())
        elif sections:
            sections[-1][1].append(line)
    links = [target[:-3] for _, target in LINK.findall(text) if target.endswith(".md")]
    return Article(name, title, codes, [(n, blocks_of(b)) for n, b in sections], sources,
                   list(dict.fromkeys(links)))


def paths(root):
    folder = os.path.join(root, "kb")
    names = sorted(n[:-3] for n in os.listdir(folder) if n.endswith(".md"))
    return [os.path.join(folder, name + ".md") for name in names]


def articles(root):
    found = []
    for path in paths(root):
        with open(path, encoding="utf-8") as file:
            found.append(article_parse(os.path.basename(path)[:-3], file.read()))
    return found


def codes(root):
    with open(os.path.join(root, "kb/codes.tsv"), encoding="utf-8") as file:
        return [Code(*(line.rstrip("\n").split("\t") + [""] * 3)[:4], number)
                for number, line in enumerate(file, 1)
                if line.strip() and not line.startswith("#")]


def code_lines(lines):
    """A command's lines without the indentation that they share."""
    return textwrap.dedent("\n".join(lines)).split("\n")


def table_rows(lines):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if set("".join(row)) != {"-"}]


def table_lines(lines):
    """A table as lines of even columns."""
    rows = [[plain(cell) for cell in row] for row in table_rows(lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]


def plain(text):
    """Without the marks: code of several words in quotes, an article's name behind its link."""
    text = re.sub(r"`([^`]*)`", lambda m: f"'{m[1]}'" if " " in m[1] else m[1], text)
    text = re.sub(r"\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s][^*]*)\*(?!\w)", r"\1\2", text)
    text = re.sub(r"\(\[[^\]]+\]\(([\w-]+)\.md\)\)", r"(\1)", text)
    return LINK.sub(lambda m: m[1] if m[1] == m[2][:-3] else "%s (%s)" % (m[1], m[2][:-3]), text)


def as_text(article):
    """What a terminal shows below the title."""
    lines = []

    def wrap(text, first, rest):
        lines.extend(textwrap.wrap(plain(text), WIDTH, initial_indent=first,
                                   subsequent_indent=rest, break_on_hyphens=False,
                                   break_long_words=False))

    for name, blocks in article.sections:
        lines += ([""] if lines else []) + [name]
        for number, (kind, content) in enumerate(blocks):
            lines += [""] if number else []
            if kind == "text":
                wrap(content[0], "  ", "  ")
            elif kind == "list":
                for item in content:
                    wrap(item, "  - ", "    ")
            else:
                shown = code_lines(content) if kind == "code" else table_lines(content)
                lines.extend(("    " + line).rstrip() for line in shown)
    if article.links:
        lines += ["", "In parentheses: other articles, for frank explain NAME."]
    if article.sources:
        lines += [""] + ["Source: " + source for source in article.sources]
    return "\n".join(lines) + "\n"
