"""The goals: what Frank's figures shall be, alone or as a ratio to another server's of the same
run."""

from dataclasses import dataclass


@dataclass
class Goal:
    """figure of workload, divided by that of another server (than) where one is named."""

    text: str
    workload: str
    figure: str
    limit: float
    least: bool = False         # at least that much; else at most
    than: str = None
    than_workload: str = None
    than_figure: str = None

    def wanted(self):
        return f"{'≥' if self.least else '≤'} {self.limit:g}" + (
            f" × {self.than}" if self.than else "")


def rate(text, workload, limit, than="postfix", figure="rate", **more):
    return Goal(text, workload, figure, limit, True, than, **more)


GOALS = [
    rate("relay, kept connections", "relay", 10),
    rate("the same, beside the toy", "relay", 0.4, "toy"),
    Goal("the same: CPU ms for a message", "relay", "cpu_ms", 0.35),
    Goal("the same: flushes for a message", "relay", "flushes", 0.2),
    Goal("the same: KiB written for a message", "relay", "kib", 4),
    rate("relay, a connection for each message", "relay-one", 5),
    rate("relay, one session, kept", "relay-single", 2.5),
    rate("relay, one session, a connection for each message", "relay-single-one", 2.5),
    rate("relay, 100 KiB", "relay-large", 4),
    rate("local delivery", "local", 3),
    rate("bounces", "bounce", 5),
    Goal("1,000,000 queued: bytes of memory for each", "backlog-1m", "bytes each", 256),
    Goal("1,000,000 queued: restart to first delivery, s", "backlog-1m", "first delivery s", 5),
    Goal("1,000,000 queued: list 100, ms", "backlog-1m", "list 100 ms", 100),
    Goal("1,000,000 queued: list by destination, ms", "backlog-1m", "by destination ms", 100),
    Goal("1,000,000 queued: list by sender, ms", "backlog-1m", "by sender ms", 100),
    Goal("1,000,000 queued: no such destination, ms", "backlog-1m", "no such destination ms", 100),
    Goal("1,000,000 queued: no such sender, ms", "backlog-1m", "no such sender ms", 100),
    Goal("1,000,000 queued: no such recipient, ms", "backlog-1m", "no such recipient ms", 100),
    rate("draining 20,000", "backlog-20k", 5, figure="drained/s"),
    rate("draining 1,000,000, beside 20,000 of Postfix", "backlog-1m", 5, figure="drained/s",
         than_workload="backlog-20k"),
    # A thousand are gone in a tenth of a second, which is too short to be timed.
    rate("draining 1,000,000, beside 20,000", "backlog-1m", 1, "frank", "drained/s",
         than_workload="backlog-20k"),
    Goal("accepting with 1,000,000 queued, CPU beside an empty queue", "backlog-1m", "cpu_ms last",
         1.15, False, "frank", "backlog-1m", "cpu_ms first"),
    Goal("a destination of 30 s for each reply: delay of others (median), beside none", "fair",
         "others ms", 1.25, False, "frank", "fair", "others alone ms"),
]
