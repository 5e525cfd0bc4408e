"""Runs .smtp transcripts: an SMTP dialogue written down, played against a listener.

    # RFC 5321 4.1.1.1: what the test is about (comments; the first block is its description)
    listener mx                 mx (usual), submission or submissions
    C: EHLO client.test         sent with CRLF; lines in a row go out in one packet
    C<: half a line             sent without CRLF
    S: 250 SIZE *               one whole reply with this code, one line of which matches
    S: 250 2.1.0 *              `*` and `?` as in file names; a separator - counts as a blank
    !S: 250 STARTTLS*           the last reply has no such line
    starttls                    the TLS handshake (after its S: 220)
    connect [listener]          a new connection instead of the one before
    closed                      the server closes
    quiet 0.5                   the server sends nothing for so long
    wait 0.5                    wait
    arrives bob                 one message with {token} arrives for this user
    nothing bob                 none has arrived

In C: lines \\r \\n \\t \\0 \\\\ and \\xNN stand for bytes. {token} is a word of its own in each
run; {ann} and {bob} are addresses, {ann.plain} is the base64 of AUTH PLAIN.
"""

import fnmatch
import re
import time

from smtp_client import Closed, b64

ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")
SIMPLE = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


class TranscriptError(Exception):
    """A line of a transcript that cannot be understood."""


def steps_read(path):
    """[(line number, word, rest)] of a transcript."""
    steps = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            word, _, rest = line.partition(" ")
            if word not in Player.STEPS:
                raise TranscriptError(f"{path}:{number}: '{word}' is unknown; known: "
                                      + " ".join(Player.STEPS))
            steps.append((number, word, rest))
    return steps


def description(path):
    """The first block of comments."""
    lines = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                break
            lines.append(line[1:].strip())
    return " ".join(lines)


class Player:
    """Plays the steps of one transcript against one lab."""

    def __init__(self, lab):
        self.lab = lab
        self.listener = "mx"
        self.client = None
        self.pending = b""
        self.last = None
        self.token = lab.token()

    def play(self, path):
        try:
            for number, word, rest in steps_read(path):
                try:
                    if word not in ("C:", "C<:"):
                        self.flush()
                    self.STEPS[word](self, rest)
                except (AssertionError, Closed, OSError, TranscriptError) as err:
                    raise AssertionError(f"line {number}: {word} {rest}: {err}") from err
            self.flush()
        finally:
            if self.client:
                self.client.close()

    def flush(self):
        if self.pending:
            self.connected().send(self.pending)
            self.pending = b""

    def connected(self):
        if not self.client:
            self.client = self.lab.connect(self.listener)
        return self.client

    def fill(self, text):
        """Replaces {names}."""
        values = {"token": self.token}
        for name, user in self.lab.users.items():
            values[name] = user.address
            values[name + ".login"] = user.login
            values[name + ".plain"] = b64(f"\0{user.login}\0{user.password}")
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def do_listener(self, rest):
        self.listener = rest.strip()

    def do_connect(self, rest):
        if self.client:
            self.client.close()
        self.listener = rest.strip() or self.listener
        self.client = self.lab.connect(self.listener)

    def do_say(self, rest):
        self.pending += self.bytes_of(rest) + b"\r\n"

    def do_say_raw(self, rest):
        self.pending += self.bytes_of(rest)

    def bytes_of(self, rest):
        out, at = b"", 0
        text = self.fill(rest)
        for match in ESCAPE.finditer(text):
            out += text[at:match.start()].encode()
            code = match.group(1)
            if len(code) == 3:
                out += bytes([int(code[1:], 16)])
            elif code in SIMPLE:
                out += SIMPLE[code]
            else:
                raise TranscriptError(f"\\{code} is unknown")
            at = match.end()
        return out + text[at:].encode()

    def do_reply(self, rest):
        self.last = self.connected().reply()
        assert self.has_line(self.fill(rest)), f"got {self.last.full}"

    def do_reply_without(self, rest):
        assert self.last and not self.has_line(self.fill(rest)), f"got {self.last.full}"

    def has_line(self, pattern):
        pattern = pattern.rstrip()
        pattern = pattern.replace("[", "[[]")
        return any(fnmatch.fnmatchcase(f"{self.last.code} {line}".rstrip(), pattern)
                   for line in self.last.lines)

    def do_starttls(self, _rest):
        self.connected().handshake()

    def do_closed(self, _rest):
        assert self.connected().closed(), "the connection is still open"

    def do_quiet(self, rest):
        assert self.connected().quiet(float(rest)), f"got {self.client.buffer!r}"

    def do_wait(self, rest):
        time.sleep(min(float(rest), 10))

    def do_arrives(self, rest):
        self.lab.users[rest.strip()].wait(self.token)

    def do_nothing(self, rest):
        time.sleep(0.3)
        found = self.lab.users[rest.strip()].messages(self.token)
        assert not found, f"{len(found)} message(s) arrived"

    STEPS = {
        "listener": do_listener, "connect": do_connect, "C:": do_say, "C<:": do_say_raw,
        "S:": do_reply, "!S:": do_reply_without, "starttls": do_starttls, "closed": do_closed,
        "quiet": do_quiet, "wait": do_wait, "arrives": do_arrives, "nothing": do_nothing,
    }
