"""super: what it starts, hands out, restarts, reloads and ends; with children that only tell."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import table                                      # noqa: E402
from hosts import ROOT, wait_until                             # noqa: E402
from house import (CHILDREN, PROC, UID_BASE, House, alive, config_child_hold,  # noqa: E402
                   wait_gone)

SERVER = "none"
NEIGHBOURS = {
    "smtpin": {"queue", "directory", "control"},
    "queue": {"smtpin", "smtpout", "postoffice", "bounce", "control"},
    "smtpout": {"queue", "dns", "control"},
    "postoffice": {"queue", "control"},
    "dns": {"smtpout", "control"},
    "directory": {"smtpin", "bounce", "control"},
    "bounce": {"queue", "directory", "control"},
    "control": {"super", "smtpin", "queue", "smtpout", "postoffice", "dns", "directory", "bounce"},
}
GIVEN = {"queue": ["spool"], "postoffice": ["mail"], "directory": ["state"], "control": ["run"],
         "smtpin": ["mx"]}


def told(house, process, what):
    return [row["name"] for row in house.lines("test_child", process=process, what=what)]


def test_each_gets_what_it_should(_lab):
    """Channels by the routes, folders, sockets, keys and the zone only where they belong."""
    with House() as house:
        for name in CHILDREN:
            assert NEIGHBOURS[name] == set(told(house, name, "channel")), name
            assert GIVEN.get(name, []) == told(house, name, "descriptor"), name
            assert (["default"] if name == "smtpin" else []) == told(house, name, "tls"), name
            assert (["zone"] if name == "dns" else []) == told(house, name, "file"), name
            assert told(house, name, "start") == ["mx.example.test"], name


def test_super_has_a_filter_too(_lab):
    """Issue 3a: what nobody needs is refused to super and to all that it starts."""
    with House() as frank:
        with open(f"/proc/{frank.process.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
        assert not frank.lines("super_unlimited")


def test_a_crash_tells_what_was_before(_lab):
    """Issue 3 (6): why, and the last events and messages, in the log; ./dev last shows them."""
    with House() as house:
        pid = house.pid("queue")
        os.kill(pid, signal.SIGABRT)
        wait_until(lambda: house.lines("child_died", child="queue"), 10, "queue is missed")
        assert house.lines("crash", process="queue", why="signal 6")
        before = house.lines("crash_recent", process="queue")
        assert 0 < len(before) <= 64
        assert any(row.get("message") == "boot_channel" and row["from"] == "super"
                   for row in before), before
        shown = subprocess.run([os.path.join(ROOT, "dev"), "last", house.path("log")],
                               capture_output=True, text=True, timeout=30, check=False)
        assert shown.returncode == 0 and "queue crashed at " in shown.stdout, shown
        assert "signal=6" in shown.stdout and "message=boot_channel" in shown.stdout, shown.stdout
    nothing = subprocess.run([os.path.join(ROOT, "dev"), "last", os.devnull],
                             capture_output=True, text=True, timeout=30, check=False)
    assert nothing.returncode == 1 and "No crash" in nothing.stdout, nothing


def limits_of(pid):
    """(soft, hard) by name."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        rows = [re.split(r"  +", line.strip()) for line in file.read().splitlines()[1:]]
    return {row[0]: (row[1], row[2]) for row in rows}


def test_super_has_limits_too(_lab):
    """Its own of memory and descriptors do not bind those that it starts."""
    file_bytes = str(16 << 30)
    with House(connections_max="3000") as house:
        limits = limits_of(house.process.pid)
        assert limits["Max core file size"] == ("0", "0"), limits
        assert limits["Max file size"] == (file_bytes, file_bytes), limits
        most = int(limits["Max open files"][1])
        assert limits["Max open files"][0] == str(min(1024, most)), limits
        smtpin = limits_of(house.pid("smtpin"))
        assert smtpin["Max open files"] == 2 * (str(min(3000 + 1024, most)),), smtpin


