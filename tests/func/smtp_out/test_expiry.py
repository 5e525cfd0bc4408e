"""What cannot be delivered within its lifetime comes back (the lab's lifetime is 60 s)."""

import subprocess

from harness import table

PARALLEL = 8
LONG = True


def sisimai_reason(path):
    """What libsisimai-perl takes for the reason of this bounce; None where it is not installed."""
    perl = "use Sisimai; print map { $_->reason } @{ Sisimai->make($ARGV[0]) || [] }"
    done = subprocess.run(["perl", "-e", perl, path], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


@table([
    # name, host, words of the letter, reason that Sisimai finds
    ("always451", "always451.test", "Not today, and not tomorrow", ""),
    ("busy", "busy.test", "Service not available", ""),
    ("nohost", "nohost.test", "No connection to the server.", "expired"),
    ("servfail", "servfail.test", "name servers of the domain do not answer", "expired"),
    ("refused-then-dead", "rgatedead.test", "poor reputation", ""),
    ("drop", "drop.test", "it may have arrived", "expired"),
    ("silent", "silent.test", "did not answer in time", "expired"),
])
def test_expires(lab, host, words, reason):
    """conformance: 5321 retry (gives up at the end, one report, with the last real cause)."""
    token = lab.token()
    # without DELAY: the notice that it is late, after half of that, is another test's matter
    lab.submit(f"{token}@{host}", lab.message(token), rcpt_parameters="NOTIFY=FAILURE")
    report = lab.ann.bounce(token, timeout=150)
    fields = report.of(f"{token}@{host}")
    assert fields["action"] == "failed" and fields["status"][0] in "45", fields
    assert words in report.text
    if reason:
        assert sisimai_reason(report.message.path) in (reason, None)
