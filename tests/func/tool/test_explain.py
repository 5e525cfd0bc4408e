"""frank explain, without a server: replies from the command line and from a file."""

import json
import os
import subprocess
import tempfile

from harness import table
from hosts import ROOT

SERVER = "none"
BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
TOOL = os.path.join(BUILD, "src", "tool", "frank")
KEYS = ["recipient", "class", "stage", "code", "status", "reply", "cause", "confidence", "actor",
        "action", "scope", "number", "provider", "evidence", "fields", "remedy", "remote_host",
        "article", "shape"]
SEED = ("Your access to this mail system has been rejected due to the sending MTA's poor "
        "reputation. If you believe that this failure is in error, please contact the intended "
        "recipient via alternate means.")


def run(*words):
    return subprocess.run([TOOL, "--config", "/nonexistent", *words], capture_output=True,
                          check=False, timeout=30, env={})


def explain(*words):
    """The elements of the document, and the exit code."""
    done = run("--json", "explain", *words)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout.decode("utf-8", "strict")), done.returncode


def explain_bytes(content, *words):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return explain("--replies", file.name, *words)


@table([("lines", "554-gateway.test\\n554 " + SEED, []),
        ("joined", "554-gateway.test 554 " + SEED, []),
        ("without", "554 " + SEED, ["--stage", "greeting"])])
def test_the_seed(_lab, reply, words):
    """Issue 4: both forms of the story, with and without 554-host, at the greeting."""
    (found,), code = explain("--reply", reply, *words)
    assert code == 0 and list(found) == KEYS, found
    want = {"cause": "ip-blocked", "actor": "our-admin", "action": "suspend", "class": "never",
            "scope": "address-at-destination", "article": "ME-E0193", "number": "ME-E0193",
            "stage": "greeting", "code": 554}
    assert {key: found[key] for key in want} == want, found
    assert found["confidence"] >= 0.8 and found["evidence"] == ["reputation"], found


def test_fields(_lab):
    """Issue 4: the facts of a reply, and the words that decided."""
    (found,), code = explain(
        "--reply", "450-4.7.1 Client host [192.0.2.9] is greylisted,\\r\\n"
        "450 4.7.1 see https://grey.test/ and try again in 5 minutes (in reply to RCPT TO command)",
        "--host", "mx1.grey.test", "--mx", "mx.grey.test")
    assert code == 0 and found["cause"] == "rate" and found["action"] == "slow", found
    assert found["fields"]["ip"] == "192.0.2.9" and found["fields"]["wait_s"] == 300, found
    assert found["fields"]["url"] == "https://grey.test/", found
    assert found["stage"] == "recipient" and found["status"] == "4.7.1", found
    assert found["remote_host"] == "mx1.grey.test" and found["provider"] is None, found
    assert all(part in found["reply"] for part in found["evidence"]), found
    assert "<ip>" in found["shape"] and "<span>" in found["shape"], found


@table([("words", "550 qwertz", "never"), ("none", "qwertz", None), ("empty", "", None)])
def test_unknown(_lab, reply, kind):
    """Unknown is said as unknown, exit 1, and not advised for what is not known to be for good."""
    (found,), code = explain("--reply", reply)
    assert found["cause"] == "unknown" and found["class"] == kind, found
    assert code == 1 and not found["evidence"], (code, found)
    assert kind or found["action"] == "none", found


def test_replies(_lab):
    """hooks.md: one result for each line, in order, empty lines too; exit 1 for an unknown one."""
    found, code = explain_bytes(b"550 5.1.1 no such user\r\n\n552 5.2.2 mailbox full\n")
    assert [one["cause"] for one in found] == ["rcpt-unknown", "unknown", "rcpt-full"], found
    assert code == 0, code
    found, code = explain_bytes(b"550 qwertz\n550 5.1.1 no such user")
    assert len(found) == 2 and code == 1, (code, found)
    assert explain_bytes(b"") == ([], 0)


def test_many(_lab):
    """More than fits into one piece of output; every byte; a line beyond all limits."""
    lines = [b"550 5.1.1 no such user %d" % number for number in range(5000)]
    lines += [bytes(byte for byte in range(256) if byte != 10), b"550 " + b"\x01" * 100000]
    found, _ = explain_bytes(b"\n".join(lines))
    assert len(found) == len(lines)
    assert len({one["shape"] for one in found[:5000]}) == 1


def test_text(_lab):
    """The first line says what happened and whose turn it is; nothing of others is obeyed."""
    done = run("explain", "--reply", "550 5.1.1 no such \x1b[31muser \udce9 \u202e")
    text = done.stdout.decode("utf-8", "strict")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert text.startswith("Refused for good: rcpt-unknown (FR-E1001). It is the sender's turn.")
    assert "\x1b" not in text and "\u202e" not in text and "\\xe9" in text, text
    assert "For the sender:" in text and "For the administrator:" in text, text


@table([("nothing", [], 64), ("both", ["--reply", "x", "--replies", "y"], 64),
        ("stage", ["--reply", "x", "--stage", "middle"], 64), ("value", ["--reply"], 64),
        ("option", ["--bogus", "x"], 64), ("mail", ["bounce.eml"], 64), ("input", ["-"], 64),
        ("code", ["5.7.25"], 64), ("file", ["--replies", "/nonexistent"], 65)])
def test_wrong(_lab, words, code):
    """Issue 4: 64 and 65 on bad use or input; what is not there yet is said."""
    done = run("--json", "explain", *words)
    assert done.returncode == code and not done.stdout, (done.returncode, done.stdout)
    assert done.stderr.startswith(b"frank: "), done.stderr
    if words and not words[0].startswith("--"):
        assert b"not there yet" in done.stderr, done.stderr
