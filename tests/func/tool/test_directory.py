"""What the frank command does to the directory: tenants, domains, mailboxes, addresses."""

import json
import os
import sqlite3
import subprocess

from harness import ROOT, tool_path

MANY = 120_000


def database(lab):
    return sqlite3.connect(os.path.join(lab.folder, "state", "directory.db"), timeout=20)


def refused(lab, code, *command):
    done = subprocess.run([tool_path(lab.info), "--socket", lab.info["control"], *command],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done
    return done.stderr


def test_long_list(lab):
    """A directory of any size is listed: no file is needed to sort it (the sandbox has none), and
    the rows come in as many turns as the channel takes."""
    with database(lab) as db:
        before = len(lab.frank("address", "list").splitlines())
        db.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) "
                   "INSERT INTO address (local, domain, mailbox) SELECT 'bulk.' || x, "
                   "(SELECT min(id) FROM domain), (SELECT min(id) FROM mailbox) FROM n", (MANY,))
        db.commit()
        try:
            lines = lab.frank("address", "list").splitlines()
            rows = json.loads(lab.frank("address", "list", "--json"))["rows"]
        finally:
            db.execute("DELETE FROM address WHERE local LIKE 'bulk.%'")
            db.commit()
    assert len(lines) == len(rows) == before + MANY, (len(lines), len(rows))
    assert lines == sorted(lines)


def test_remove_what_is_in_use(lab):
    """A domain or mailbox with addresses stays, and the person is told what to do first."""
    token = lab.token()
    lab.frank("domain", "add", f"{token}.test", "example.test")
    lab.frank("address", "add", f"x@{token}.test", "bob@example.test")
    for command in (("domain", f"{token}.test"), ("mailbox", "bob@example.test")):
        said = refused(lab, 65, command[0], "remove", command[1])
        assert "addresses of a domain or mailbox" in said, said
    assert f"x@{token}.test" in lab.frank("address", "list", f"{token}.test")
    lab.frank("address", "remove", f"x@{token}.test")
    lab.frank("domain", "remove", f"{token}.test")


def test_show_and_set(lab):
    """Each thing can be shown by its name, however it is spelled, and an address be led to another
    mailbox; what the help names, the server knows."""
    address = f"{lab.token()}@example.test"
    lab.frank("address", "add", address, "bob@example.test")
    said = refused(lab, 65, "address", "add", address, "ann@example.test")
    assert "set changes" in said, said
    assert refused(lab, 66, "address", "set", "x" + address, "ann@example.test")
    lab.frank("address", "set", address, "ann@example.test")
    assert json.loads(lab.frank("address", "show", address.upper(), "--json")) == {
        "address": address, "mailbox": "ann@example.test"}
    assert lab.frank("address", "show", address).split() == [address, "ann@example.test"]
    assert "addresses" in lab.frank("mailbox", "show", "Ann@example.test")
    assert lab.frank("domain", "show", "Example.Test.").split() == ["example.test"] * 2
    assert "domains" in lab.frank("postoffice", "show", "example.test")
    assert refused(lab, 66, "mailbox", "show", "nobody@example.test")
    assert refused(lab, 64, "postoffice", "set", "example.test")
    lab.frank("address", "remove", address)
