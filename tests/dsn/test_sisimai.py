#!/usr/bin/python3
"""Sisimai (Debian: libsisimai-perl) must read our bounces: test_sisimai.py BOUNCE_SAMPLES.

For each sample: one record, its recipient, a status of the right class, a reason that fits, and
Python's own mail parser must find the three parts. Without Sisimai the test is skipped.
"""
import email
import json
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
# name: status, reasons that are right
WANT = {
    "door": ("5.7.1", {"blocked", "rejected", "badreputation"}),
    "unknown": ("5.1.1", {"userunknown"}),
    "full": ("5.2.2", {"mailboxfull"}),
    "ptr": ("5.7.25", {"requireptr", "blocked"}),
    "nullmx": ("5.1.10", {"notaccept", "hostunknown"}),
    "loop": ("5.4.6", {"networkerror", "systemerror"}),
    "expired": ("5.4.7", {"expired"}),
}
PARTS = ["text/plain", "message/delivery-status", "text/rfc822-headers"]
PERL = """
use Sisimai; use JSON;
my $all = Sisimai->make($ARGV[0]) || [];
print JSON->new->canonical->encode([map { { recipient => $_->recipient->address,
    status => $_->deliverystatus, reason => $_->reason, code => $_->replycode,
    action => $_->action, agent => $_->smtpagent, diagnostic => $_->diagnosticcode,
    remote => $_->rhost } } @$all]);
"""


def parts_of(path):
    """The content types of the parts, by Python's parser."""
    message = email.message_from_bytes(path.read_bytes())
    assert message.get_content_type() == "multipart/report", path
    return [part.get_content_type() for part in message.get_payload()]


def check(path):
    status, reasons = WANT[path.stem]
    assert parts_of(path) == PARTS, path
    run = subprocess.run(["perl", "-e", PERL, str(path)], capture_output=True, check=True)
    records = json.loads(run.stdout)
    print(path.stem, records)
    assert len(records) == 1, f"{path.stem}: {len(records)} records"
    record = records[0]
    assert record["recipient"] == "bob@gateway.test", record
    assert record["status"] == status, record
    assert record["reason"] in reasons, record
    assert record["action"] == "failed", record


def main():
    if subprocess.run(["perl", "-MSisimai", "-MJSON", "-e", "1"], capture_output=True).returncode:
        print("skipped: Sisimai is not installed (libsisimai-perl)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        for name in WANT:
            path = pathlib.Path(folder, name + ".eml")
            # as it is shown after delivery: LF, dots of the transport removed
            lines = path.read_bytes().split(b"\r\n")
            path.write_bytes(b"\n".join(line[1:] if line[:1] == b"." else line for line in lines))
            check(path)
    print(f"{len(WANT)} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
