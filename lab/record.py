"""What the lab remembers: its log (one JSON object a line) and the messages it has accepted."""

import json
import os
import time


class Log:
    """Appends events to one file; a line is written whole, so that readers may follow it."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def event(self, event, **fields):
        if not self.file:
            return
        line = {"time": round(time.time(), 6), "event": event}
        line.update(fields)
        self.file.write(json.dumps(line, ensure_ascii=True) + "\n")


class Store:
    """Keeps accepted messages as DIR/HOST/SEQ.eml with the envelope in SEQ.json beside it.

    The .json appears last and by rename: a reader that sees it finds both files complete.
    """

    def __init__(self, folder):
        self.folder = folder
        self.counts = {}

    def _next(self, host):
        if host not in self.counts:
            os.makedirs(os.path.join(self.folder, host), exist_ok=True)
            old = [int(name[:-5]) for name in os.listdir(os.path.join(self.folder, host))
                   if name.endswith(".json") and name[:-5].isdigit()]
            self.counts[host] = max(old, default=0)
        self.counts[host] += 1
        return self.counts[host]

    def keep(self, host, body, envelope):
        """Stores one message; returns its number."""
        seq = self._next(host)
        if not self.folder:
            return seq
        base = os.path.join(self.folder, host, f"{seq:06d}")
        _write(base + ".eml", body)
        envelope = dict(envelope, seq=seq, size=len(body))
        _write(base + ".json", json.dumps(envelope, indent=1).encode() + b"\n")
        return seq


def _write(path, data):
    with open(path + ".tmp", "wb") as file:
        file.write(data)
    os.rename(path + ".tmp", path)
