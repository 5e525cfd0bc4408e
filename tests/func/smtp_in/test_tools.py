"""Real clients of the distribution against our listeners."""

import shutil
import subprocess

from harness import Skip, table


def need(tool):
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if not path:
        raise Skip(f"no {tool}")
    return path


def test_swaks(lab):
    """Issue, with real parts: swaks delivers to bob."""
    host, port = lab.listeners["mx"]
    token = lab.token()
    subprocess.run([need("swaks"), "--server", f"{host}:{port}", "--from", "a@accept.test", "--to",
                    "bob@example.test", "--header", f"Subject: {token}", "--pipeline"],
                   check=True, capture_output=True, timeout=30)
    lab.bob.wait(token)


@table([("one", "1", "1"), ("sessions", "20", "200")])
def test_smtp_source(lab, sessions, count):
    """Issue, with real parts: smtp-source, many sessions."""
    host, port = lab.listeners["mx"]
    token = lab.token()
    subprocess.run([need("smtp-source"), "-s", sessions, "-m", count, "-l", "1024", "-f",
                    f"{token}@accept.test", "-t", "bob@example.test", "-M", "client.test",
                    f"inet:{host}:{port}"], check=True, capture_output=True, timeout=60)
    lab.bob.wait(token, count=int(count), timeout=60)


def test_posttls_finger(lab):
    """Issue, with real parts: posttls-finger sees STARTTLS with TLS 1.3."""
    host, port = lab.listeners["mx"]
    done = subprocess.run([need("posttls-finger"), "-c", "-l", "may", f"[{host}]:{port}"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert "TLSv1.3" in done.stdout + done.stderr, done.stdout + done.stderr


@table([("submission", "submission", ["-starttls", "smtp"]), ("submissions", "submissions", [])])
def test_openssl(lab, listener, options):
    """Issue, with real parts: openssl s_client."""
    host, port = lab.listeners[listener]
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-ign_eof",
                           *options], input=b"EHLO client.test\r\nQUIT\r\n",
                          capture_output=True, timeout=30, check=False)
    assert b"250" in done.stdout and b"AUTH" in done.stdout and b"221" in done.stdout
