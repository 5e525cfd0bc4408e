"""Judges what a client sends: each function returns the names of the rules that were broken.

The lab is a strict reader, so that a test can assert that Frank breaks no rule. Names are words
that tests may compare; the log line beside them carries the offending bytes.
"""

import re

COMMAND_BYTES_MAX = 512
TEXT_LINE_MAX = 998

# What each parameter adds to the length of a command, and the extension that it needs.
PARAMETERS = {
    "MAIL": {"SIZE": ("SIZE", 26), "BODY": ("8BITMIME", 17), "SMTPUTF8": ("SMTPUTF8", 10),
             "RET": ("DSN", 9), "ENVID": ("DSN", 107), "AUTH": ("AUTH", 500)},
    "RCPT": {"NOTIFY": ("DSN", 29), "ORCPT": ("DSN", 501)},
}

# RFC 2920 3.1: these may only be the last command of a group (STARTTLS has a rule of its own).
LAST_IN_GROUP = ("EHLO", "DATA", "VRFY", "EXPN", "TURN", "QUIT", "NOOP", "AUTH")

PATH = re.compile(r'^(?P<verb>MAIL FROM|RCPT TO):<(?P<path>(?:"(?:[^"\\]|\\.)*"|[^>"])*)>'
                  r'(?P<parameters>(?: [^ ]+)*)$', re.IGNORECASE)
EHLO_NAME = re.compile(r'^(\[[0-9A-Za-z.:]+\]|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?'
                       r'(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)$')
BARE_LF = re.compile(rb"(?<!\r)\n")
BARE_CR = re.compile(rb"\r(?!\n)")
UNSTUFFED = re.compile(rb"(?:\A|\r\n)\.(?!\.)")
XTEXT = re.compile(r"^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$")


def command_line(line):
    """A command as it came, with its line end."""
    broken = []
    text = line[:-2] if line.endswith(b"\r\n") else line.rstrip(b"\r\n")
    if not line.endswith(b"\r\n"):
        broken.append("bare-lf")
    if b"\r" in text:
        broken.append("bare-cr")
    if b"\0" in text:
        broken.append("nul")
    verb = text[:4].upper().decode("ascii", "replace")
    extra = sum(size for _, size in PARAMETERS.get(verb, {}).values())
    if verb != "AUTH" and len(line) > COMMAND_BYTES_MAX + extra:
        broken.append("command-too-long")
    return broken


def path_read(text):
    """(address, parameters, rules broken) of MAIL or RCPT; address is None where it is no path."""
    match = PATH.match(text)
    if not match:
        return None, {}, ["syntax"]
    parameters, broken = {}, []
    for word in match["parameters"].split():
        key, _, value = word.partition("=")
        key = key.upper()
        if key in parameters:
            broken.append("parameter-twice")
        parameters[key] = value
        if key in ("ENVID", "AUTH") and not XTEXT.match(value):
            broken.append("xtext")
    return match["path"], parameters, broken


def parameters(verb, address, given, announced, utf8):
    """Parameters against the extensions announced; utf8: the transaction has SMTPUTF8."""
    broken = []
    for key, value in given.items():
        needs = PARAMETERS[verb].get(key)
        if not needs:
            broken.append("parameter-unknown")
        elif needs[0] not in announced:
            broken.append("parameter-without-extension")
        if key == "BODY" and value.upper() not in ("7BIT", "8BITMIME"):
            broken.append("body-type")
        if key == "SIZE" and (not value.isdigit() or len(value) > 20):
            broken.append("syntax")
    if not address.isascii() and not utf8:
        broken.append("utf8-address-without-smtputf8")
    return broken


def body(raw, framed, mail_parameters):
    """The message as sent: raw with dots stuffed (framed: by DATA) or as chunks."""
    broken = []
    if framed and UNSTUFFED.search(raw):
        broken.append("unstuffed-dot")
    if BARE_LF.search(raw):
        broken.append("bare-lf")
    if BARE_CR.search(raw):
        broken.append("bare-cr")
    if b"\0" in raw:
        broken.append("nul")
    lines = raw.split(b"\r\n")
    if max(map(len, lines)) > TEXT_LINE_MAX + (1 if framed else 0):
        broken.append("line-too-long")
    head, _, rest = raw.partition(b"\r\n\r\n")
    if not head.isascii() and "SMTPUTF8" not in mail_parameters:
        broken.append("8bit-header-without-smtputf8")
    if not rest.isascii() and mail_parameters.get("BODY", "").upper() != "8BITMIME":
        broken.append("8bit-body-without-8bitmime")
    return broken


def unstuff(raw):
    """The message without the dots that DATA added."""
    if raw.startswith(b"."):
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n")
