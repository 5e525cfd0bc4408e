"""frank check, without a server: the text, and the files that it names."""

import json
import os
import shutil
import subprocess
import tempfile
import time

from harness import table
from hosts import ROOT

SERVER = "none"
BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
TOOL = os.path.join(BUILD, "src", "tool", "frank")
GOOD = ("hostname mx.example.test\ntls-certificate cert.pem\ntls-key key.pem\nzone-file zone\n"
        "smart-host relay.test\nsmart-host-login me\nsmart-host-password-file password\n"
        "listener mx {\n\taddress 127.0.0.1:25\n}\n")


class Folder:
    """A configuration whose files are all there and good."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="frank-check.")

    def __enter__(self):
        self.pair("cert.pem", "key.pem")
        self.write("zone", "accept.test A 192.0.2.1\n")
        self.write("password", "secret\n")
        self.write("frank.conf", GOOD)
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.path)

    def pair(self, certificate, key):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365", "-subj",
                        "/CN=mx.example.test", "-keyout", key, "-out", certificate],
                       cwd=self.path, check=True, capture_output=True)

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, *words):
        return subprocess.run([TOOL, "--config", "frank.conf", "check", *words], cwd=self.path,
                              capture_output=True, text=True, check=False, timeout=30)


def test_good(_lab):
    """Nothing is wrong with it but that it has a zone."""
    with Folder() as folder:
        done = folder.check()
        assert done.returncode == 0, done.stdout
        assert done.stdout == (
            "frank.conf:4:11: warning: zone-file answers all DNS questions: for a lab only\n"
            "frank.conf: valid, with warnings\n"), done.stdout


def test_large_zone(_lab):
    """A file may be as large as the processes that read it take: 16 MB."""
    with Folder() as folder:
        folder.write("zone", "".join(f"h{i}.test A 192.0.2.1\n" for i in range(100_000)))
        done = folder.check()
        assert done.returncode == 0, done.stdout
        folder.write("zone", "; a comment\n" * 1_400_000)
        done = folder.check()
        assert done.returncode == 1 and "zone-file: ./zone cannot be read" in done.stdout


@table([
    ("certificate-missing", lambda f: os.unlink(os.path.join(f.path, "cert.pem")),
     "frank.conf:2:17: error: tls-certificate: ./cert.pem cannot be read: No such file"),
    ("certificate-garbage", lambda f: f.write("cert.pem", "garbage"),
     "frank.conf:2:17: error: tls-certificate and tls-key: expected PEM"),
    ("key-of-another", lambda f: f.pair("other.pem", "key.pem"),
     "frank.conf:2:17: error: tls-certificate and tls-key: expected PEM"),
    ("key-missing", lambda f: os.unlink(os.path.join(f.path, "key.pem")),
     "frank.conf:3:9: error: tls-key: ./key.pem cannot be read"),
    ("zone-missing", lambda f: os.unlink(os.path.join(f.path, "zone")),
     "frank.conf:4:11: error: zone-file: ./zone cannot be read"),
    ("zone-garbage", lambda f: f.write("zone", "a.test A 192.0.2.1\nb.test WHAT\n"),
     "frank.conf:4:11: error: zone-file: ./zone:2:8: expected"),
    ("password-missing", lambda f: os.unlink(os.path.join(f.path, "password")),
     "frank.conf:7:26: error: smart-host-password-file: ./password cannot be read"),
    ("password-empty", lambda f: f.write("password", "\nsecret\n"),
     "frank.conf:7:26: error: smart-host-password-file: expected a password"),
])
def test_files(_lab, spoil, says):
    """Issue 11: what would keep the server from starting is a fault of the configuration."""
    with Folder() as folder:
        spoil(folder)
        done = folder.check()
        assert done.returncode == 1 and says in done.stdout, done.stdout
        found = json.loads(folder.check("--json").stdout)
        assert found["valid"] is False
        assert any(p["level"] == "error" and p["line"] for p in found["problems"])


@table([("soon", 352, 0, "warning: tls-certificate: expires in 12 days"),
        ("late", 350, 0, "valid, with warnings"),
        ("over", 368, 1, "error: tls-certificate: expired 3 days ago")])
def test_certificate_expires(_lab, days, code, says):
    """A certificate that ends in less than 14 days is told, one that has ended is a fault."""
    with Folder() as folder:
        done = folder.check("--now", str(int(time.time()) + days * 86400 + 3600))
        assert done.returncode == code and says in done.stdout, done.stdout
        assert "expire" in says or "expire" not in done.stdout


def test_now_is_a_number(_lab):
    """hooks.md: --now EPOCH, of every command."""
    with Folder() as folder:
        done = folder.check("--now", "abc")
        assert done.returncode == 64 and "--now" in done.stderr, done.stderr


@table([("option", ["check", "--bogus"]), ("words", ["check", "extra", "words"]),
        ("show", ["config", "show", "--chnged"]),
        ("show-more", ["config", "show", "--changed", "x"]),
        ("global", ["--bogus", "status"]), ("version", ["--version", "x"]),
        ("run", ["run", "now"])])
def test_wrong_words(_lab, words):
    """What a local command does not understand is a wrong command, and named."""
    with Folder() as folder:
        done = subprocess.run([TOOL, "--config", "frank.conf", *words], cwd=folder.path,
                              capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 64 and not done.stdout, (done.returncode, done.stdout)
        assert any(word in done.stderr for word in words), done.stderr
