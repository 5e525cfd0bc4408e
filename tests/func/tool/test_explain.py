"""frank explain, without a server: replies, mails, log lines, codes; unknown shapes; redaction."""

import json
import os
import shutil
import socket
import subprocess
import tempfile

from harness import Skip, table
from hosts import ROOT

SERVER = "none"
BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
TOOL = os.path.join(BUILD, "src", "tool", "frank")
KEYS = ["kind", "recipient", "class", "stage", "code", "status", "status_given", "reply", "cause",
        "confidence", "actor", "action", "scope", "number", "provider", "evidence", "fields",
        "remedy", "remote_host", "article", "rule", "shape"]
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
    assert found["confidence"] >= 0.8 and found["evidence"], found
    assert all(part in found["reply"] for part in found["evidence"]), found


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
    assert text.startswith("There is no such mailbox. Refused for good (rcpt-unknown, FR-E1001).")
    assert "\x1b" not in text and "\u202e" not in text and "\\xe9" in text, text
    assert "For the sender:" in text and "For the administrator:" in text, text


@table([("nothing", [], 64), ("both", ["--reply", "x", "--replies", "y"], 64),
        ("two", ["--reply", "x", "5.7.25"], 64),
        ("stage", ["--reply", "x", "--stage", "middle"], 64), ("value", ["--reply"], 64),
        ("option", ["--bogus", "x"], 64), ("no file", ["bounce.eml"], 66),
        ("file", ["--replies", "/nonexistent"], 65), ("mail", ["--redact", "/nonexistent"], 65),
        ("rules", ["--reply", "550 x", "--rules", "/nonexistent"], 65)])
def test_wrong(_lab, words, code):
    """Issue 4: 64 to 66 on bad use or input."""
    done = run("--json", "explain", *words)
    assert done.returncode == code and not done.stdout, (done.returncode, done.stdout)
    assert done.stderr.startswith(b"frank: "), done.stderr


REPORT = """From: Mail Delivery System <MAILER-DAEMON@mail.example.net>
To: ann@example.net
Subject: Undelivered Mail Returned to Sender
Message-ID: <20261128@mail.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<bob@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 <bob@example.org>:
    Recipient address rejected: User unknown (in reply to RCPT TO command)

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown

Final-Recipient: rfc822; eve@example.org
Action: failed
Status: 5.2.2
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 552 5.2.2 <eve@example.org>: user is over quota

--b
Content-Type: message/rfc822

From: ann@example.net
To: bob@example.org, eve@example.org
Subject: secret plan

the secret body
--b--
"""
VACATION = """From: bob@example.org
To: ann@example.net
Subject: Out of office: hello
Auto-Submitted: auto-replied

I am away until Monday.
"""


