"""A backlog: the next hop is away while messages are taken, each is tried once and waits; then what
the queue costs in memory, how long lists take, how long a restart takes until the first delivery,
and how fast it drains.

After the restart everything is due: Frank is started with its clock an hour ahead, Postfix is told
to flush its queue as soon as it listens.
"""

import statistics
import subprocess
import time

from measure import Sink, generate, port_free, wait_count

LISTS = 3
SETTLE_SECONDS = 120
FIRST_SECONDS = 60
STEP = 50000
FIRST_STEPS = (1000, 9000, 40000)


def steps_of(count):
    """Sizes of the steps in which the queue is filled: 10^3, 10^4, then 50,000 each."""
    done, steps = 0, []
    for size in FIRST_STEPS + (STEP,) * (count // STEP + 1):
        size = min(size, count - done)
        if size:
            steps.append(size)
        done += size
    return steps


def fill(server, port, workload, count):
    """Steps with what is queued after each, messages/s and CPU."""
    rows, queued = [], 0
    for size in steps_of(count):
        cpu, start = server.tree.cpu_s(), time.monotonic()
        generate(port, workload.sessions, size, workload.size, True, timeout=600)
        taken_s = time.monotonic() - start
        queued += size
        rows.append({"queued": queued, "rate": size / taken_s,
                     "cpu_ms": (server.tree.cpu_s() - cpu) * 1000 / size})
    return rows


def settle(server):
    """Until each message has been tried."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not server.settled():
        if time.monotonic() > deadline:
            raise SystemExit(f"{server.name}: first attempts take longer than {SETTLE_SECONDS} s")
        time.sleep(0.2)


def lists(server):
    """Milliseconds of each list, the start of the command included; the median of three."""
    found = {}
    for name, words in server.lists.items():
        times = []
        for _ in range(LISTS):
            start = time.monotonic()
            subprocess.run(server.list_command(words), stdin=subprocess.DEVNULL, check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
            times.append((time.monotonic() - start) * 1000)
        found[name + " ms"] = statistics.median(times)
    return found


def restart(server, hop, count):
    """Stop, start with the next hop back and everything due, drain."""
    start = time.monotonic()
    server.stop()
    stopped_s = time.monotonic() - start
    sink = Sink(hop)
    try:
        start = time.monotonic()
        server.all_due(hop)
        started_s = time.monotonic() - start
        while not sink.count:
            if time.monotonic() - start > FIRST_SECONDS:
                raise SystemExit(f"{server.name}: no delivery in {FIRST_SECONDS} s")
            time.sleep(0.01)
        first_s = time.monotonic() - start
        cpu, before, peak = server.tree.cpu_s(), sink.count, 0
        drain = time.monotonic()
        while sink.count < count:
            peak = max(peak, server.tree.pss_kib())
            if time.monotonic() - drain > 1800:
                break
            time.sleep(min(1, 0.01 + (count - sink.count) / 20000))
        drained_s = time.monotonic() - drain
        wait_count(sink, count, time.monotonic(), 5)
        used = server.tree.cpu_s() - cpu
    finally:
        sink.stop()
    return {"stop s": stopped_s, "listening s": started_s, "first delivery s": first_s,
            "drained/s": (count - before) / drained_s,
            "drain CPU ms": used * 1000 / max(1, count - before), "drain PSS MiB": peak / 1024}


def once(server, workload, count):
    hop = port_free()
    port = server.start(hop)
    try:
        generate(port, 10, 1, 1024, True)
        settle(server)
        empty_kib = server.queue_memory_kib()
        steps = fill(server, port, workload, count)
        start = time.monotonic()
        settle(server)
        figures = {
            "accepted/s": count / sum(step["queued"] and size / step["rate"] for step, size in
                                      zip(steps, steps_of(count))),
            "cpu_ms first": steps[min(1, len(steps) - 1)]["cpu_ms"],
            "cpu_ms last": steps[-1]["cpu_ms"],
            "all tried after s": time.monotonic() - start,
            "bytes each": (server.queue_memory_kib() - empty_kib) * 1024 / count,
            **lists(server), **restart(server, hop, count + 1), "steps": steps}
    finally:
        server.stop()
    return figures


def measure(bench, workload, wanted):
    for name, rounds in wanted.items():
        for _ in range(rounds):
            if bench.late():
                return
            count = bench.count(workload, name)
            bench.add(workload, name, count, once(bench.server(name), workload, count))
