"""Workloads in which messages flow: generator, server, and a place where they arrive. The servers
take turns, so that a noisy minute hits all of them."""

import os
import subprocess
import sys
import time

from measure import (ARRIVE_SECONDS, Boxes, Disk, Meter, Mute, Sink, generate, port_free,
                     wait_count)

WARM_UP = 300
REFUSE = ("-f", "RCPT", "-B", "554 5.7.1 refused by bench")


class Course:
    """One server with its place of arrival, started once for all rounds of a workload."""

    def __init__(self, server, workload, send):
        self.server, self.workload, self.send = server, workload, send
        hop, to = port_free(), workload.to
        self.hop = {"mute": Mute, "bounce": lambda port: Sink(port, options=REFUSE)}.get(
            to, Sink)(hop)
        self.port = server.start(hop, mail=to in ("boxes", "bounce"))
        if to == "boxes":
            self.arrive = Boxes(server.boxes(server.box_names()))
        elif to == "bounce":
            self.arrive = Boxes(server.boxes([server.sender_box]))
        else:
            self.arrive = self.hop

    def stop(self):
        self.server.stop()
        self.hop.stop()

    def addresses(self):
        if self.workload.to == "boxes":
            return {"recipient": "user@" + self.server.domain, "numbered": True}
        if self.workload.to == "bounce":
            return {"sender": self.server.sender}
        return {}

    def round(self, messages, disk):
        """Figures of one round."""
        sinks = [self.hop.process.pid] if isinstance(self.hop, Sink) else []
        before = getattr(self.arrive, "count", 0)
        meter = Meter(self.server, disk, sinks)
        start = time.monotonic()
        accepted_s = self.send(self, messages)
        total_s = None
        if self.workload.to != "mute":
            total_s = wait_count(self.arrive, before + messages, start)
        figures = meter.figures(messages)
        return {"rate": messages / total_s if total_s else messages / accepted_s,
                "accepted_rate": messages / accepted_s, **figures}


def send_plain(course, messages):
    work = course.workload
    return generate(course.port, work.sessions, messages, work.size, work.keep,
                    **course.addresses())


def send_tls(course, messages):
    """By a generator of our own: smtp-source has no TLS. Seconds that it took."""
    work = course.workload
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls_source.py")
    start = time.monotonic()
    subprocess.run([sys.executable, script, str(course.port), str(work.sessions), str(messages),
                    str(work.size), "keep" if work.keep else "one"], check=True,
                   timeout=ARRIVE_SECONDS)
    return time.monotonic() - start


def measure(bench, workload, wanted):
    """wanted: {server name: rounds that are missing}"""
    send = send_tls if workload.kind == "tls" else send_plain
    courses = []
    disk = Disk(bench.folder)
    try:
        for name in wanted:
            course = Course(bench.server(name), workload, send)
            courses.append(course)
            if workload.to != "mute":
                course.round(min(WARM_UP, bench.count(workload, name)), disk)
        for number in range(max(wanted.values(), default=0)):
            for course in courses:
                name = course.server.name
                if number < wanted[name] and not bench.late():
                    count = bench.count(workload, name)
                    bench.add(workload, name, count, course.round(count, disk))
    finally:
        for course in courses:
            course.stop()