def test_super_writes_only_where_it_was_started(_lab):
    """Landlock holds for the running super: a folder that took the place of the log's is no place
    to write."""
    with House(log="logs/log") as house:
        os.rename(house.path("logs"), house.path("was"))
        os.mkdir(house.path("logs"))
        house.log = "was/log"
        house.process.send_signal(signal.SIGUSR1)
        row = house.wait_line("log_reopened", process="super")[0]
        assert row.get("errno") == "13", row
        assert not os.listdir(house.path("logs"))
        assert house.end() == 0


def test_log_in_another_folder_waits(_lab):
    """A log of another name is taken at a reload. One in another folder is not: the one that is in
    force goes on, and can be reopened."""
    with House() as house:
        house.configure(log="log2")
        house.process.send_signal(signal.SIGHUP)
        house.log = "log2"
        house.wait_line("reload")
        os.mkdir(house.path("logs"))
        house.configure(log="logs/log")
        house.process.send_signal(signal.SIGHUP)
        house.wait_line("restart_needed", option="log")
        house.wait_line("reload", 2)
        os.rename(house.path("log2"), house.path("log2.1"))
        house.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(house.path("log2")), 10, "a new log")
        assert house.end() == 0
        assert {row["process"] for row in house.lines("stop")} == set(CHILDREN) | {"super"}
        assert not os.listdir(house.path("logs"))


def test_each_has_its_own_uid_and_no_more_descriptors(_lab):
    """As root: uid-base plus the row; in any case only known descriptors are open."""
    with House() as house:
        for name in CHILDREN:
            pid = house.pid(name)
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.split(":", 1) for line in file)
            if os.getuid() == 0:
                uids = set(status["Uid"].split())
                assert len(uids) == 1 and int(uids.pop()) >= UID_BASE, name
                assert status["Groups"].strip() in ("", str(UID_BASE)), name
            assert int(status["NoNewPrivs"]) == 1 and int(status["Seccomp"]) == 2, name
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            paths = [link for link in links if link.startswith("/")]
            known = {house.path("log"), "/dev/null"}
            assert set(paths) <= known, (name, paths)
        uids = {os.stat(f"/proc/{house.pid(name)}").st_uid for name in CHILDREN}
        assert len(uids) in (1, len(CHILDREN))


def test_a_killed_child_comes_back(_lab):
    """The others go on, and its neighbours get new channels."""
    with House() as house:
        before = {name: house.pid(name) for name in CHILDREN}
        os.kill(before["queue"], signal.SIGKILL)
        house.wait_line("start", 2, process="queue")
        wait_until(lambda: told(house, "bounce", "channel").count("queue") == 2, 10, "new channel")
        assert told(house, "bounce", "closed") == ["queue"]
        assert told(house, "dns", "closed") == []
        assert house.pid("queue") != before["queue"]
        for name in CHILDREN:
            assert name == "queue" or alive(before[name]), name
        died = house.lines("child_died")
        assert [(row["child"], row["signal"]) for row in died] == [("queue", "9")]


def test_restarts_back_off(_lab):
    """1 s, then 2 s, then 4 s; nobody else is started again."""
    with House() as house:
        waits = []
        for count in (2, 3, 4):
            os.kill(house.pid("dns"), signal.SIGKILL)
            house.wait_line("child_died", count - 1)
            died = time.monotonic()
            house.wait_line("start", count, process="dns")
            waits.append(time.monotonic() - died)
        for wait, wanted in zip(waits, (1, 2, 4)):
            assert wanted - 0.2 < wait < wanted + 1.5, waits
        assert len(house.lines("start", process="queue")) == 1


def test_a_cheat_is_started_again(_lab):
    """A child that sends what it must not loses its channel and is restarted; its neighbour and
    all others go on."""
    with House() as house:
        before = {name: house.pid(name) for name in CHILDREN}
        house.configure(hostname="cheat.example.test")
        house.process.send_signal(signal.SIGHUP)
        house.wait_line("ipc_broken", process="queue", peer="smtpout")
        house.wait_line("child_killed", child="smtpout")
        house.wait_line("start", 2, process="smtpout")
        for name in CHILDREN:
            assert name == "smtpout" or house.pid(name) == before[name], name


