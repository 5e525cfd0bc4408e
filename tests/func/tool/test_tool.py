"""The frank command, against a running server."""

import json
import os
import re
import subprocess
import time

from harness import ROOT, queue_id, table, tool_path
from hosts import wait_until

EXPECT_LOG = ["queue_suspended"]


def test_trace_delivered(lab):
    """Issue 11: frank trace ID prints a message's life."""
    token = lab.token()
    identity = queue_id(lab.deliver("a@accept.test", lab.bob.address, lab.message(token)))
    lab.bob.wait(token)
    text = wait_until(lambda: (t := lab.frank("trace", identity)) and "delivered" in t and t, 5)
    for part in (identity, "a@accept.test", "bob@example.test", "127.0.0.1", "client.test"):
        assert part in text, f"{part!r} is missing: {text}"


def test_trace_bounced(lab):
    """Issue 6, 11: the remote's words are in the trace."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@gateway.test", lab.message(token)))
    lab.ann.bounce(token)
    text = lab.frank("trace", identity)
    assert "554-gateway.test" in text and "poor reputation" in text, text
    assert "greeting" in text and "127.0.1.2" in text


def test_trace_json(lab):
    """hooks.md: --json prints one document."""
    token = lab.token()
    identity = queue_id(lab.deliver("a@accept.test", lab.bob.address, lab.message(token)))
    lab.bob.wait(token)
    assert identity in json.dumps(json.loads(lab.frank("trace", identity, "--json")))


@table([
    ("connect", "nohost.test", "connect", "Connection refused"),
    ("dns", "timeout.test", "dns", "name servers of the domain do not answer"),
])
def test_why_without_a_reply(lab, domain, stage, says):
    """Issue 11: where nobody replied, trace and queue say what went wrong all the same; and --json
    has all of the verdict: public text, evidence, confidence of 0 to 1, remedy, retry."""
    identity = queue_id(lab.submit(f"x@{domain}", lab.message(lab.token())))
    text = wait_until(lambda: (t := lab.frank("queue", "show", identity)) and says in t and t, 40,
                      "the reason is shown")
    assert f"later at {stage}" in text and says in lab.frank("trace", identity)
    row, = lab.queue(identity)
    verdict = next(r["last"] for r in [row, *row.get("recipients", [])] if r.get("last"))
    assert says in verdict["public"] + verdict["evidence"], verdict
    assert verdict["stage"] == stage and 0 < verdict["confidence"] <= 1
    assert verdict["remedy"] and verdict["number"] >= 1001 and verdict["retry_after_s"] >= 0
    lab.frank("queue", "delete", identity)


def test_trace_unknown(lab):
    """An id that never was, and what is none: told as such."""
    lab.frank("trace", "0000000000001", codes=(67,))
    lab.frank("trace", "no-id", codes=(64,))


@table([("long", "--version"), ("short", "-V")])
def test_version(lab, option):
    """frank(8): the name and the version of the build, without a server."""
    done = subprocess.run([tool_path(lab.info), option], capture_output=True, text=True,
                          timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as file:
        version = re.search(r"version: '([^']+)'", file.read())[1]
    assert done.stdout == f"frank {version}\n", done.stdout


def test_status(lab):
    """Issue 11: frank status."""
    text = lab.frank("status")
    assert text.startswith("Queue: ") and " messages taken, " in text
    pairs = json.loads(lab.frank("status", "--json"), object_pairs_hook=list)
    names = [name for name, _ in pairs[0][1]]
    assert len(set(names)) == len(names), names
    assert "smtpin.messages" in names and "smtpin-0.pid" in names


def test_queue(lab):
    """Issue 6: list with filters, show, hold, release, retry, delete."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@always451.test", lab.message(token)))
    wait_until(lambda: lab.queue(token), 5, "in the list")
    for option, value in (("--rcpt", f"{token}@always451.test"),
                          ("--sender", lab.ann.address), ("--destination", "always451.test"),
                          ("--id", identity)):
        assert identity in lab.frank("queue", "list", option, value), f"not by {option}"
    said = lab.frank("queue", "list", "--destination", "other.test")
    assert said == "Nothing that fits is waiting.\n", said
    wait_until(lambda: "Not today, and not tomorrow" in lab.frank("queue", "show", identity), 5,
               "the remote's words")
    lab.frank("queue", "hold", identity)
    time.sleep(1)
    seen = len(attempts(lab, token))
    time.sleep(8)
    assert len(attempts(lab, token)) == seen, "tried while held"
    lab.frank("queue", "release", identity)
    lab.frank("queue", "retry", identity)
    wait_until(lambda: len(attempts(lab, token)) > seen, 5, "tried after release")
    lab.frank("queue", "delete", identity)
    wait_until(lambda: not lab.queue(token), 5, "gone")
    time.sleep(1)
    assert not lab.ann.messages(token), "deleted mail was bounced"


