"""A disk whose power can be cut: a file system in an image, and the image on a file system that can
copy it in an instant.

    image on this machine -> loop -> XFS with reflink -> image -> loop -> file system under test

The inner loop device writes past the cache of XFS (direct I/O). So the image holds what the file
system under test has sent to its device, and nothing that still waits in memory: what was not
synced is not there, unless the kernel wrote it by itself. cut() clones the image in one call
(FICLONE, what cp --reflink does), in which writes that are under way are either in or out; mount()
of the clone replays the file system's journal as after a power cut.

All mounts are made in the mount namespace of the test (run.py), and each loop device goes with its
mount: nothing is left whatever ends the test.
"""

import fcntl
import os
import shutil
import subprocess
import time

from harness import Skip

FICLONE = 0x40049409
OUTER_BYTES = 8 << 30           # sparse
INNER_BYTES = 1 << 30
TOOLS = ("losetup", "mount", "umount", "mkfs.xfs", "mkfs.ext4")
# The file systems under test: how they are made and mounted. The second ext4 keeps as much in
# memory as it may and does not order data before names.
KINDS = {"ext4": (["mkfs.ext4", "-q", "-F"], "noatime"),
         "ext4-writeback": (["mkfs.ext4", "-q", "-F"],
                            "noatime,data=writeback,noauto_da_alloc,commit=300"),
         "xfs": (["mkfs.xfs", "-q", "-f", "-s", "size=4096"], "noatime,nouuid")}
BUSY_SECONDS = 10


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout.strip()


def tool(name):
    return shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")


def skip_without():
    """Raises Skip where there can be no such disk."""
    missing = [name for name in TOOLS if not tool(name)]
    if os.getuid() != 0:
        raise Skip("power cuts need root: loop devices and mounts")
    if missing:
        raise Skip(f"power cuts need {' '.join(missing)}")
    if not os.environ.get("FRANK_CRASH_NAMESPACE"):
        raise Skip("power cuts need a mount namespace: start them by ./dev crash")


class Disk:
    """One such disk below a folder; `where` is the mount point of the file system under test."""

    def __init__(self, folder, kind):
        skip_without()
        self.make, self.options = KINDS[kind]
        self.outer = os.path.join(folder, "outer")
        self.outer_image = os.path.join(folder, "outer.img")
        self.where = os.path.join(folder, "disk")
        self.images = 0
        self.mounted = []
        os.makedirs(self.outer)
        os.makedirs(self.where)
        try:
            self.begin()
        except AssertionError as err:
            self.release()
            raise Skip(f"no loop devices or no XFS here: {err}") from err

    def begin(self):
        with open(self.outer_image, "wb") as file:
            file.truncate(OUTER_BYTES)
        run(tool("mkfs.xfs"), "-q", "-f", "-m", "reflink=1", self.outer_image)
        self.attach(self.outer_image, self.outer, "noatime", direct=False)
        with open(self.image(), "wb") as file:
            file.truncate(INNER_BYTES)
        run(tool(self.make[0]), *self.make[1:], self.image())
        self.attach(self.image(), self.where, self.options)

    def image(self):
        return os.path.join(self.outer, f"image-{self.images}")

    def attach(self, image, where, options, direct=True):
        """Mounts an image; its loop device goes when it is unmounted."""
        device = run(tool("losetup"), "--find", "--show",
                     f"--direct-io={'on' if direct else 'off'}", image)
        try:
            run(tool("mount"), "-o", options, device, where)
            self.mounted.append(where)
        finally:
            run(tool("losetup"), "--detach", device)

    def cut(self):
        """The power goes: what is on the disk in this instant is in a new image."""
        old = self.image()
        self.images += 1
        with open(old, "rb") as source, open(self.image(), "wb") as target:
            fcntl.ioctl(target.fileno(), FICLONE, source.fileno())

    def remount(self):
        """The power is back: the new image in the place of the old one, which goes."""
        self.unmount(self.where)
        os.unlink(os.path.join(self.outer, f"image-{self.images - 1}"))
        self.attach(self.image(), self.where, self.options)

    def unmount(self, where):
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                run(tool("umount"), where)
                self.mounted.remove(where)
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def release(self):
        for where in reversed(list(self.mounted)):
            self.unmount(where)
        if os.path.exists(self.outer_image):
            os.unlink(self.outer_image)
