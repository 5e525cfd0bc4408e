"""man/frank-kb.7, made whole from kb/; tools/gen_man.py runs it."""

import re
import textwrap

import kblib

PAGE = "man/frank-kb.7"
HEAD = r""".\" Made by tools/gen_man.py from kb/; write there.
.Dd November 28, 2026
.Dt FRANK-KB 7
.Os
.Sh NAME
.Nm frank-kb
.Nd why mail is refused, and what to do about it
.Sh DESCRIPTION
An article for each cause that
.Xr frank 8
names, for numbers that administrators of MailEnable know, for what one has to
set up or find out, and for receivers and block lists where refusals happen most;
then what the codes in a server's answer say.
.Pp
In examples ours is mail.example.org with the address 192.0.2.1, and the other
side is example.com.
A name in parentheses is that of another article."""
TAIL = ".Sh SEE ALSO\n.Xr frank.conf 5 ,\n.Xr frank 8\n"
ESCAPES = {"\\": r"\e", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def escape(text, literal=False):
    escapes = dict(ESCAPES, **({"'": r"\(aq", "-": r"\-"} if literal else {}))
    text = "".join(escapes.get(c, c if ord(c) < 127 else "\\[u%04X]" % ord(c)) for c in text)
    return re.sub(r"^(?=[.'])", r"\\&", text)


def paragraph(text):
    lines = []
    for sentence in re.split(r"(?<=[.:;?]) (?=[A-Z])", kblib.plain(text)):
        lines += [escape(line) for line in
                  textwrap.wrap(sentence, 78, break_on_hyphens=False, break_long_words=False)]
    return lines


def block(kind, content):
    if kind == "text":
        return [".Pp"] + paragraph(content[0])
    if kind == "list":
        lines = [".Bl -bullet"]
        for item in content:
            lines += [".It"] + paragraph(item)
        return lines + [".El"]
    shown = kblib.code_lines(content) if kind == "code" else kblib.table_lines(content)
    return [".Bd -literal -offset indent"] + [escape(s, literal=True) for s in shown] + [".Ed"]


def article_lines(article):
    names = [c for c in article.codes if c != article.name]
    title = article.name + ": " + article.title
    lines = ['.Ss "%s"' % escape(title)]
    for number, (name, blocks) in enumerate(article.sections):
        lines += [".Pp"] * bool(number) + ['.Sy "%s"' % escape(name)]
        for kind, content in blocks:
            lines += block(kind, content)
    for label, values in (("Also found as: ", names), ("Source: ", article.sources)):
        if values:
            lines += [".Pp"] + [escape(label + ", ".join(values))]
    return lines


def group(article):
    """(place, heading) of the section in which the article stands."""
    if any(c.startswith("FR-") for c in article.codes):
        return 0, "CAUSES"
    if any(c.startswith("ME-") for c in article.codes):
        return 1, "NUMBERS OF MAILENABLE"
    if article.name.startswith("at-"):
        return 3, "RECEIVERS AND BLOCK LISTS"
    return 2, "HOW TO"


def order(article):
    number = min((c for c in article.codes if c.startswith("FR-")), default="")
    return group(article)[0], number, article.name


def code_rows(heading, codes):
    lines = [".Sh " + heading, ".Bl -tag -width x.7.25"]
    for code in codes:
        lines += [".It " + code.code] + paragraph(code.sentence)
        lines += ["(%s; %s)" % (code.article, escape(code.source))]
    return lines + [".El"]


def page(root):
    lines, last = [HEAD], None
    for article in sorted(kblib.articles(root), key=order):
        if group(article) != last:
            last = group(article)
            lines.append(".Sh " + last[1])
        lines += article_lines(article)
    codes = kblib.codes(root)
    lines += code_rows("REPLY CODES", [c for c in codes if "." not in c.code])
    lines += code_rows("ENHANCED STATUS CODES", [c for c in codes if "." in c.code])
    return "\n".join(lines) + "\n" + TAIL