def test_queue_list_is_cut(lab):
    """frank(8): what --limit leaves out is said, and comes behind --after."""
    token = lab.token()
    ids = [queue_id(lab.submit(f"{token}{i}@always451.test", lab.message(token)))
           for i in range(3)]
    wait_until(lambda: len(lab.queue(token)) == 3, 5, "in the list")
    first = ["queue", "list", "--destination", "always451.test", "--limit", "2"]
    said = lab.frank(*first)
    assert said.endswith("There is more; see --limit and --after.\n"), said
    page = json.loads(lab.frank(*first, "--json"))
    assert page["count"] == 2 and page["more"] is True and len(page["recipients"]) == 2, page
    after = ["--after", page["recipients"][1]["id"]]
    assert "There is more" not in lab.frank(*first, *after)
    page = json.loads(lab.frank(*first, *after, "--json"))
    assert page["count"] == 1 and page["more"] is False, page
    for identity in ids:
        lab.frank("queue", "delete", identity)


@table([("parts", ("half", "whole\n"), 0, "halfwhole"),
        ("end", ("whole", ""), 0, "whole"),
        ("more", ("first\nsecond\n",), 0, "first"),
        ("empty", ("\n",), 64, None),
        ("nothing", ("",), 64, None),
        ("longest", ("x" * 200, "y" * 56 + "\n"), 0, "x" * 200 + "y" * 56),
        ("too-long", ("x" * 200, "y" * 57 + "\n"), 64, None)])
def test_password_stdin(lab, parts, code, password):
    """frank(8): --password-stdin takes the first line, in however many parts it comes."""
    mailbox = f"{lab.token()}@example.test"
    with subprocess.Popen([tool_path(lab.info), "--socket", lab.info["control"], "mailbox", "add",
                           mailbox, "--password-stdin"], cwd=ROOT, stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as tool:
        for part in parts:
            tool.stdin.write(part)
            tool.stdin.flush()
            time.sleep(0.3)
        tool.stdin.close()
        said = tool.stderr.read()
        assert tool.wait(20) == code, said
    if password:
        with lab.connect("submission") as client:
            client.hello()
            client.starttls()
            client.auth_plain(mailbox, password)


def attempts(lab, token):
    return [x for x in lab.hosts.events(event="command", host="always451.test")
            if f"RCPT TO:<{token}" in x["text"]]


def test_flush(lab):
    """Issue 6: flush tries all that waits, now."""
    token = lab.token()
    lab.submit(f"{token}@later-rcpt.test", lab.message(token))
    wait_until(lambda: lab.queue(token), 5, "waiting")
    lab.frank("queue", "flush")
    lab.hosts.wait_mail("later-rcpt.test", token, timeout=10)


def test_log_tells_the_life(lab):
    """Issue 11: one id from connect to acceptance, another one from there to the outcome, and one
    line that has both; the login has the first, too."""
    token = lab.token()
    identity = queue_id(lab.submit(lab.bob.address, lab.message(token)))
    lab.bob.wait(token)
    accepted = wait_until(lambda: lab.log.find(msg=identity, event="smtpin_accept"), 5, "accepted")
    session = accepted[0]["sess"]
    events = {line.event for line in lab.log.find(sess=session)}
    assert {"smtpin_connect", "smtpin_login", "auth_good", "smtpin_accept"} <= events, events
    connect, = lab.log.find(sess=session, event="smtpin_connect")
    assert connect["client"].startswith("127.0.0.1") and connect["listener"] == "submission"
    wait_until(lambda: any(line.process == "queue" and line.event == "queue_delivered"
                           for line in lab.log.find(msg=identity)), 5, "the outcome")


def test_log_cannot_be_forged(lab):
    """Issue 11: quoting that mail content cannot break."""
    with lab.connect() as client:
        client.hello()
        client.cmd('MAIL FROM:<"a b level=error \\" msg=forged"@accept.test>', 250, 5)
        client.cmd("RCPT TO:<bob@example.test>", 250, 5)
        client.cmd("RSET", 250)
    assert not lab.log.find(msg="forged")
