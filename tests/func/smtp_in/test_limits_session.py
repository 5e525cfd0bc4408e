"""Limits of one session and one client network, small enough to reach."""

import time

from harness import Closed, table
from hosts import wait_until

OPTIONS = ["mx.errors-max 5", "mx.commands-max 100", "mx.time-command 2s", "mx.time-data 2s",
           "mx.connections-per-network 5", "mx.messages-max 3", "mx.time-message 4s"]
FRESH = True


def until_421(client, line, most):
    """How often the line was answered before 421; asserts that 421 comes, then the end."""
    for number in range(most):
        reply = client.cmd(line)
        if reply.code == 421:
            assert reply.status.startswith("4."), reply.full
            assert client.closed(5), "421 but the connection stays open"
            return number
    raise AssertionError(f"no 421 within {most}")


@table([("unknown", "XYZZY", 5), ("bad-path", "MAIL FROM:x", 5)])
def test_errors(lab, line, most):
    """Issue 4d: refused commands of a session (errors-max): 421."""
    with lab.connect() as client:
        client.hello()
        assert until_421(client, line, 20) <= most


def test_commands(lab):
    """Issue 4d: commands of a session (commands-max): 421."""
    with lab.connect() as client:
        client.hello()
        assert 90 <= until_421(client, "NOOP", 200) <= 101


def test_messages(lab):
    """conformance: 9422 LIMITS (MAILMAX as announced)."""
    with lab.connect() as client:
        client.hello()
        assert "MAILMAX=3" in client.features["LIMITS"].split()
        for _ in range(3):
            client.mail("a@accept.test", lab.bob.address)
            client.data(lab.message(lab.token()))
        assert client.cmd("MAIL FROM:<a@accept.test>").code in (421, 451, 452)


def test_idle(lab):
    """Issue 4d: a silent client gets 421 4.4.2 after time-command."""
    with lab.connect() as client:
        client.hello()
        assert client.want(421).status == "4.4.2"
        assert client.closed(5)


def test_silent_in_data(lab):
    """Issue 4d: a client that stops within the text gets 421 after time-data; nothing is kept."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.cmd("DATA", 354)
        client.send(lab.message(token))
        try:
            assert client.want(421).status.startswith("4.")
        except Closed:
            pass
    lab.assert_nothing(lab.bob, token)


def test_slow_chunks(lab):
    """Issue 4d: time-message is for the whole message, each chunk well within time-command."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        began = time.monotonic()
        while client.bdat(b"x", last=False, codes=(250, 421)).code == 250:
            assert time.monotonic() - began < 10
            time.sleep(1)
        assert client.closed(5)
    assert 3 < time.monotonic() - began < 8
    lab.assert_nothing(lab.bob, token)


def test_connections(lab):
    """Issue 4d: connections of one client network: 421 4.7.0; room again when one leaves."""
    clients = [lab.connect() for _ in range(5)]
    try:
        for client in clients:
            client.want(220)
        with lab.connect() as extra:
            assert extra.want(421).status == "4.7.0"
        clients.pop().close()

        def served():
            with lab.connect() as again:
                return again.reply().code == 220
        wait_until(served, 5, "a connection after one has left", step=0.2)
    finally:
        for client in clients:
            client.close()