def test_a_less_trusted_one_ends_only_itself(_lab):
    """What smtpout says of its neighbours and of others costs none of them its life."""
    with House() as house:
        before = {name: house.pid(name) for name in CHILDREN}
        house.configure(hostname="accuse.example.test")
        house.process.send_signal(signal.SIGHUP)
        house.wait_line("child_killed", child="smtpout")
        house.wait_line("start", 2, process="smtpout")
        for name in CHILDREN:
            assert name == "smtpout" or house.pid(name) == before[name], name
        assert {row["child"] for row in house.lines("child_died")} == {"smtpout"}


def test_all_go_with_super(_lab):
    """kill -9 of super takes its children with it."""
    with House() as house:
        pids = [house.pid(name) for name in CHILDREN]
        house.end(signal.SIGKILL)
        wait_gone(pids)


def test_killed_and_started_at_once(_lab):
    """The next Frank waits for the last one's children to be gone."""
    with House() as house:
        for count in (2, 3, 4):
            house.end(signal.SIGKILL)
            house.start(wait=False)
            house.wait_line("ready", count)
        assert house.end() == 0


def test_ends_in_order(_lab):
    """SIGTERM: queue after those that feed it, control last; exit code 0, no pid file left."""
    with House() as house:
        pids = [house.pid(name) for name in CHILDREN]
        assert os.path.exists(house.path("run", "frank.pid"))
        assert house.end() == 0
        wait_gone(pids)
        stops = [row["process"] for row in house.lines("stop")]
        assert stops[-1] == "super" and sorted(stops[:-1]) == sorted(CHILDREN)
        assert stops.index("queue") > max(stops.index(n) for n in
                                          ("smtpin", "smtpout", "postoffice", "bounce"))
        assert stops.index("control") > stops.index("queue")
        assert not os.path.exists(house.path("run", "frank.pid"))
        assert not house.lines("child_died") and not house.lines("child_killed")


def test_reload(_lab):
    """A valid file reaches all; an invalid one is refused and said so, the old one stays."""
    with House() as house:
        house.configure(hostname="new.example.test")
        house.process.send_signal(signal.SIGHUP)
        for name in CHILDREN:
            house.wait_line("test_child", process=name, what="reload", name="new.example.test")
        assert len(told(house, "smtpin", "tls")) == 2
        house.write("frank.conf", "hostname a b c\nnonsense\n")
        house.process.send_signal(signal.SIGHUP)
        refused = house.wait_line("config_refused")[0]
        assert "frank.conf" in refused["reason"] and refused["level"] == "error"
        house.configure(tls_key="missing.pem")
        house.process.send_signal(signal.SIGHUP)
        house.wait_line("config_refused", 2)
        assert house.lines("file_unreadable")[0]["path"].endswith("missing.pem")
        assert len(house.lines("test_child", what="reload")) == len(CHILDREN)
        assert house.end() == 0


def answers(house):
    """How many reloads were done when control heard that its own is; and how many there are."""
    found, done = [], 0
    with open(house.path("log"), encoding="utf-8") as file:
        for line in file:
            words = line.split()
            done += words[2:4] == ["super", "reload"]
            if words[2:4] == ["control", "test_child"] and "what=answer" in words:
                assert "name=reloaded" in words, line
                found.append(done)
    return found, done


def asked_by_a_new_control(house, held):
    """While that config child is held, control dies, and the next one asks for a reload, too."""
    found, done = answers(house)
    asks = len(told(house, "control", "ask"))
    os.kill(house.pid("control"), signal.SIGKILL)
    wait_until(lambda: len(told(house, "control", "ask")) > asks, 20, "a new control")
    time.sleep(0.2)
    assert answers(house) == (found, done)
    os.kill(held, signal.SIGCONT)
    wait_until(lambda: len(answers(house)[0]) > len(found), 20, "an answer")
    assert answers(house)[0] == found + [done + 2]


def test_reload_is_answered_for_the_newer_file(_lab):
    """One that is asked for while another is under way is answered when its own is done."""
    with House(hostname="ask.example.test", restart_wait="50ms") as house:
        wait_until(lambda: answers(house) == ([1], 1), 20, "an answer")
        asked_by_a_new_control(house, config_child_hold(
            house.process.pid, lambda: house.process.send_signal(signal.SIGHUP)))


