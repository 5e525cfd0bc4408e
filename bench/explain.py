#!/usr/bin/python3
"""How well frank explain understands: its answers beside a folder of labelled samples.

    ./dev bench explain [FOLDER] [--json] [--verbose]

FOLDER (else FRANK_CORPORA/bounces, else ../shared/corpora/bounces beside this checkout) may hold
    replies.tsv     columns cause, accept, reply: one reply each, lines parted by \\n
    labels.tsv      columns file, record, cause, accept, status, reply (its code), remote_host
    mails/          the files of labels.tsv
An answer is right when it is one of the causes in accept, which are separated by commas; an empty
cell is not scored. The elements of a mail belong to its records in the order of both. Exit 0
whatever the score is: it is for reading. 64 for wrong words.
"""

import argparse
import collections
import csv
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
TOOL = os.path.join(BUILD, "src", "tool", "frank")
EXIT_USAGE = 64
RUN_SECONDS = 120
SURE = 0.8
CONFUSIONS_SHOWN = 3
SAMPLE_COLUMNS = 110
NOTHING = "(nothing)"


class Missing(Exception):
    """The command cannot do that yet."""


# --- the command ------------------------------------------------------------------------------

def run_tool(*words):
    """The document, or None when the command failed; Missing where it refuses the words."""
    try:
        done = subprocess.run([TOOL, "--config", "/nonexistent", "--json", "explain", *words],
                              capture_output=True, check=False, timeout=RUN_SECONDS)
    except FileNotFoundError as error:
        raise Missing(f"{TOOL} is not built") from error
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == EXIT_USAGE:
        raise Missing(done.stderr.decode("utf-8", "replace").strip())
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None


def elements_of(document, file=None):
    """[(file, element)] of a document: an array of elements, or arrays of them below."""
    if isinstance(document, list):
        return [pair for item in document for pair in elements_of(item, file)]
    if not isinstance(document, dict):
        return []
    file = document.get("file", file)
    if "cause" in document:
        return [(file, document)]
    lists = [value for value in document.values() if isinstance(value, list)]
    return [pair for value in lists for pair in elements_of(value, file)]


def explain_replies(rows):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", delete=False) as file:
        file.write("".join(row["reply"] + "\n" for row in rows))
    try:
        document = run_tool("--replies", file.name)
    finally:
        os.unlink(file.name)
    elements = [element for _, element in elements_of(document)]
    if len(elements) != len(rows):
        raise Missing(f"{len(rows)} replies asked, {len(elements)} answers")
    return elements


def explain_mails(folder, names):
    """{name: elements, or None when the command failed on it}. One run where it can, else many."""
    paths = [os.path.join(folder, name) for name in names]
    try:
        pairs = elements_of(run_tool(*paths)) if len(paths) > 1 else []
    except Missing:
        pairs = []
    if pairs and all(isinstance(file, str) for file, _ in pairs):
        found = {name: [] for name in names}
        for file, element in pairs:
            found.setdefault(os.path.basename(file), []).append(element)
        return found
    found = {}
    for name, path in zip(names, paths):
        document = run_tool(path)
        found[name] = None if document is None else [pair[1] for pair in elements_of(document)]
    return found


# --- the score --------------------------------------------------------------------------------

class Score:
    """Counts answers; what is wrong is kept with a line to show."""

    def __init__(self):
        self.count = self.right = self.unknown = self.sure = 0
        self.misses = []
        self.causes = collections.defaultdict(collections.Counter)

    def add(self, row, element, sample):
        accept = set(row["accept"].split(","))
        got = element["cause"] if element else NOTHING
        sure = bool(element) and (element.get("confidence") or 0) >= SURE
        right = got in accept
        self.count += 1
        self.right += right
        self.sure += sure
        self.unknown += got == "unknown" and not right
        self.causes[row["cause"]]["right" if right else "wrong"] += 1
        if not right:
            self.misses.append({"wanted": row["cause"], "accept": row["accept"], "got": got,
                                "confidence": (element or {}).get("confidence"), "sure": sure,
                                "sample": " ".join(sample.split())})

    def confusions(self, cause):
        """[(got, count, a sample)], most frequent first."""
        misses = [miss for miss in self.misses if miss["wanted"] == cause]
        counts = collections.Counter(miss["got"] for miss in misses)
        return [(got, count, next(miss["sample"] for miss in misses if miss["got"] == got))
                for got, count in counts.most_common()]

    def result(self, verbose):
        wrong_sure = sum(miss["sure"] for miss in self.misses)
        by_cause = [{"cause": cause, "count": sum(counts.values()), "right": counts["right"],
                     "confusions": [{"got": got, "count": count, "sample": sample}
                                    for got, count, sample in self.confusions(cause)]}
                    for cause, counts in sorted(self.causes.items(),
                                                key=lambda item: (-item[1]["wrong"], item[0]))]
        result = {"count": self.count, "right": self.right, "unknown": self.unknown,
                  "sure": self.sure, "wrong_sure": wrong_sure, "by_cause": by_cause}
        if verbose:
            result["misses"] = self.misses
        return result


