"""The workloads: one row each. The kind says which function measures it (KINDS in run.py).

messages: how many for each server in a run; a server that is not named does not take part. short
and full differ by these numbers and by rounds. What arrives is counted by the sink, or in the
Maildirs, so a rate counts until the last message is there.
"""

from dataclasses import dataclass, field


@dataclass
class Workload:
    """One named workload."""

    name: str
    kind: str
    title: str
    messages: dict = field(default_factory=dict)
    size: int = 1024
    sessions: int = 50
    keep: bool = True           # many messages over each connection
    to: str = "sink"            # sink, mute (a next hop that says nothing), boxes, bounce
    full: dict = field(default_factory=dict)  # messages in --full, where they differ
    rounds: dict = field(default_factory=dict)  # for servers that have others than --rounds
    only_full: bool = False

    def count(self, server, full):
        return self.full.get(server, self.messages[server]) if full else self.messages[server]

    def servers(self):
        return list(self.messages)


def relay(name, title, frank, postfix, limits, **more):
    return Workload(name, "flow", title, {"frank": frank, "postfix": postfix, "toy": limits,
                                          "none": limits, **more.pop("others", {})}, **more)


def backlog(name, frank, postfix, **more):
    return Workload(name, "backlog", f"{frank:,} queued, next hop away, restart, list, drain",
                    {"frank": frank, **({"postfix": postfix} if postfix else {})}, **more)


WORKLOADS = [
    relay("relay", "relay 1 KiB, 50 sessions, many messages over each connection", 10000, 1500,
          10000, others={"exim": 100}),
    relay("relay-one", "relay 1 KiB, 50 sessions, a connection for each message", 8000, 1500, 8000,
          keep=False),
    relay("relay-single", "relay 1 KiB, one session, many messages over the connection", 3000, 800,
          3000, sessions=1),
    relay("relay-single-one", "relay 1 KiB, one session, a connection for each message", 2000, 600,
          2000, sessions=1, keep=False),
    relay("relay-large", "relay 100 KiB, 50 sessions, many messages over each connection", 1500,
          500, 1500, size=102400),
    Workload("accept", "flow", "accept only: 1 KiB, 50 sessions, the next hop never answers",
             {"frank": 10000, "postfix": 1500}, to="mute"),
    Workload("local", "flow", "local delivery: 4 KiB, 20 sessions, 100 Maildirs",
             {"frank": 5000, "postfix": 1500}, size=4096, sessions=20, to="boxes"),
    Workload("bounce", "flow", "bounce storm: 4 KiB, refused by the next hop, the report into a "
             "Maildir", {"frank": 3000, "postfix": 800}, size=4096, sessions=20, to="bounce"),
    Workload("tls", "tls", "relay 1 KiB, 10 sessions, STARTTLS for each message",
             {"frank": 1500, "postfix": 800}, sessions=10, keep=False),
    Workload("tls-kept", "tls", "relay 1 KiB, 10 sessions, many messages inside each TLS "
             "connection", {"frank": 4000, "postfix": 1500}, sessions=10),
    Workload("idle", "idle", "idle connections, held behind EHLO",
             {"frank": 5000, "postfix": 300}, full={"frank": 10000, "postfix": 1000},
             rounds={"postfix": 1}),
    Workload("idle-tls", "idle", "idle connections inside TLS", {"frank": 1000},
             full={"frank": 5000}, keep=False),
    backlog("backlog-1k", 1000, None),
    backlog("backlog-20k", 20000, 20000, rounds={"postfix": 1}),
    backlog("backlog-1m", 1000000, None, only_full=True, rounds={"frank": 1}),
    Workload("fair", "fair", "delay of others while one destination takes 30 s for each reply",
             {"frank": 20000}, full={"frank": 1000000}, rounds={"frank": 1}),
]