def test_a_new_control_is_not_told_of_old_requests(_lab):
    """What a control asked for before its end is no answer to the next one."""
    with House(hostname="ask.example.test", restart_wait="50ms", restart_wait_max="100ms") as house:
        wait_until(lambda: answers(house) == ([1], 1), 20, "an answer")
        asked_by_a_new_control(house, config_child_hold(
            house.process.pid, lambda: os.kill(house.pid("control"), signal.SIGKILL)))


def test_what_needs_a_restart_is_said(_lab):
    """Options that are fixed while Frank runs are named at a reload; the rest is taken."""
    with House() as house:
        house.port += 1
        house.configure(mail="elsewhere", hostname="new.example.test")
        house.process.send_signal(signal.SIGHUP)
        house.wait_line("reload")
        said = {(row["option"], row.get("listener")) for row in house.lines("restart_needed")}
        assert said == {("mail", None), ("address", "mx")}, said


def test_log_is_reopened(_lab):
    """SIGUSR1: all write to the new file."""
    with House() as house:
        os.rename(house.path("log"), house.path("log.1"))
        house.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(house.path("log")), 10, "a new log")
        assert house.end() == 0
        stops = {row["process"] for row in house.lines("stop")}
        assert stops == set(CHILDREN) | {"super"}


def test_a_second_frank_is_refused(_lab):
    """One spool, one Frank: exit code 75, and the first goes on."""
    with House() as house:
        first = house.process
        house.configure(run="run2", log="log2")
        house.port += 1
        house.start(wait=False)
        second, house.process = house.process, first
        assert second.wait(20) == 75
        assert "another Frank has this spool" in second.stderr.read()
        second.stderr.close()
        with open(house.path("log2"), encoding="utf-8") as file:
            assert "another Frank" in file.read()
        assert first.poll() is None


def test_what_keeps_it_from_starting_is_told(_lab):
    """Also with a log file, standard error says why; and nothing of what comes once all serve."""
    with House() as house:
        first = house.process
        os.kill(house.pid("dns"), signal.SIGKILL)
        house.wait_line("child_died")
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0 and first.stderr.read() == ""
        first.stderr.close()
        os.unlink(house.path("cert.pem"))
        house.start(wait=False)
        assert house.process.wait(20) == 78
        said = house.process.stderr.read()
        assert "file_unreadable" in said and "cert.pem" in said, said


@table([("certificate", "smtpin", {}, True), ("zone", "dns", {}, True),
        ("password", "smtpout", {"smart_host": "relay.test", "smart_host_login": "me",
                                 "smart_host_password_file": "zone"}, True),
        ("no-password", "smtpout", {}, False), ("queue", "queue", {}, False),
        ("bounce", "bounce", {}, False)])
def test_a_refusal_is_about_a_file_of_its_own(_lab, role, options, ends):
    """What a process was given and cannot use keeps Frank from starting; of other files it has
    nothing to say."""
    with House() as house:
        assert house.end() == 0
        os.unlink(house.path("log"))
        house.configure(hostname=f"refuse-{role}.example.test", **options)
        house.start(wait=not ends)
        if ends:
            assert house.process.wait(20) == 78
            assert role in house.process.stderr.read()


def test_a_refusal_is_said_once(_lab):
    """Not by one that serves already, which could have been taken over: while others are not yet
    there, it would end them all."""
    with House(hostname="again.example.test") as house:
        assert len(house.lines("test_child", process="smtpin", what="again")) == 1
        assert house.lines("ready")


def test_an_invalid_configuration_does_not_start(_lab):
    """Exit code 78, and what is wrong on standard error."""
    with House() as house:
        assert house.end() == 0
        house.write("frank.conf", "hostnam x\n")
        house.start(wait=False)
        assert house.process.wait(20) == 78
        assert "config_refused" in house.process.stderr.read()


def test_the_clock_can_start_elsewhere(_lab):
    """--now reaches all processes."""
    with House(["--now", "1000000000"]) as house:
        assert house.end() == 0
        with open(house.path("log"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        assert lines and all(line.startswith("2001-09-09T01:4") for line in lines)


def test_usage(_lab):
    """Unknown arguments: exit code 64."""
    done = subprocess.run([os.path.join(PROC, "super", "frank-super"), "--nonsense", "x"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 64 and "usage" in done.stderr
