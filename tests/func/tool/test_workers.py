"""Several processes of a kind."""

import json

OPTIONS = ["smtpin-processes 2", "smtpout-processes 2"]


def test_status(lab):
    """Issue 11: each counter has a name of its own, and those of many processes a sum."""
    for _ in range(6):
        token = lab.token()
        lab.deliver("a@accept.test", lab.bob.address, lab.message(token))
        lab.bob.wait(token)
    pairs = json.loads(lab.frank("status", "--json"), object_pairs_hook=list)[0][1]
    counters = dict(pairs)
    assert len(counters) == len(pairs), [name for name, _ in pairs]
    assert counters["smtpin.messages"] == 6
    assert counters["smtpin-0.messages"] + counters["smtpin-1.messages"] == 6
    assert "smtpout-1.connects" in counters and "queue.messages" in counters
    lines = [line.split()[0] for line in lab.frank("status").splitlines()[3:]]
    assert len(set(lines)) == len(lines), lines
