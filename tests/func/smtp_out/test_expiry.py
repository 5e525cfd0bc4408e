"""What cannot be delivered within its lifetime comes back (the lab's lifetime is 60 s)."""

from harness import table

PARALLEL = 8
LONG = True


@table([
    ("always451", "always451.test", "Not today, and not tomorrow"),
    ("busy", "busy.test", "Service not available"),
    ("nohost", "nohost.test", ""),
    ("servfail", "servfail.test", ""),
    ("drop", "drop.test", ""),
    ("silent", "silent.test", ""),
])
def test_expires(lab, host, words):
    """conformance: 5321 retry (gives up at the end, one report, with the last real cause)."""
    token = lab.token()
    # without DELAY: the notice that it is late, after half of that, is another test's matter
    lab.submit(f"{token}@{host}", lab.message(token), rcpt_parameters="NOTIFY=FAILURE")
    report = lab.ann.bounce(token, timeout=150)
    fields = report.of(f"{token}@{host}")
    assert fields["action"] == "failed" and fields["status"][0] in "45", fields
    assert words in report.text