def with_files(contents):
    folder = tempfile.TemporaryDirectory()
    for name, content in contents.items():
        with open(os.path.join(folder.name, name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
    return folder


def test_mail(_lab):
    """Issue 4: one result for each recipient, from a file, a folder, standard input; CRLF too."""
    with with_files({"a.eml": REPORT, "b.eml": VACATION}) as name:
        mail = os.path.join(name, "a.eml")
        found, code = explain(mail)
        assert [one["recipient"] for one in found] == ["bob@example.org", "eve@example.org"], found
        assert [one["cause"] for one in found] == ["rcpt-unknown", "rcpt-full"], found
        assert code == 0 and found[0]["file"] == mail and found[0]["kind"] == "failure", found
        assert found[0]["remote_host"] == "mx.example.org" and found[0]["status"] == "5.1.1", found
        assert all(one["class"] == "never" for one in found), found
        both, code = explain(name)
        assert both[:2] == found and code == 0, both
        assert both[2]["cause"] == "not-bounce" and both[2]["kind"] == "vacation", both[2]
    for text in (REPORT, REPORT.replace("\n", "\r\n")):
        done = subprocess.run([TOOL, "--json", "explain", "-"], input=text.encode(), env={},
                              capture_output=True, check=False, timeout=30)
        piped = json.loads(done.stdout)
        assert [{**one, "file": mail} for one in piped] == found, piped


PASTED = {
    "outlook": ("""Your message to bob@example.com couldn't be delivered.

bob wasn't found at example.com.

ann	Office 365	bob
Action Required		Recipient

Original Message Details
Created Date:	11/20/2026 9:14:02 AM
Sender Address:	ann@example.org
Error Details
Reported error:	550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found
""", "bob@example.com", "rcpt-unknown", "failure"),
    "end": ("""Error Details
Reported error:	550 5.2.2 mailbox full
DSN generated by:	VI1PR01.eurprd01.prod.exchangelabs.com
""", None, "rcpt-full", None),
    "block": ("""Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; bob@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown
""", "bob@example.com", "rcpt-unknown", "failure"),
    "field": ("Diagnostic-Code: smtp; 552 5.2.2 mailbox full\n", "", "rcpt-full", "reply"),
    "postfix": ("host mx.example.com[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT "
                "TO command)\n", "", "rcpt-unknown", "reply"),
    "german": ("""Ihre Nachricht an bob@example.com konnte nicht zugestellt werden.

Grund: Das Postfach ist voll.
""", "bob@example.com", "rcpt-full", "failure"),
    "quoted": ("""> Hi, my mails come back:
>
> ----- The following addresses had permanent fatal errors -----
> <bob@example.com>
>     (reason: 550 5.7.1 Service unavailable; Client host [192.0.2.4] blocked using bl.test)
""", "bob@example.com", "ip-blocked", "failure"),
    "no report": ("Hello,\n\nsee you on Monday.\n", "", "unknown", "reply"),
}


@table([(name, *row) for name, row in PASTED.items()])
def test_pasted(_lab, text, recipient, cause, kind):
    """Issue 4: what somebody copied out of a mail, without its header."""
    with with_files({"pasted": text}) as name:
        (found,), code = explain(os.path.join(name, "pasted"))
    assert found["cause"] == cause and code == (1 if cause == "unknown" else 0), found
    assert recipient is None or (found["recipient"] or "") == recipient, found
    assert kind is None or found["kind"] == kind, found


def test_kept_at_the_door(_lab):
    """Issue 4: the notice that mail is kept has the number of the refusal, as it says itself."""
    notice = f"""From: MAILER-DAEMON@mx.example.org
To: ann@example.org
Subject: Message Delivery Delayed
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; dave@gateway.test
Action: delayed
Status: 4.0.0
Remote-MTA: dns; gateway.test
Diagnostic-Code: smtp; 554-gateway.test 554 {SEED}

--b--
"""
    with with_files({"a.eml": notice}) as name:
        (found,), code = explain(os.path.join(name, "a.eml"))
    want = {"cause": "ip-blocked", "class": "later", "stage": "greeting", "action": "suspend",
            "number": "ME-E0193", "article": "ME-E0193", "scope": "address-at-destination"}
    assert code == 0 and {key: found[key] for key in want} == want, found


def test_written_otherwise(_lab):
    """Issue 4: what Windows writes; a mailbox file; what is no text."""
    text, recipient, cause, _kind = PASTED["outlook"]
    line = "From MAILER-DAEMON Sat Nov 28 10:00:00 2026\n"
    mailbox = (line + REPORT + "From MAILER-DAEMON Mon 1 Jan 2015 00:00:00 +0900\n" + VACATION +
               "\n" + line + "From: ann@example.org\n\nFrom here at 10:30 in 2024 it is\nfar.\n")
    written = {"utf-16": text.encode("utf-16"), "bom": text.encode("utf-8-sig"),
               "be": b"\xfe\xff" + text.encode("utf-16-be"),
               "crlf": text.replace("\n", "\r\n").encode(), "mailbox": mailbox.encode(),
               "mail.msg": b"\xd0\xcf\x11\xe0" + bytes(600) + text.encode("utf-16-le")}
    # Longer than a mail may be, as a log is: its end counts as well.
    written["long"] = b"\xff\xfe" + (LOG + "\nx y z" * 600000 + "\n" + LOG).encode("utf-16-le")
    # No time before its mails: a text, not a mailbox file.
    written["text"] = (b"From ann I know until 2026\nNote: 550 5.1.1 no such user here.\n"
                       b"\nFrom then on until 2026\nNote: nothing came.\n")
    written["blank"] = b"\r\n \n" + written["mailbox"]
    with with_files(written) as name:
        for file in ("utf-16", "be", "bom", "crlf"):
            (found,), code = explain(os.path.join(name, file))
            assert (found["recipient"], found["cause"], code) == (recipient, cause, 0), found
        for file in ("mailbox", "blank"):
            found, code = explain(os.path.join(name, file))
            kinds = [one["kind"] for one in found]
            assert kinds == ["failure", "failure", "vacation", "none"], found
        found, _code = explain(os.path.join(name, "long"))
        assert [one["cause"] for one in found] == ["rcpt-unknown"] * 2, found
        found, _code = explain(os.path.join(name, "text"))
        assert [one["cause"] for one in found] == ["rcpt-unknown"], found
        for words in ((), ("--redact",)):
            done = run("explain", *words, os.path.join(name, "mail.msg"))
            assert done.returncode == 65 and b".eml" in done.stderr, done.stderr
        done = run("explain", "--redact", os.path.join(name, "utf-16"))
        assert b"bob@example.com" not in done.stdout and b"5.1.10" in done.stdout, done.stdout


def test_codes(_lab):
    """Issue 4: a code, a number, a cause: its article."""
    for asked, word in (("ME-E0193", b"first connection"), ("5.7.25", b"reverse DNS"),
                        ("550", b"550"), ("ip-blocked", b"block"), ("fr-e1001", b"mailbox")):
        done = run("explain", asked)
        assert done.returncode == 0 and word in done.stdout, (asked, done.stdout, done.stderr)
    done = run("--json", "explain", "4.7.25")
    assert json.loads(done.stdout), done.stdout
    assert run("explain", "ME-E9999").returncode == 66


LOG = ("Nov 28 10:00:00 mail postfix/smtp[123]: 4ABC12: to=<bob@example.org>, "
       "relay=mx.example.org[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (host "
       "mx.example.org[192.0.2.1] said: 550 5.1.1 <bob@example.org>: Recipient address rejected: "
       "User unknown (in reply to RCPT TO command))")


def test_log(_lab):
    """Issue 4: a log line, as a word of the command and in a file."""
    (found,), code = explain(LOG)
    assert code == 0 and found["cause"] == "rcpt-unknown" and found["kind"] == "postfix", found
    assert found["recipient"] == "bob@example.org" and found["stage"] == "recipient", found
    with with_files({"mail.log": "noise\n".join([LOG + "\n"] * 3)}) as name:
        found, code = explain(os.path.join(name, "mail.log"))
        assert len(found) == 3 and code == 0, found
    others = "Nov 28 09:59:59 mail dovecot: imap-login: Login: user=<ann>, rip=192.0.2.7\n"
    with with_files({"syslog": others * 99 + LOG}) as name:
        (found,), code = explain(os.path.join(name, "syslog"))
        assert code == 0 and found["cause"] == "rcpt-unknown", found


def test_one_document(_lab):
    """--json is one document whatever is asked together, also where something is not found."""
    done = run("--json", "explain", "ip-blocked", "550 user unknown", "nothing.eml", "5.7.25")
    found = json.loads(done.stdout)
    assert [one["article"] for one in found] == ["ip-blocked", "FR-E1001", "ptr"], found
    assert done.returncode == 66 and b"nothing.eml: there is no such file" in done.stderr, done
    done = run("explain", "ip-blocked", "550 user unknown")
    assert done.stdout.count(b"\n----\n\n") == 1, done.stdout
    done = run("--json", "explain", "ip-blocked", "nothing.eml")
    assert len(json.loads(done.stdout)) == 1 and done.returncode == 66, done


def test_folder(_lab):
    """What is no file is passed by; what cannot be read is said; a name is cleaned."""
    with with_files({"a.eml": REPORT, "\x1b[31mred": "", "c.eml": VACATION}) as name:
        os.mkdir(os.path.join(name, "folder"))
        os.mkfifo(os.path.join(name, "pipe"))
        os.symlink("pipe", os.path.join(name, "pipe-link"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(name, "socket"))
        os.symlink("c.eml", os.path.join(name, "link"))
        loop = os.path.join(name, "loop")
        os.symlink("loop", loop)
        done = run("--json", "explain", name)
        files = [os.path.basename(one["file"]) for one in json.loads(done.stdout)]
        assert files == ["a.eml", "a.eml", "c.eml", "link"], files
        assert done.returncode == 65 and b"\x1b" not in done.stderr, done
        assert b"it is empty" in done.stderr and b"loop cannot be read: " in done.stderr, done
        done = run("explain", *["a.eml"] * 64)
        assert done.returncode == 64 and b"name the folder" in done.stderr, done
        done = run("explain", loop)
        assert done.returncode == 65 and b"loop cannot be read: " in done.stderr, done
    with with_files({}) as name:
        assert explain(name) == ([], 0)
        assert run("explain", name).stderr == b"frank: nothing to explain was found\n"


def test_pipe(_lab):
    """A named pipe is read once: its writer does not lose it in between."""
    with with_files({}) as name:
        pipe = os.path.join(name, "pipe")
        os.mkfifo(pipe)
        with subprocess.Popen([TOOL, "--json", "explain", pipe], stdout=subprocess.PIPE) as tool:
            with open(pipe, "wb") as file:
                file.write(VACATION.encode() + b"\n" * 200000)
            found = json.loads(tool.stdout.read())
        assert [one["kind"] for one in found] == ["vacation"], found


def test_unknown_shapes(_lab):
    """Issue 4: --unknown: what no rule fits, most frequent first."""
    lines = [f"550 qwertz {number}" for number in range(5)] + ["550 user unknown", "550 azerty"]
    with with_files({"replies": "\n".join(lines)}) as name:
        path = os.path.join(name, "replies")
        found, code = explain("--unknown", path)
        assert code == 0 and [one["count"] for one in found] == [5, 1], found
        assert found[0]["shape"] == "550 qwertz <n>", found
        assert b"6 of 7 replies" in run("explain", "--unknown", path).stdout


RULES = """level local

rule house
\twords   wrong house
\tcause   policy 91
\tadmin   Ask the porter.
\tsource  our own house
\texample 550 wrong house
"""


def test_own_rules(_lab):
    """Issue 4: an administrator's rules come first; a fault is told by file, line and column."""
    with with_files({"good": RULES, "bad": RULES.replace("policy", "polcy")}) as name:
        good, bad = os.path.join(name, "good"), os.path.join(name, "bad")
        (found,), _ = explain("--reply", "550 user unknown: wrong house", "--rules", good)
        assert found["cause"] == "policy" and found["rule"] == "house", found
        assert "Ask the porter." in found["remedy"]["admin"], found
        (found,), _ = explain("--reply", "550 user unknown", "--rules", good)
        assert found["cause"] == "rcpt-unknown", found
        done = run("explain", "--reply", "550 x", "--rules", bad)
        assert done.returncode == 65 and f"{bad}:5:10: no such cause".encode() in done.stderr, done


def test_redact(_lab):
    """Issue 4: --redact: no address, no id, nothing of the returned message."""
    with with_files({"a.eml": REPORT}) as name:
        done = run("explain", "--redact", os.path.join(name, "a.eml"))
        assert done.returncode == 0 and b"User unknown" in done.stdout, done
        for word in (b"bob@", b"ann", b"eve@", b"secret", b"20261128@"):
            assert word not in done.stdout, (word, done.stdout)


def measured(folder):
    """What bench/explain.py says of a folder of samples."""
    done = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "bench", "explain.py"), "--json",
                           folder], capture_output=True, check=True, timeout=120,
                          env={"FRANK_BUILD": BUILD})
    return json.loads(done.stdout)


