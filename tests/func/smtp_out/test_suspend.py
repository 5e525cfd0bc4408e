"""A destination that refuses our address at the greeting: its mail is kept, its senders are told
once, one message probes, and all goes on when it recovers."""

import json
import time

from harness import queue_id, table
from hosts import wait_until

PARALLEL = 4
EXPECT_LOG = ["queue_suspended"]
OPTIONS = ["probe-wait 4s", "probe-wait-max 8s"]
WORDS = "has been rejected due to the sending MTA's poor reputation."


def sessions(lab, host):
    return len(lab.hosts.events(event="connect", host=host))


def suspension(lab, destination):
    rows = json.loads(lab.frank("status", "--json"))["suspended"]
    return next((row for row in rows if row["destination"] == destination), None)


def flat(text):
    return " ".join(text.split())


def test_kept_and_told(lab):
    """Issue 6: kept; one notice at once, Action: delayed, with the words of a bounce; it is shown
    in status, queue and why; what joins is told without a connection of its own."""
    first = lab.token()
    identity = queue_id(lab.submit(f"{first}@gateway.test", lab.message(first)))
    report = lab.ann.bounce(first, timeout=10)
    fields = report.of(f"{first}@gateway.test")
    assert fields["action"] == "delayed" and fields["status"].startswith("4."), fields
    assert fields["will-retry-until"], fields
    lines = [line for line in report.text.splitlines() if line]
    assert lines[0] == "Frank: Message Delivery Delayed.", lines[0]
    assert lines[1].startswith("Reason: ME-E0193: ["), lines[1]
    for part in (WORDS, "does not let our server in. We keep the message", "Why, and what to do",
                 "Neither you nor the recipient did anything wrong"):
        assert part in flat(report.text), report.text
    row = wait_until(lambda: suspension(lab, "gateway.test"), 5, "status shows it")
    assert row["refusals"] >= 1 and row["since_ms"] and row["next_probe_ms"], row
    assert row["last"]["stage"] == "greeting" and WORDS in row["last"]["reply"], row
    assert "gateway.test refuses our server since" in lab.frank("status")
    listed, = lab.queue(first)
    assert listed["state"] == "suspended", listed
    assert "gateway.test refuses our server since" in lab.frank("queue", "list")

    said = lab.frank("why", identity)
    for part in report.text.split("Why, and what to do")[1].split("This report was made")[0] \
            .strip().split("\n\n")[1:]:
        assert flat(part) in flat(said), (part, said)
    assert WORDS in said and "kept until their server lets ours in" in said, said
    document = json.loads(lab.frank("why", identity, "--json"))
    told, = document["recipients"]
    assert told["suspended"] and told["retried"] and told["number"] == "ME-E0193", told
    assert told["next_ms"] and "one message tries at 2" in said, (told, said)
    assert told["verdict"]["cause"] == "ip-blocked" and "For you: " in told["text"], told

    before = sessions(lab, "gateway.test")
    tokens = [lab.token() for _ in range(8)]
    for token in tokens:
        lab.submit(f"{token}@gateway.test", lab.message(token))
    for token in tokens:
        lab.ann.bounce(token, timeout=10)
    untried = [row for token in tokens for row in lab.queue(token) if not row["attempts"]]
    assert untried and all(WORDS in row["last"]["reply"] for row in untried), untried
    assert WORDS in lab.frank("queue", "show", untried[0]["id"])
    # at most the probes that were due meanwhile
    assert sessions(lab, "gateway.test") - before <= 3
    wait_until(lambda: suspension(lab, "gateway.test")["refusals"] >= row["refusals"] + 2, 30,
               "probes go on")
    for token in [first, *tokens]:
        lab.ann.bounce(token)       # one each, still
    for token in [first, *tokens]:
        listed, = lab.queue(token)
        lab.frank("queue", "delete", listed["id"])


def test_recovers(lab):
    """Issue 6: success releases; nothing is lost, nothing comes twice."""
    tokens = [lab.token() for _ in range(6)]
    for token in tokens:
        lab.submit(f"{token}@recovers.test", lab.message(token))
    for token in tokens:
        report = lab.ann.bounce(token, timeout=10)
        assert report.of(f"{token}@recovers.test")["action"] == "delayed"
    for token in tokens:
        mails = lab.hosts.wait_mail("recovers.test", token, timeout=40)
        assert len(mails) == 1
    assert suspension(lab, "recovers.test") is None
    time.sleep(1)
    for token in tokens:
        lab.ann.bounce(token)
        assert not lab.queue(token)


@table([("failure", "FAILURE"), ("never", "NEVER")])
def test_not_wanted(lab, notify):
    """conformance: 3461 DSN (NOTIFY without DELAY: no notice)."""
    token = lab.token()
    lab.submit(f"{token}@gateway.test", lab.message(token), rcpt_parameters=f"NOTIFY={notify}")
    wait_until(lambda: [r for r in lab.queue(token) if r["state"] == "suspended"], 10, "it is kept")
    time.sleep(3)
    assert not lab.ann.messages(token)
    listed, = lab.queue(token)
    lab.frank("queue", "delete", listed["id"])


def test_a_retry_probes(lab):
    """An administrator who has repaired it need not wait for the next probe."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@gateway.test", lab.message(token)))
    before = wait_until(lambda: suspension(lab, "gateway.test"), 10, "it is suspended")["refusals"]
    lab.frank("queue", "retry", identity)
    wait_until(lambda: suspension(lab, "gateway.test")["refusals"] > before, 3, "it was probed")
    lab.frank("queue", "delete", identity)
