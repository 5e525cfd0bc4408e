#!/usr/bin/python3
"""Prints articles.inc for src/rule/explain/article.c: the articles of kb/ and what leads to them.

    tools/gen_articles.py ROOT OUTPUT DEPFILE     run by the build
"""

import json
import sys

import kblib


def literal(text):
    """A C string, a line of the text on each line."""
    # JSON's escapes are C's, as long as nothing but UTF-8 and line ends is in it.
    return "\n\t\t".join(json.dumps(line, ensure_ascii=False)
                         for line in text.splitlines(keepends=True)) or '""'


def generate(articles, codes):
    place = {article.name: index for index, article in enumerate(articles)}
    lines = ["/* Made by tools/gen_articles.py from kb/. */",
             "static const struct {", "\tconst char *name, *title, *text;", "} articles[] = {"]
    keys = []
    for article in articles:
        lines.append("\t{%s, %s,\n\t\t%s}," % (
            literal(article.name), literal(article.title), literal(kblib.as_text(article))))
        keys += [(name, None, None, place[article.name])
                 for name in [article.name] + [c for c in article.codes if c != article.name]]
    keys += [(code.code, code.sentence, code.source, place[code.article]) for code in codes]
    lines += ["};", "static const struct key keys[] = {"]
    for key, sentence, source, index in keys:
        lines.append("\t{%s, %s, %s, %d}," % (
            literal(key), literal(sentence) if sentence else "NULL",
            literal(source) if source else "NULL", index))
    return "\n".join(lines + ["};", ""])


def main():
    root, output, depfile = sys.argv[1:]
    text = generate(kblib.articles(root), kblib.codes(root))
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)
    # The folder too: an article may be added or removed.
    needs = kblib.paths(root) + [root + "/kb", root + "/kb/codes.tsv", kblib.__file__]
    with open(depfile, "w", encoding="utf-8") as file:
        file.write("%s: %s\n" % (output, " ".join(n.replace(" ", "\\ ") for n in needs)))


if __name__ == "__main__":
    main()
