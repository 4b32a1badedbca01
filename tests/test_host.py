"""What differs between platforms: locks, forks, boots, mounts."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from azml_integrations import host

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/me/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/with\\040space rw - fuse.sshfs host: rw
33 22 0:42 / /mnt/gluster rw - fuse.glusterfs host:/v rw
"""


def test_a_lock_is_seen_by_another_process(tmp_path):
    """The kernel holds it for whoever asks, and drops it when the file is closed."""
    path = tmp_path / "file"
    path.touch()
    ask = (
        "import os; from azml_integrations import host\n"
        f"print(host.try_lock(os.open({str(path)!r}, os.O_RDONLY), exclusive=False))"
    )

    fd = os.open(path, os.O_WRONLY)
    host.lock(fd, exclusive=True)
    held = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    os.close(fd)
    freed = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout

    assert (held, freed) == ("False\n", "True\n")


def test_shared_locks_do_not_stand_against_each_other(tmp_path):
    """Several guests write beside each other; only an exclusive wish finds them in its way."""
    path = tmp_path / "file"
    path.touch()
    one, two, three = (os.open(path, os.O_RDONLY) for _ in range(3))
    assert host.try_lock(one, exclusive=False)
    assert host.try_lock(two, exclusive=False)
    assert not host.try_lock(three, exclusive=True)
    for fd in (one, two, three):
        os.close(fd)


def test_machine_and_boot_have_names():
    """They stay the same within a boot, and a journal's header carries them."""
    assert host.name() == os.uname().nodename
    assert re.fullmatch(r"[0-9a-f-]{36}|since-\d+", host.boot())
    assert host.boot() == host.boot()


def test_a_process_without_a_login_has_no_user(monkeypatch):
    """A container's bare number is no reason to fail."""

    def nobody():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    host.user.cache_clear()
    assert host.user() is None
    host.user.cache_clear()


def test_a_forked_child_abandons_what_is_its_parents():
    """Everything that must not be used as it is hears of the fork, in the child alone."""

    class Thing:
        calls = 0

        def abandon(self):
            self.calls += 1

    thing = Thing()
    host.abandon_in_child(thing)
    pid = os.fork()
    if pid == 0:
        os._exit(thing.calls)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert thing.calls == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp/x", "ext4"),
        ("/home/me/azml", "nfs4"),
        ("/home/me/local/azml", "xfs"),
        ("/mnt/with space/azml", "sshfs"),
        ("/mnt/gluster", "glusterfs"),
        ("/homeless", "ext4"),
    ],
)
def test_the_longest_mount_point_tells_the_filesystem(tmp_path, path, kind):
    """A local disk below a network home is local."""
    assert host._filesystem(type(tmp_path)(path), MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "glusterfs"])
def test_network_filesystems_are_known(kind):
    """SQLite must never run over one of them."""
    assert kind in host.NETWORK_FILESYSTEMS


def test_this_machines_own_folder_is_asked_without_error(tmp_path):
    """Whatever the mount table holds, the answer is a bool."""
    assert host.on_network(tmp_path) in (True, False)


def test_a_folder_that_is_not_there_is_not_writable(tmp_path):
    """And one that is there is."""
    assert host.writable(tmp_path)
    assert not host.writable(tmp_path / "nowhere")


class Slow:
    """Takes as long to compute as the test wants."""

    def __init__(self, begun=None, go=None):
        self.begun, self.go, self.times = begun, go, 0

    @host.computed_once
    def answer(self):
        """What it all amounts to."""
        self.times += 1
        if self.begun is not None:
            self.begun.set()
            assert self.go.wait(30)
        return 42


def test_what_is_computed_once_is_there_afterwards():
    """As functools has it: the instance holds the value, the class the description."""
    slow = Slow()
    assert (slow.answer, slow.answer, slow.times) == (42, 42, 1)
    assert Slow.answer.__doc__ == "What it all amounts to."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_child_forked_while_another_thread_computes_does_not_wait_for_it():
    """A worker of a search is forked while a page is read: it must not inherit a lock that nobody will release."""
    begun, go = threading.Event(), threading.Event()
    busy = Slow(begun, go)
    thread = threading.Thread(target=lambda: busy.answer)
    thread.start()
    assert begun.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(Slow().answer)
    deadline = time.monotonic() + 30
    done, status = 0, 0
    while not done and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    go.set()
    thread.join()
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done, "the child waits for a lock"
    assert os.waitstatus_to_exitcode(status) == 42
