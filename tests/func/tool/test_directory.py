"""What the frank command does to the directory: tenants, domains, mailboxes, addresses."""

import json
import os
import sqlite3

MANY = 120_000


def database(lab):
    return sqlite3.connect(os.path.join(lab.folder, "state", "directory.db"), timeout=20)


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
