"""smtp-source through Frank into smtp-sink: Postfix's own tools on both sides."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

from harness import Lab, Skip
from hosts import wait_until

SERVER = "none"
COUNT = 200


def need(tool):
    path = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(f"no {tool}")
    return path


def sink_start(folder):
    """(process, port); each message that it takes becomes a file in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        user = "nobody"
        shutil.chown(folder, user)
    process = subprocess.Popen([need("smtp-sink"), "-u", user, "-d", "mail.", f"127.0.0.1:{port}",
                                "100"], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0
    wait_until(listens, 10, "smtp-sink listens")
    return process, port


def test_source_to_sink(_lab):
    """Issue, with real parts: each message of smtp-source arrives at smtp-sink, once and whole."""
    with tempfile.TemporaryDirectory(prefix="frank-sink-") as folder:
        os.chmod(folder, 0o755)
        mail = os.path.join(folder, "mail")
        os.mkdir(mail)
        sink, port = sink_start(mail)
        try:
            with Lab(folder + "/lab", arguments=["--relay-to", f"127.0.0.1:{port}"]) as lab:
                host, in_port = lab.listeners["mx"]
                subprocess.run([need("smtp-source"), "-s", "10", "-m", str(COUNT), "-l", "4096",
                                "-d", "-f", "a@accept.test", "-t", "x@anywhere.test", "-M",
                                "client.test", f"inet:{host}:{in_port}"], check=True,
                               capture_output=True, timeout=60)
                wait_until(lambda: not lab.queue(), 30, "the queue is empty")
        finally:
            sink.terminate()
            sink.wait(10)
        bodies = []
        for path in glob.glob(os.path.join(mail, "mail.*")):
            with open(path, "rb") as file:
                bodies.append(file.read())
        arrived = sum(body.count(b"Received: from client.test") for body in bodies)
        assert arrived == COUNT, f"{arrived} of {COUNT} messages"
        assert all(len(body) > 4000 for body in bodies), "a message is cut"
