"""The harness itself: reports, log lines, transcripts and SCRAM are read and made correctly."""

import base64
import os
import tempfile

import transcript
from harness import Delivered, Report, User, queue_id, table
from server_log import LogLine, ServerLog
from smtp_client import Reply, scram_proof, stuff

SERVER = "none"

REPORT = b"""\
From: <postmaster@example.test>
To: <ann@example.test>
Subject: failed
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

Frank: Message Delivery Failure.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test

Final-Recipient: rfc822; one@unknown.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no
 such user

Final-Recipient: rfc822; two@unknown.test
Action: delayed
Status: 4.2.1

--b
Content-Type: message/rfc822

Subject: test tok1

Hello.
--b--
"""


def test_report(_lab):
    """A delivery status notification is read: text, fields, recipients, the original."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/new")
        with open(folder + "/new/1.x", "wb") as file:
            file.write(REPORT)
        user = User({"login": "ann", "password": "", "address": "ann@example.test",
                     "maildir": folder})
        report = user.bounce("tok1")
        assert report.text.startswith("Frank: Message Delivery Failure.")
        assert report.fields["reporting-mta"] == "dns; mx.example.test"
        assert len(report.recipients) == 2
        assert report.of("ONE@unknown.test")["diagnostic-code"] == "smtp; 550 5.1.1 no such user"
        assert report.of("two@unknown.test")["action"] == "delayed"
        assert report.original_kind == "message/rfc822"
        message = Delivered(folder + "/new/1.x")
        assert Report.is_one(message) and message.headers("Subject") == ["failed"]
        assert message.payload.startswith(b"--b\n")


def test_log_line(_lab):
    """Words in front, then fields; a quoted value may contain anything."""
    line = LogLine(r'2026-01-01T00:00:00Z warn smtpin-2 denied msg=1 rcpt="a \" level=x" n=3')
    assert (line.level, line.process, line.event) == ("warn", "smtpin-2", "denied")
    assert line["rcpt"] == 'a " level=x' and line["n"] == "3" and line["none"] == ""
    assert LogLine("something else altogether").level == ""


def test_log_check(_lab):
    """Undeclared errors and warnings fail, declared ones do not, and each is judged once."""
    with tempfile.TemporaryDirectory() as folder:
        log = ServerLog(folder + "/log")
        log.check()
        with open(log.path, "w", encoding="utf-8") as file:
            file.write("T info queue start\nT error queue disk_full free=0\n")
        try:
            log.check()
            raise SystemError("passed")
        except AssertionError as err:
            assert "disk_full" in str(err)
        log.check()
        log.expect("disk_full")
        log.checked = 0
        log.check()
        assert len(log.find(event="disk_full")) == 1 and len(log.find(level="info")) == 1


def test_scram_vector(_lab):
    """The example of RFC 7677 3."""
    fields = {"s": "W22ZaJ0SNY7soEsUEjb6gQ==", "i": "4096"}
    first = "n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = ("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                 "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    bare = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    proof, signature = scram_proof("pencil", fields, f"{first},{challenge},{bare}")
    assert base64.b64encode(proof) == b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@table([("plain", b"a\r\n", b"a\r\n"), ("dot", b".\r\n", b"..\r\n"), ("first", b".a", b"..a\r\n"),
        ("middle", b"a\r\n.b\r\n", b"a\r\n..b\r\n"), ("empty", b"", b"")])
def test_stuff(_lab, text, wanted):
    """Dots are stuffed at the beginning of lines."""
    assert stuff(text) == wanted


def test_queue_id(_lab):
    """The id in the reply to the dot."""
    assert queue_id(Reply(250, ["2.0.0 accepted as 0a1b2c3d4e5f6"], b"")) == "0a1b2c3d4e5f6"


class FakeLab:
    """Enough of a Lab for a transcript."""
    users = {}

    @staticmethod
    def token():
        return "tok"


@table([("crlf", r"a\r\nb", b"a\r\nb"), ("hex", r"\x00\xff\\", b"\0\xff\\"),
        ("token", "x{token}", b"xtok"), ("utf8", "ü", "ü".encode())])
def test_transcript_bytes(_lab, text, wanted):
    """Escapes and names in C: lines."""
    assert transcript.Player(FakeLab).bytes_of(text) == wanted


@table([("whole", "250 2.1.0 OK", True), ("star", "250 2.1.0 *", True), ("other", "250 x", False),
        ("first-line", "250 one", True), ("code", "550 *", False)])
def test_transcript_patterns(_lab, pattern, wanted):
    """S: patterns match one line of the reply."""
    player = transcript.Player(FakeLab)
    player.last = Reply(250, ["one", "2.1.0 OK"], b"")
    assert player.has_line(pattern) == wanted


def test_transcript_error(_lab):
    """A word that is none is told with its line."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/x.smtp"
        with open(path, "w", encoding="utf-8") as file:
            file.write("# about\n\nS: 220 *\nX: what\n")
        assert transcript.description(path) == "about"
        try:
            transcript.steps_read(path)
            raise SystemError("accepted")
        except transcript.TranscriptError as err:
            assert ":4:" in str(err)
