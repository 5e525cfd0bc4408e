"""Mail that goes in circles is stopped."""

from harness import table

RECEIVED = "Received: from a.test by b.test with SMTP id {n}; Thu, 01 Jan 2026 12:00:00 +0000\r\n"


@table([("90", 90, 250), ("101", 101, 554), ("1000", 1000, 554)])
def test_received(lab, count, code):
    """conformance: 5321 loops (over 100 Received: 5.4.6 at once, no report)."""
    token = lab.token()
    text = "".join(RECEIVED.format(n=n) for n in range(count)).encode() + lab.message(token)
    with lab.connect() as client:
        client.hello()
        client.mail(f"{token}@accept.test", lab.bob.address)
        reply = client.data(text, code)
        assert code == 250 or reply.status == "5.4.6", reply.full
    assert not lab.hosts.mail("accept.test", token)


def test_delivered_to(lab):
    """Issue 9, conformance: 9228 (a message that was delivered here before is a loop)."""
    token = lab.token()
    first = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(first))
    marks = lab.bob.wait(first)[0].headers("Delivered-To")
    assert len(marks) == 1, marks
    text = f"Delivered-To: {marks[0]}\r\n".encode() + lab.message(token)
    with lab.connect() as client:
        client.hello()
        client.mail(f"{token}@accept.test", lab.bob.address)
        reply = client.data(text, 250, 554)
    lab.assert_nothing(lab.bob, token)
    if reply.code == 250:
        lab.hosts.wait_mail("accept.test", token)
