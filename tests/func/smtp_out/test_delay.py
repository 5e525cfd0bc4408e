"""The notice that mail is late."""

import time

OPTIONS = ["delay-notice first-failure"]


def test_first_failure(lab):
    """conformance: 5321 retry (delay notice before giving up, once)."""
    token = lab.token()
    lab.submit(f"{token}@always451.test", lab.message(token))
    report = lab.ann.bounce(token, timeout=20)
    fields = report.of(f"{token}@always451.test")
    assert fields["action"] == "delayed" and fields["status"].startswith("4."), fields
    time.sleep(10)
    lab.ann.bounce(token)


def test_not_wanted(lab):
    """conformance: 3461 DSN (NOTIFY without DELAY: no delay notice)."""
    token = lab.token()
    lab.submit(f"{token}@always451.test", lab.message(token), rcpt_parameters="NOTIFY=FAILURE")
    time.sleep(8)
    assert not lab.ann.messages(token)
