#!/usr/bin/python3
"""Names and calls: what the linker and the compiler know better than a reviewer.

- Each header compiles alone.
- No call of functions that cannot be used safely; no malloc outside base and rt; no system call
  outside rt. Judged by the undefined symbols of the release objects, so that a field named
  `read` or a comment is no finding; tests are judged by their text, for the first list only.
- No mutable variable at file scope, no static one in a function, outside main.c: by the sections
  of the release objects. `/* global: reason */` before one is an exception that is listed.
- No typedef of a struct, union or enum.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

from checklib import Finding, is_test, main

BANNED = set("""strcpy strcat sprintf vsprintf gets alloca system popen strtok stpcpy strncpy
    strncat scanf sscanf atoi atol mktemp tmpnam rand srand setjmp longjmp""".split())
MEMORY = set("""malloc calloc realloc reallocarray free strdup strndup asprintf
    posix_memalign""".split())
SYSTEM = set("""open openat creat read pread readv preadv write pwrite writev pwritev close lseek
    fsync fdatasync ftruncate fallocate sendfile splice stat fstat lstat fstatat unlink unlinkat
    rename renameat link linkat symlink mkdir rmdir opendir readdir fopen fdopen freopen mmap munmap
    socket socketpair bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg
    shutdown setsockopt getsockopt poll ppoll select epoll_create1 epoll_wait epoll_ctl eventfd pipe
    pipe2 dup dup2 dup3 fcntl ioctl fork vfork clone execve execv execvp fexecve posix_spawn wait
    waitpid kill signal sigaction sigprocmask time gettimeofday clock_gettime nanosleep usleep sleep
    clock_nanosleep timerfd_create getrandom getaddrinfo gethostbyname gethostname getpid getuid
    setuid setgid setresuid setresgid setgroups setrlimit prctl syscall pthread_create""".split())
MEMORY_FOLDERS = ("src/rt/", "src/base/test_mem.h")
SYSTEM_FOLDERS = ("src/rt/",)
TYPEDEF = re.compile(r"^\s*typedef\s+(struct|union|enum)\b(?!.*\(\s*\*?\s*\w+\s*\)?\s*\()")
MUTABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel\.ro)|^\*COM\*")


def plain(symbol):
    """read for __read_chk, fopen for fopen64, open for __open_2."""
    for pattern in (r"__(\w+)_chk$", r"__(open|openat)_2$", r"__isoc99_(\w+)$", r"(\w+)64$"):
        match = re.match(pattern, symbol)
        if match:
            return match.group(1)
    return symbol


def where(tree, source, name):
    """The first line of source where name is called or declared; 1 when a macro hides it."""
    for number, line in enumerate(tree.code_lines(source), 1):
        if re.search(r"(?<![.>\w])%s\b" % re.escape(name), line):
            return number
    return 1


def check_needed(tree, source, name):
    name, why = plain(name), None
    if name in BANNED:
        why = "%s is never used here" % name
    elif name in MEMORY and not source.startswith(MEMORY_FOLDERS):
        why = "%s outside base and rt: take memory from an arena or a struct mem" % name
    elif name in SYSTEM and not source.startswith(SYSTEM_FOLDERS):
        why = "%s outside rt" % name
    return [Finding(source, where(tree, source, name), "calls", why)] if why else []


def check_objects(tree):
    findings = []
    for source, symbols in sorted(tree.symbols().items()):
        if is_test(source):
            continue
        for name, letter, section in symbols:
            if letter in "Uw":
                findings += check_needed(tree, source, name)
            elif MUTABLE.match(section) and letter not in "Nn" and not name.startswith("."):
                if os.path.basename(source) == "main.c":
                    continue
                line = where(tree, source, name.split(".")[0])
                if not tree.excepted(source, line, "global"):
                    findings.append(Finding(source, line, "globals", "%s is mutable" % name))
    return findings


def check_text(tree, path):
    findings = []
    for number, line in enumerate(tree.code_lines(path), 1):
        if TYPEDEF.match(line):
            findings.append(Finding(path, number, "names", "a struct, union or enum typedef"))
        if not is_test(path):
            continue
        for name in re.findall(r"(?<![.>\w])(\w+)\s*\(", line):
            if name in BANNED:
                findings.append(Finding(path, number, "calls", "%s is never used here" % name))
    return findings


def compile_header(tree, path):
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
               "-Wno-unused-function", "-fsyntax-only", "-I" + os.path.join(tree.root, "src")]
    if tree.build:
        command.append("-I" + os.path.join(tree.build, "src"))
    source = '#include "%s"\n' % path[len("src/"):]
    done = subprocess.run(command + ["-x", "c", "-"], input=source.encode(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        return []
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    first = next((line for line in lines if "error" in line), "")
    return [Finding(path, 1, "headers", "does not compile alone: " + first)]


def check(tree):
    findings = check_objects(tree)
    for path in tree.files(".c", ".h", under="src"):
        findings += check_text(tree, path)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda p: compile_header(tree, p), tree.files(".h", under="src")):
            findings += found
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
