"""The upgrade rule: a version reads the spool of the version before it. tests/data/spool-N is one
of form N as a kill left it (keep_spool.py made it); Frank starts on a copy and owes what it says.
"""

import glob
import json
import os
import shutil

from harness import Report, table
from hosts import ROOT, wait_until

FRESH = True
KEPT = sorted(glob.glob(os.path.join(ROOT, "tests", "data", "spool-*")))
FORM_AT = 8                     # in the head of a file; docs/spool-format.md


def put(lab, kept):
    """The kept spool in the place of the lab's, with its owners."""
    spool = lab.info["spool"]
    owner = os.stat(os.path.join(spool, "segments"))
    for name in ("segments", "bodies", "journal"):
        shutil.rmtree(os.path.join(spool, name))
    shutil.copytree(os.path.join(kept, "spool"), spool, dirs_exist_ok=True)
    for where, _, files in os.walk(spool):
        if where != spool:
            os.chown(where, owner.st_uid, owner.st_gid)
        for name in files:
            os.chown(os.path.join(where, name), owner.st_uid, owner.st_gid)


def places(lab, token):
    """{place: messages there}"""
    inbox = lab.ann.messages(token)
    return {"bob": lab.bob.messages(f"Subject: test {token}\r") or
            lab.bob.messages(f"Subject: test {token}\n"),
            "report": [message for message in inbox if Report.is_one(message)],
            "accept": lab.hosts.mail("accept.test", f"Subject: test {token}\r"),
            "grey": lab.hosts.mail("grey.test", f"Subject: test {token}\r")}


def settled(lab, mails):
    return all(len(places(lab, mail["token"])[place]) >= count
               for mail in mails for place, count in mail["copies"].items())


@table([(os.path.basename(kept), kept) for kept in KEPT])
def test_old_spool(lab, kept):
    """What an older version had accepted is delivered, reported, and not done twice."""
    with open(os.path.join(kept, "mails.json"), encoding="utf-8") as file:
        mails = json.load(file)
    for path in glob.glob(os.path.join(kept, "spool", "[sj]*", "*")):
        with open(path, "rb") as file:
            assert file.read(FORM_AT + 2)[FORM_AT] == int(kept.rpartition("-")[2]), path
    lab.stop()
    put(lab, kept)
    lab.start()
    wait_until(lambda: settled(lab, mails), 30, "all that was kept has arrived", step=0.2)
    wait_until(lambda: not lab.queue(), 30, "the queue is empty", step=0.2)
    for mail in mails:
        for place, messages in places(lab, mail["token"]).items():
            want = mail["copies"].get(place, 0)
            assert len(messages) == want, f"{mail['token']} at {place}: {len(messages)}, not {want}"
            for message in messages:
                text = message.body.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
                assert place == "report" or text == mail["body"].replace("\r\n", "\n").encode(), \
                    f"{mail['token']} at {place} is not as it was sent"
    assert not os.listdir(os.path.join(lab.info["spool"], "damaged"))
