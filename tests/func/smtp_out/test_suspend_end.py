"""What a destination never lets in comes back when its lifetime ends (the lab's is 60 s)."""

from hosts import wait_until
from harness import Report

LONG = True
EXPECT_LOG = ["queue_suspended"]


def test_expires(lab):
    """Issue 6: the lifetime ends in a bounce with the refusal and how often it came; also of a
    message that was never tried itself."""
    tokens = [lab.token() for _ in range(3)]
    for token in tokens:
        lab.submit(f"{token}@gateway.test", lab.message(token))
    for token in tokens:
        def reports(token=token):
            found = [Report(m) for m in lab.ann.messages(token) if Report.is_one(m)]
            return [r for r in found if r.of(f"{token}@gateway.test")["action"] == "failed"]
        report, = wait_until(reports, 100, "it comes back")
        fields = report.of(f"{token}@gateway.test")
        assert fields["status"].startswith("5."), fields
        assert "poor reputation" in fields["diagnostic-code"], fields
        text = " ".join(report.text.split())
        for part in ("Reason: ME-E0193", "in the time that we may try", "poor reputation",
                     "Our server was refused there", "times, first on",
                     "We tried for as long as we may"):
            assert part in text, f"{part!r} is missing in: {report.text}"
        assert len(lab.ann.messages(token)) == 2