def score_replies(rows, verbose):
    score = Score()
    rows = [row for row in rows if row["accept"]]
    for row, element in zip(rows, explain_replies(rows)):
        score.add(row, element, row["reply"])
    return score.result(verbose)


FACTS = {"status": "status", "reply": "code", "remote_host": "remote_host"}  # column: key


def score_facts(row, element, facts):
    for column, key in FACTS.items():
        if not row.get(column):
            continue
        got = str((element or {}).get(key) or "")
        facts[column]["count"] += 1
        facts[column]["given"] += bool(got)
        facts[column]["equal"] += got.lower() == row[column].lower()


def score_mails(folder, rows, verbose):
    by_file = {}
    for row in rows:
        by_file.setdefault(row["file"], []).append(row)
    found = explain_mails(os.path.join(folder, "mails"), list(by_file))
    score, facts = Score(), {column: collections.Counter(count=0, given=0, equal=0)
                             for column in FACTS}
    counts_wrong, failed = [], []
    for name, records in by_file.items():
        elements = found[name]
        if elements is None:
            failed.append(name)
        elements = elements or []
        if len(elements) != len(records):
            counts_wrong.append({"file": name, "wanted": len(records), "got": len(elements)})
        for i, row in enumerate(records):
            element = elements[i] if i < len(elements) else None
            score_facts(row, element, facts)
            if row["accept"]:
                score.add(row, element, f"{name}#{row['record']} {(element or {}).get('reply')}")
    result = {"mails": len(by_file), "failed": failed, "counts_right":
              len(by_file) - len(counts_wrong), "facts": facts, **score.result(verbose)}
    if verbose:
        result["counts_wrong"] = counts_wrong
    return result


# --- what is read and shown -------------------------------------------------------------------

def rows_of(path):
    if not os.path.isfile(path):
        raise Missing(f"no {os.path.basename(path)} in the folder")
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def try_score(score, *args):
    try:
        return score(*args)
    except Missing as why:
        return {"missing": str(why)}


def percent(part, whole):
    return f"{100 * part / whole:.1f}%" if whole else "-"


def show_facts(result):
    mails = result["mails"]
    print(f"  records     {result['counts_right']} of {mails} mails have the right number "
          f"({percent(result['counts_right'], mails)})")
    for column, fact in result["facts"].items():
        print(f"  {column:<12}given for {percent(fact['given'], fact['count'])}, equal for "
              f"{percent(fact['equal'], fact['count'])} of {fact['count']} labelled")
    if result["failed"]:
        print(f"  FAILED      no document for {len(result['failed'])}: "
              + " ".join(result["failed"][:CONFUSIONS_SHOWN]))


def show(title, result):
    if "missing" in result:
        print(f"{title}: skipped: {result['missing']}")
        return
    count = result["count"]
    print(f"{title}: {result['right']} of {count} right ({percent(result['right'], count)}), "
          f"{result['unknown']} not known; wrong with confidence of {SURE} and more: "
          f"{result['wrong_sure']} ({percent(result['wrong_sure'], count)} of all, "
          f"{percent(result['wrong_sure'], result['sure'])} of {result['sure']} so sure)")
    if "facts" in result:
        show_facts(result)
    for row in result["by_cause"]:
        print(f"  {row['cause']:<21}{row['right']:>4} of {row['count']:<4}"
              f"{percent(row['right'], row['count']):>7}")
        for confusion in row["confusions"][:CONFUSIONS_SHOWN]:
            print(f"      {confusion['count']:>3} as {confusion['got']}: "
                  + confusion["sample"][:SAMPLE_COLUMNS])
    for miss in result.get("misses", []):
        print(f"  miss: {miss['accept']} -> {miss['got']} ({miss['confidence']}): "
              f"{miss['sample']}")
    for row in result.get("counts_wrong", []):
        print(f"  {row['file']}: {row['wanted']} records wanted, {row['got']} found")


def folder_of(word):
    if word:
        return os.path.join(os.environ.get("FRANK_CWD", os.getcwd()), word)
    corpora = os.environ.get("FRANK_CORPORA", os.path.join(ROOT, "..", "shared", "corpora"))
    found = os.path.join(corpora, "bounces")
    if os.path.isdir(found) or "FRANK_CORPORA" in os.environ:
        return found
    # a worktree lies one folder deeper
    return os.path.join(ROOT, "..", "..", "shared", "corpora", "bounces")


def main(words):
    parser = argparse.ArgumentParser(prog="./dev bench explain", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--verbose", action="store_true", help="every miss")
    args = parser.parse_args(words)
    folder = folder_of(args.folder)
    if not os.path.isdir(folder):
        print("explain: skipped: no such folder: " + folder, file=sys.stderr)
        return 0
    result = {
        "replies": try_score(lambda: score_replies(rows_of(os.path.join(folder, "replies.tsv")),
                                                   args.verbose)),
        "mails": try_score(lambda: score_mails(folder, rows_of(os.path.join(folder, "labels.tsv")),
                                               args.verbose)),
    }
    if args.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
        return 0
    for title, part in result.items():
        show(title, part)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
