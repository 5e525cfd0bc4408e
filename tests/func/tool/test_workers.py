"""Several processes of a kind."""

import json
import os
import signal

from hosts import wait_until

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


def test_sessions_have_names_of_their_own(lab):
    """Issue 11: no two sessions share their name, whichever process had them, before and after a
    restart."""
    lab.log.expect(r" error super child_died .* signal=9$")
    for count in (1, 2):
        for _ in range(12):
            with lab.connect() as client:
                client.hello()
        smtpin = [line for line in lab.log.find(event="start") if line.process == "smtpin"]
        if count == 1:
            os.kill(int(smtpin[-1]["pid"]), signal.SIGKILL)
            wait_until(lambda seen=len(smtpin): len(
                [x for x in lab.log.find(event="start") if x.process == "smtpin"]) > seen, 20,
                       "smtpin is back")
    names = [line["sess"] for line in lab.log.find(event="smtpin_connect")]
    assert len(names) >= 24 and len(set(names)) == len(names), names
    assert len({line.process for line in lab.log.find(event="smtpin_connect")}) == 2
