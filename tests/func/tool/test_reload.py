"""frank check and frank reload: a bad configuration is told and changes nothing."""

import os
import re
import shutil
import ssl
import subprocess

from harness import table
from hosts import wait_until

EXPECT_LOG = [r" (warn|error) \S+ \S*(config|reload|tls|certificate)"]
FRESH = True


def rewrite(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    shutil.copymode(path, path + ".new")
    os.rename(path + ".new", path)


def config_text(lab):
    with open(lab.info["config"], encoding="utf-8") as file:
        return file.read()


@table([
    ("unknown-option", "massage-size-max 10M", "1: error: unknown option massage-size-max: "
     "expected an option; did you mean message-size-max?"),
    ("bad-value", "message-size-max soon", "18: error: message-size-max: expected a size such as"),
    ("out-of-bounds", "recipients-max 5", "16: error: out of range: recipients-max: expected a "
     "number from 100 to 1000, found 5"),
    ("twice", "hostname other.example.test", "1: error: given twice: hostname; the first one is in "
     "line 1"),
])
def test_check(lab, line, says):
    """Issue 11: frank check: file, line, column, what was expected, a suggestion."""
    path = os.path.join(lab.folder, "bad.conf")
    text = config_text(lab) + line + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([lab.info["tool"], "--config", path, "check"], capture_output=True,
                          text=True, timeout=20, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1, f"{done.returncode}: {said}"
    assert f"bad.conf:{text.count(chr(10))}:{says}" in said, said


def test_check_warns_of_lab_options(lab):
    """Issue 2b: frank check warns of smtp-out-port and allow-loopback-destinations."""
    done = subprocess.run([lab.info["tool"], "--config", lab.info["config"], "check"], text=True,
                          capture_output=True, timeout=20, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "smtp-out-port" in said and "allow-loopback-destinations" in said, said


def test_invalid_is_refused(lab):
    """Issue 11: reload of an invalid file is refused and the old one stays."""
    good = config_text(lab)
    rewrite(lab.info["config"], good + "no-such-option 1\n")
    with lab.connect() as client:
        client.hello()
        lab.frank("reload", codes=(78,))
        client.cmd("NOOP", 250)
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token))
    lab.bob.wait(token)
    rewrite(lab.info["config"], good)
    lab.frank("reload")


def reload(lab):
    """(exit code, all that was said)"""
    done = subprocess.run([lab.info["tool"], "--socket", lab.info["control"], "reload"],
                          capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_waits_for_a_restart(lab):
    """Issue 11: an option that is fixed while Frank runs is named in the answer."""
    lab.log.expect(r" warn super restart_needed option=(spool|address listener=mx)$")
    good = config_text(lab)
    rewrite(lab.info["config"], good.replace("spool spool", "spool elsewhere").replace(
        "listener mx {", "listener mx {\n\taddress 127.0.0.1:1").replace(
            "\taddress 127.0.0.1:" + str(lab.listeners["mx"][1]), "\t#"))
    code, said = reload(lab)
    assert code == 0 and "reloaded; a restart is needed for spool, address mx" in said, said
    rewrite(lab.info["config"], good)
    assert reload(lab) == (0, "reloaded\n"), "what is in force again waits for nothing"


def test_a_missing_file_is_named(lab):
    """Issue 11: what is refused is named, and all stays as it was."""
    lab.log.expect(r" error super file_unreadable .*missing.pem")
    good = config_text(lab)
    rewrite(lab.info["config"], good.replace("tls-key key.pem", "tls-key missing.pem"))
    code, said = reload(lab)
    assert code == 78 and "cannot be opened" in said and "missing.pem" in said, said
    rewrite(lab.info["config"], good)


def test_another_log(lab):
    """Issue 11: a log file of another name is written from the reload on, by all."""
    other = os.path.join(lab.folder, "other.log")
    open(other, "w", encoding="utf-8").close()
    rewrite(lab.info["config"], config_text(lab).replace("log frank.log", "log other.log"))
    assert reload(lab) == (0, "reloaded\n")
    token = lab.token()
    lab.deliver("a@accept.test", lab.bob.address, lab.message(token))
    lab.bob.wait(token)

    def written():
        with open(other, encoding="utf-8") as file:
            return {line.split()[2] for line in file}
    wait_until(lambda: {"super", "smtpin", "queue"} <= written(), 5, "all write")


def test_new_value_is_used(lab):
    """Issue 11: reload of a good file changes what the next session sees, none is dropped."""
    with lab.connect() as old:
        old.hello()
        rewrite(lab.info["config"], config_text(lab) + "message-size-max 100K\n")
        lab.frank("reload")

        def announced():
            with lab.connect() as client:
                client.hello()
                return client.features["SIZE"] == "102400"
        wait_until(announced, 5, "the new SIZE")
        old.mail("a@accept.test", lab.bob.address)
        token = lab.token()
        old.data(lab.message(token))
    lab.bob.wait(token)


def test_certificate(lab):
    """Issue 4b: certificates reload without a dropped session."""
    def certificate():
        with lab.connect() as client:
            client.hello()
            client.starttls()
            return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
    before = certificate()
    cert, key = (os.path.join(lab.folder, name) for name in ("cert.pem", "key.pem"))
    modes = [(path, os.stat(path)) for path in (cert, key)]
    with lab.connect() as old:
        old.hello()
        old.starttls()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                        "/CN=mx.example.test", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        for path, stat in modes:
            os.chmod(path, stat.st_mode & 0o777)
        lab.frank("reload")
        wait_until(lambda: certificate() != before, 5, "the new certificate")
        old.cmd("NOOP", 250)


def test_no_certificate_any_more(lab):
    """What a reload takes out is out of use: STARTTLS is offered no more."""
    good = config_text(lab)
    block = re.compile(r"listener (submission|submissions) \{[^}]*\}\n")
    lab.log.expect(r" warn super restart_needed option=listener listener=submission")
    with lab.connect() as old:
        old.hello()
        old.starttls()
        rewrite(lab.info["config"], block.sub("", good).replace(
            "tls-certificate cert.pem\n", "").replace("tls-key key.pem\n", ""))
        code, said = reload(lab)
        assert code == 0 and "reloaded" in said, said
        with lab.connect() as client:
            client.hello()
            assert "STARTTLS" not in client.features, client.features
        old.cmd("NOOP", 250)
    rewrite(lab.info["config"], good)
    lab.frank("reload")
    with lab.connect() as client:
        client.hello()
        client.starttls()


def test_bad_certificate(lab):
    """A certificate that cannot be used is said to who asked; the old one and all else go on."""
    path = os.path.join(lab.folder, "cert.pem")
    with open(path, "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace("BEGIN CERTIFICATE", "BEGIN NONSENSE!!!"))
    rewrite(lab.info["config"], config_text(lab) + "message-size-max 100K\n")
    done = subprocess.run([lab.info["tool"], "--socket", lab.info["control"], "reload"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 78 and "but smtpin" in done.stderr, done.stdout + done.stderr
    assert lab.log.find(event="smtpin_certificate")
    with lab.connect() as client:
        client.hello()
        assert client.features["SIZE"] == "102400"
        client.starttls()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    assert "reloaded" in lab.frank("reload")


OWN = """level local

rule house
\twords   message content rejected
\tcause   policy 91
\tadmin   Ask the porter.
\tsource  our own house
\texample 554 5.7.1 Message content rejected as spam
"""


def cause_of_a_refusal(lab):
    """What a report says of the refusal of never-dot.test."""
    token = lab.token()
    lab.submit(f"{token}@never-dot.test", lab.message(token))
    return re.search(r"\(cause: ([a-z-]+)", lab.ann.bounce(token).text)[1]


def test_own_rules(lab):
    """An administrator's rules: added, changed, broken, unreadable, taken out."""
    path = os.path.join(lab.folder, "refusal.rules")
    good = config_text(lab)

    def rules(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return reload(lab)
    rewrite(lab.info["config"], good + "refusal-rules refusal.rules\n")
    assert cause_of_a_refusal(lab) == "spam"
    assert rules(OWN) == (0, "reloaded\n")
    assert cause_of_a_refusal(lab) == "policy"
    assert rules(OWN.replace("policy 91", "content 91")) == (0, "reloaded\n")
    assert cause_of_a_refusal(lab) == "content"
    # a fault: said to who asks, with its line in the log; those of before stay in use
    lab.log.expect(r" error smtpout smtpout_rules path=\S*refusal.rules line=5 column=10 "
                   r'text="no such cause: .*virtue')
    code, said = rules(OWN.replace("policy", "virtue"))
    assert code == 78 and "but smtpout" in said, said
    assert cause_of_a_refusal(lab) == "content"
    # no file: nothing is taken over
    lab.log.expect(r" error super file_unreadable .*refusal.rules")
    os.rename(path, path + ".away")
    code, said = reload(lab)
    assert code == 78 and "cannot be opened" in said and "refusal.rules" in said, said
    assert cause_of_a_refusal(lab) == "content"
    # taken out: the built-in ones alone
    rewrite(lab.info["config"], good)
    assert reload(lab) == (0, "reloaded\n")
    assert cause_of_a_refusal(lab) == "spam"


@table([("fault", OWN.replace("policy", "virtue"), 1,
         "refusal.rules:5:10: no such cause: \"virtue\""),
        ("example", OWN.replace("554 5.7.1 Message", "554 5.7.1 No message of"), 1,
         "refusal.rules:8:10: this example is explained by no rule"),
        ("missing", None, 1, "refusal.rules"), ("good", OWN, 0, "")])
def test_check_of_own_rules(lab, text, code, says):
    """frank check compiles an administrator's rules and tries their examples."""
    path = os.path.join(lab.folder, "check.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config_text(lab) + "refusal-rules refusal.rules\n")
    if text:
        with open(os.path.join(lab.folder, "refusal.rules"), "w", encoding="utf-8") as file:
            file.write(text)
    done = subprocess.run([lab.info["tool"], "--config", path, "check"], capture_output=True,
                          text=True, timeout=20, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code and says in said, f"{done.returncode}: {said}"
