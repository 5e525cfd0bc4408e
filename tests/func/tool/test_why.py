"""frank why ID: where each recipient stands, in the words of a report."""

import json

from harness import queue_id, table
from hosts import wait_until

PARALLEL = 4


def flat(text):
    return " ".join(text.split())


@table([("unknown", "unknown.test", "FR-E1001"), ("spam", "never-dot.test", "FR-E1013"),
        ("nxdomain", "nxdomain.test", "FR-E1006")])
def test_says_what_the_bounce_says(lab, host, number):
    """Issue 6: frank why ID prints the sentences of the bounce."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@{host}", lab.message(token)))
    report = lab.ann.bounce(token)
    said = wait_until(lambda: (t := lab.frank("why", identity)) and "Told to" in t and t, 5)
    advice = report.text.split("Why, and what to do")[1].split("This report was made")[0]
    assert flat(advice) in flat(said), said
    for part in (identity, f"{token}@{host}: failed and is not tried again.", number):
        assert part in said, said
    told, = json.loads(lab.frank("why", identity, "--json"))["recipients"]
    assert told["number"] == number and not told["retried"] and told["next_ms"] is None, told
    assert flat(advice) in flat(told["text"]) and told["report"], told


def test_each_recipient(lab):
    """Delivered, relayed, refused, waiting: one message, each with its own."""
    token = lab.token()
    names = [lab.bob.address, f"{token}@accept.test", f"{token}@unknown.test",
             f"{token}@always451.test"]
    identity = queue_id(lab.submit(names, lab.message(token)))
    lab.bob.wait(token)
    lab.hosts.wait_mail("accept.test", token)
    said = wait_until(lambda: (t := lab.frank("why", identity)) and "next at 2" in t
                      and "Told to" in t and "responsible for it" in t and t, 10)
    for part in (f"{names[0]}: delivered.", f"{names[1]}: handed to", f"{names[2]}: failed",
                 f"{names[3]}: waits; it is tried again by itself, next at 2",
                 "Not today, and not tomorrow"):
        assert part in said, said
    states = [row["state"] for row in
              json.loads(lab.frank("why", identity, "--json"))["recipients"]]
    assert states == ["delivered", "relayed", "failed", "waiting"], states
    lab.frank("queue", "delete", identity)


def test_held(lab):
    """What an administrator holds is not tried again by itself, and why says so."""
    token = lab.token()
    identity = queue_id(lab.submit(f"{token}@always451.test", lab.message(token)))
    wait_until(lambda: "next at 2" in lab.frank("why", identity), 10, "it waits")
    lab.frank("queue", "hold", identity)
    said = lab.frank("why", identity)
    assert "held by an administrator" in said and "next at" not in said, said
    told, = json.loads(lab.frank("why", identity, "--json"))["recipients"]
    assert told["held"] and not told["retried"] and told["next_ms"] is None, told
    lab.frank("queue", "release", identity)
    assert "held by" not in lab.frank("why", identity)
    assert not json.loads(lab.frank("why", identity, "--json"))["recipients"][0]["held"]
    lab.frank("queue", "delete", identity)


def test_no_such(lab):
    """hooks.md: exit codes as of trace."""
    lab.frank("why", "0123456789abc", codes=(67,))
    lab.frank("why", codes=(64,))
    lab.frank("why", "nonsense", codes=(64,))
