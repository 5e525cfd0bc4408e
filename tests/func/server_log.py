"""Frank's log: `time level process event key=value …`, one event a line.

A test fails when a process logs an error or warning that it has not declared.
"""

import re

FIELD = re.compile(r'([A-Za-z_][A-Za-z0-9_.-]*)=("(?:[^"\\]|\\.)*"|[^ ]*)')
LEVELS = ("error", "warn", "info", "debug")


class LogLine:
    """One line: time, level, process, event, and fields as strings."""

    def __init__(self, text):
        self.text = text
        words = text.split(" ", 4)
        at = next((i for i, w in enumerate(words) if _level(w)), None)
        well = at is not None and len(words) > at + 2
        self.level = _level(words[at]) if well else ""
        self.process = words[at + 1] if well else ""
        self.event = words[at + 2] if well else ""
        self.fields = {key: _unquote(value) for key, value in FIELD.findall(text)}

    def __getitem__(self, key):
        return self.fields.get(key, "")


def _level(word):
    word = word.removeprefix("level=")
    return word if word in LEVELS else ""


def _unquote(value):
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


class ServerLog:
    """The log of one running Frank, with a mark of how far it has been checked."""

    def __init__(self, path):
        self.path = path
        self.checked = 0
        self.declared = []

    def lines(self):
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return [LogLine(line.rstrip("\n")) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def find(self, text="", **fields):
        """Lines with the text and the fields; process, level and event count as fields."""
        return [line for line in self.lines() if text in line.text and
                all(getattr(line, k, line[k]) == v for k, v in fields.items())]

    def expect(self, pattern):
        """Declares that errors or warnings matching the pattern belong to this test."""
        self.declared.append(re.compile(pattern))

    def check(self):
        """Asserts that there is no undeclared error or warning since the last check."""
        lines = self.lines()
        new, self.checked = lines[self.checked:], len(lines)
        bad = [line.text for line in new if line.level in ("error", "warn") and
               not any(pattern.search(line.text) for pattern in self.declared)]
        assert not bad, "undeclared in the log: " + " | ".join(bad[:5])

    def assert_secretless(self, *secrets):
        """Asserts that none of the secrets was ever logged."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        for secret in secrets:
            assert secret not in text, "a credential is in the log"
