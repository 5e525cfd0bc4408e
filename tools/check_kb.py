#!/usr/bin/python3
"""The knowledge base: the articles' form and length, links, commands of frank, and codes.

Every cause and number and every code of kb/codes.tsv leads to an article, and every article is led
to. The form is in kblib.py.
"""

import os
import re
import sys

import kblib
from checklib import Finding, main

LINES, COLUMNS, TITLE, SENTENCE = 60, 80, 70, 140
NAME = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*|ME-[IWE]\d{4})$")
KEY = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*|ME-[IWE]\d{4}|FR-E\d{4})$")
CODE = re.compile(r"(?:[2-5]\d\d|[245]\.x\.x|x\.\d{1,3}\.(?:\d{1,3}|x))$")
SOURCE = re.compile(r"RFC \d+(?: [\d.]+)?(?:, IANA)?$|draft-[a-z0-9-]+$|IANA$")
CAUSE = re.compile(r'^CAUSE\(\w+, "([a-z-]+)", (\d{4})', re.M)
COMMAND = re.compile(r"(?<![\w./-])frank((?: +[\w<>:@./|=-]+| +'[^']*')+)")


def check_form(tree, path, article):
    lines, findings = tree.lines(path), []

    def wrong(number, text):
        findings.append(Finding(path, number, "kb", text))

    if not NAME.match(article.name):
        wrong(1, "a name is words with hyphens, or a number")
    if not lines[0].startswith("# ") or not 2 < len(lines[0]) <= TITLE + 2:
        wrong(1, "the first line is # and a title of at most %d characters" % TITLE)
    if not lines[1:] or not lines[1].startswith("codes: ") or lines[2:3] != [""]:
        wrong(2, "the second line is codes: and what leads here; then an empty one")
    if len(lines) - 1 > LINES:
        wrong(LINES + 1, "%d lines, not %d" % (len(lines) - 1, LINES))
    source = False
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and not line.startswith("source: "):
            wrong(number, "over %d columns" % COLUMNS)
        if line != line.rstrip() or "\t" in line:
            wrong(number, "blanks at the end, or a tab")
        if number > 1 and re.match(r"#(?!# \S)", line):
            wrong(number, "a heading other than ##")
        if source and line and not line.startswith("source: "):
            wrong(number, "text behind the sources")
        source = source or line.startswith("source: ")
    return findings + check_sections(path, article)


def check_sections(path, article):
    names = [name for name, _ in article.sections]
    findings = [Finding(path, 1, "kb", "no such section: " + name)
                for name in names if name not in kblib.SECTIONS]
    places = [kblib.SECTIONS.index(name) for name in names if name in kblib.SECTIONS]
    if places != sorted(set(places)) or places[:1] != [0] or len(places) < 2:
        findings.append(Finding(path, 1, "kb", "sections: What it means, then others in order"))
    for name, blocks in article.sections:
        if not blocks:
            findings.append(Finding(path, 1, "kb", "an empty section: " + name))
        for kind, content in blocks:
            if kind == "table" and len({len(r) for r in kblib.table_rows(content)}) != 1:
                findings.append(Finding(path, 1, "kb", "a table of uneven rows"))
    if article.name.startswith("at-") and not article.sources:
        findings.append(Finding(path, 1, "kb", "what a receiver does needs a source:"))
    return findings


def check_links(tree, path):
    findings = []
    for number, line in enumerate(tree.lines(path), 1):
        for _, target in kblib.LINK.findall(line):
            if not re.match(r"[\w-]+\.md$", target) or not tree.exists("kb/" + target):
                findings.append(Finding(path, number, "kb", "no such article: " + target))
        if line.count("](") != len(kblib.LINK.findall(line)):
            findings.append(Finding(path, number, "kb", "a link over the end of the line"))
        if line.count("`") % 2:
            findings.append(Finding(path, number, "kb", "a ` without its other"))
    return findings


def usage(tree):
    """The lines of frank help that show commands, as (first words, all words)."""
    rows = []
    for line in re.findall(r'^\t"  (\S.*?)(?:\\n)?"', tree.text("src/tool/main.c"), re.M):
        words = re.findall(r"[a-z]+(?:-[a-z]+)*", line)
        first = re.match(r"[a-z-]+(?: \| [a-z-]+)*", line)
        rows.append((re.findall(r"[a-z-]+", first.group(0)) if first else [], words))
    return rows


