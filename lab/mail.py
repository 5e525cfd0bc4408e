#!/usr/bin/python3
"""Sends a message through the running lab and prints its life until its end.

    lab/mail.py                                  from ann to bob, by submission with TLS and login
    lab/mail.py --to carol@accept.test           to somebody else
    lab/mail.py --to dave@gateway.test --json    one JSON document at the end
    lab/mail.py --dir DIR ...                    through the lab in DIR (--background DIR)

Exit 0 when every recipient was delivered or the sender has the bounce, 75 when it still waits
after 90 s, 1 when it was refused, deleted, or lost its bounce.
"""

import argparse
import glob
import json
import os
import re
import smtplib
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, make_msgid

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIFE_SECONDS = 90
POLL_SECONDS = 0.3
EXIT_REFUSED = 1
EXIT_TEMPFAIL = 75
ARRIVED = ("delivered", "relayed")
BOUNCED = ("failed", "expired")
ENDS = (*ARRIVED, *BOUNCED, "deleted")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--dir", default=os.path.join(ROOT, "lab-run"), help="folder of the lab")
    add("--user", default="ann", help="who sends: ann or bob")
    add("--to", action="append", help="recipient (bob@example.test); may be given more than once")
    add("--subject", default="A message from the lab")
    add("--text", default="Hello from the lab.\n")
    add("--json", action="store_true", help="one JSON document at the end")
    args = parser.parse_args()
    args.dir = os.path.join(os.environ.get("FRANK_CWD", os.getcwd()), args.dir)
    args.to = args.to or ["bob@example.test"]
    return args


def lab_read(folder):
    try:
        with open(os.path.join(folder, "lab.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise SystemExit(f"No lab runs in {folder}: start one by ./dev run.") from None


def message_make(user, args):
    message = EmailMessage()
    message["From"] = user["address"]
    message["To"] = ", ".join(args.to)
    message["Subject"] = args.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="client.test")
    message.set_content(args.text)
    return message


def message_send(info, user, args):
    """The id that the server gave to it."""
    place = info["listeners"]["submission"]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP(place["host"], place["port"], timeout=30) as smtp:
        smtp.starttls(context=context)
        smtp.login(user["login"], user["password"])
        utf8 = not "".join(args.to).isascii()
        if utf8:
            smtp.command_encoding = "utf-8"         # smtplib's own way to it: sendmail() only
        smtp.mail(user["address"], ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else [])
        for recipient in args.to:
            code, text = smtp.rcpt(recipient)
            if code != 250:
                raise SystemExit(f"{recipient} was refused: {code} {text.decode()}")
        code, text = smtp.data(message_make(user, args).as_bytes(
            policy=SMTPUTF8 if utf8 else SMTP))
    if code != 250:
        raise SystemExit(f"The message was refused: {code} {text.decode()}")
    return re.findall(r"\b[0-9a-z]{13}\b", text.decode())[-1]


def trace(info, message):
    """The life of the message as frank trace --json tells it, {} while nothing is known."""
    done = subprocess.run([info["tool"], "--socket", info["control"], "trace", message, "--json"],
                          capture_output=True, text=True, timeout=60, check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}


def story(info, message):
    done = subprocess.run([info["tool"], "--socket", info["control"], "trace", message],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.stdout or done.stderr


def is_over(life):
    """Every recipient has its end, and the reports that follow from it are delivered too."""
    ends = [row["state"] in ENDS for row in life.get("recipients", [])]
    reports = [row["state"] in ENDS for row in life.get("reports", [])]
    return bool(ends) and all(ends) and all(reports)


def is_well(life):
    """Delivered or bounced, and the bounce is there."""
    return is_over(life) and all(
        row["state"] in ARRIVED + BOUNCED for row in life["recipients"]) and all(
        row["state"] in ARRIVED for row in life.get("reports", []))


def bounces(user, message):
    """Texts of the reports about this message in the sender's Maildir."""
    found = []
    for path in sorted(glob.glob(os.path.join(user["maildir"], "new", "*"))):  # by time
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if message in text and "multipart/report" in text:
            found.append(text)
    return found


def tell(user, message, told):
    """Prints the reports that have come since; told: how many have been printed."""
    texts = bounces(user, message)
    for text in texts[told:]:
        print("\nWhat the sender reads:\n\n" + report_text(text), flush=True)
    return max(told, len(texts))


def report_text(text):
    """The part for people, without header and other parts."""
    body = text.partition("\n\n")[2]
    part = re.search(r"\n\n(Frank: .*?)\n--", body, re.DOTALL)
    return part.group(1) if part else body[:3000]


def main():
    args = arguments()
    info = lab_read(args.dir)
    user = next((u for u in info["users"] if u["login"].split("@")[0] == args.user), None)
    if not user:
        raise SystemExit(f"No such user: {args.user}. Known: ann, bob.")
    try:
        message = message_send(info, user, args)
    except OSError as error:  # smtplib's own are OSErrors too
        raise SystemExit(f"The lab in {args.dir} does not take the message ({error}). "
                         "Does it run? ./dev run starts it.") from None
    if not args.json:
        print(f"Accepted as {message}. Its life, until it ends:",
              flush=True)
    deadline = time.monotonic() + LIFE_SECONDS
    life, told = trace(info, message), 0
    while not is_over(life) and time.monotonic() < deadline:
        if not args.json:
            told = tell(user, message, told)
        time.sleep(POLL_SECONDS)
        life = trace(info, message)
    if args.json:
        print(json.dumps(life, indent=1))
    else:
        print(story(info, message), end="")
        tell(user, message, told)
    if is_well(life):
        return 0
    if is_over(life):
        return EXIT_REFUSED
    print(f"\nStill waiting after {LIFE_SECONDS} s; go on with: frank trace {message}",
          file=sys.stderr if args.json else sys.stdout)
    return EXIT_TEMPFAIL


if __name__ == "__main__":
    sys.exit(main())
