"""A configuration for Dovecot, which serves the Maildirs of a lab over IMAP: for people who want to
read with a mail program, and for the test that reads as one.
"""

import os
import pwd


def accounts():
    """Whom its processes run as: Debian's accounts for it as root, else all as ourselves."""
    me = pwd.getpwuid(os.getuid()).pw_name
    return ("dovenull", "dovecot") if os.getuid() == 0 else (me, me)


def passdb(login, password):
    """One user: static passwords keep the secrets in this file, which only Dovecot's first process
    has to read."""
    return f"""passdb {{
  driver = static
  username_filter = {login}
  args = password={password}
}}
"""


def configuration(folder, maildir, owner, port, passwords):
    """folder: for Dovecot's own files, its path short enough for Unix sockets; maildir: of a user,
    may hold Dovecot's %n; owner: (uid, gid) of all Maildirs; passwords: {login: password}."""
    login, internal = accounts()
    chroot = "" if os.getuid() == 0 else "\n  chroot =\n"
    return f"""protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
default_login_user = {login}
default_internal_user = {internal}
default_internal_group = {internal}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{maildir}:INDEX=MEMORY:CONTROL={folder}/control/%n
{"".join(passdb(*each) for each in passwords.items())}userdb {{
  driver = static
  args = uid={owner[0]} gid={owner[1]} home={folder}/control
}}
service imap-login {{{chroot}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{{chroot}
}}
"""