def command_fault(words, rows, manual):
    """What is wrong with the words behind frank, or None."""
    found = [all_words for first, all_words in rows if words[0] in first]
    if not found and words[0] != "help":
        return "frank has no command " + words[0]
    # Behind explain stand names of articles.
    if len(words) > 1 and words[0] != "explain" and re.match(r"[a-z]+$", words[1]):
        if not any(words[1] in row for row in found):
            return "frank %s has no %s" % (words[0], words[1])
    for word in words:
        if word.startswith("--") and word[1:] not in manual:
            return "frank has no option " + word
    return None


def check_options(tree, path):
    """What is called an option is one of the configuration."""
    known, findings = set(), []
    for table in ("src/def/options.def", "src/def/listener_options.def"):
        if tree.exists(table):
            known |= set(re.findall(r'OPTION\(\w+, "([\w-]+)"', tree.text(table)))
    for number, line in enumerate(tree.lines(path), 1):
        for names in re.findall(r"[Oo]ptions? ((?:`[^`]*`(?:, | and )?)+)", line):
            for name in re.findall(r"`([^`]*)`", names):
                if name not in known:
                    findings.append(Finding(path, number, "kb", "no such option: " + name))
    return findings


def check_commands(tree, path, rows, manual):
    """Commands stand in code: lines of their own, or between backquotes."""
    findings = []
    for number, line in enumerate(tree.lines(path), 1):
        parts = [line] if line.startswith("    ") else re.findall(r"`([^`]*)`", line)
        for match in (m for part in parts for m in COMMAND.finditer(part)):
            words = re.sub(r"'[^']*'", "TEXT", match.group(1)).split()
            fault = command_fault(words, rows, manual)
            if fault:
                findings.append(Finding(path, number, "kb", fault))
    return findings


def check_causes(tree, articles):
    """Each cause has an article of its name, to which its number leads, too."""
    table, findings = "src/def/causes.def", []
    causes = CAUSE.findall(tree.text(table)) if tree.exists(table) else []
    owners = {}
    for article in articles:
        path = "kb/%s.md" % article.name
        for key in [article.name] + article.codes:
            if not KEY.match(key):
                findings.append(Finding(path, 2, "kb", "not a name or number: " + key))
            if owners.setdefault(key.lower(), article.name) != article.name:
                findings.append(Finding(path, 2, "kb", "%s leads to %s already" % (
                    key, owners[key.lower()])))
    for name, number in causes:
        for key in (name, "fr-e" + number):
            if owners.get(key) != name:
                findings.append(Finding(table, 1, "kb", "%s has no article kb/%s.md" % (
                    key.upper() if key != name else name, name)))
    numbers = {"fr-e" + number for _, number in causes}
    findings += [Finding("kb/%s.md" % owner, 2, "kb", "no such number: " + key.upper())
                 for key, owner in owners.items()
                 if key.startswith("fr-e") and key not in numbers]
    return findings


def check_codes(codes, names):
    path, findings, seen = "kb/codes.tsv", [], set()
    for code in codes:
        def wrong(text, line=code.line):
            findings.append(Finding(path, line, "kb", text))

        if not CODE.match(code.code) or code.code in seen:
            wrong("not a code, or given twice: " + code.code)
        if not re.match(r"[^\W\d_].*\.$", code.sentence) or len(code.sentence) > SENTENCE:
            wrong("a sentence of at most %d characters, please" % SENTENCE)
        if code.article not in names:
            wrong("no such article: " + code.article)
        if not SOURCE.match(code.source):
            wrong("not RFC 7372 3.3, or a draft's name: " + code.source)
        seen.add(code.code)
    for code in sorted(seen):
        subject = re.sub(r"^(x\.\d+)\..*$", r"\1.x", code)
        if subject not in seen:
            findings.append(Finding(path, 1, "kb", "no row for " + subject))
    return findings


def check(tree):
    if not tree.exists("kb"):
        return []
    articles, codes, findings = kblib.articles(tree.root), kblib.codes(tree.root), []
    manual = tree.text("man/frank.8") if tree.exists("man/frank.8") else ""
    manual = set(re.findall(r"Fl (-[\w-]+)", manual))
    rows = usage(tree) if tree.exists("src/tool/main.c") else []
    led_to = {link for article in articles for link in article.links if link != article.name}
    led_to |= {code.article for code in codes}
    for article in articles:
        path = "kb/%s.md" % article.name
        findings += check_form(tree, path, article) + check_links(tree, path)
        findings += check_commands(tree, path, rows, manual) + check_options(tree, path)
        numbered = any(re.match("(?:FR|ME)-", key) for key in article.codes)
        if article.name not in led_to and not numbered:
            findings.append(Finding(path, 1, "kb", "a dead article: nothing leads here"))
    findings += check_causes(tree, articles)
    return findings + check_codes(codes, {article.name for article in articles})


if __name__ == "__main__":
    sys.exit(main(check))