def test_score(_lab):
    """Issue 4, how well: the samples, where they are at hand."""
    folder = os.path.join(os.environ.get("FRANK_CORPORA", os.path.join(ROOT, "..", "shared",
                                                                       "corpora")), "bounces")
    if not os.path.isdir(folder):
        raise Skip("no samples here")
    score = measured(folder)
    replies, mails = score["replies"], score["mails"]
    assert replies["right"] >= 0.95 * replies["count"], replies
    assert mails["right"] >= 0.92 * mails["count"], mails
    assert mails["counts_right"] >= 0.97 * mails["mails"], mails
    status = mails["facts"]["status"]
    assert status["given"] >= 0.97 * status["count"], status
    for part in (replies, mails):
        assert part["wrong_sure"] <= 0.02 * part["count"], part


def test_refusals(_lab):
    """Refusals as people met them: those that rules were written by, and those held back."""
    folder = os.path.join(ROOT, "tests", "data", "refusals")
    looked_at = measured(folder)["replies"]
    with tempfile.TemporaryDirectory() as held_back:
        shutil.copy(os.path.join(folder, "held-back.tsv"), os.path.join(held_back, "replies.tsv"))
        unseen = measured(held_back)["replies"]
    assert looked_at["count"] > 300, looked_at
    assert looked_at["right"] >= 0.96 * looked_at["count"], looked_at
    assert looked_at["wrong_sure"] <= 0.01 * looked_at["count"], looked_at
    assert unseen["count"] > 100, unseen
    assert unseen["right"] >= 0.88 * unseen["count"], unseen
    assert unseen["wrong_sure"] <= 0.045 * unseen["count"], unseen
