"""Keeps an interpreter that has started, and forks it for each script that would start one like it.

It is run by its path in the interpreter that a script asks for, knows nothing of this package, and imports next to
nothing: what it has imported, every script of it has. A script finds all as its own start would have left it:
arguments, environment, working directory, output, session, and what a list of processes shows of it.

Usage: ``azml_forkserver.py SOCKET ROOM`` with the number of an inherited socket; ROOM is a long word of nothing, in
whose place the command lines of scripts are written.
"""

import sys

CAME = frozenset(sys.modules)
"""Names of the modules that the start imported."""

import _socket  # noqa: E402
import gc  # noqa: E402
import marshal  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402

if getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH keeps this folder out
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes longer to import

import azml_bootstrap  # type: ignore[import-not-found]  # noqa: E402

TYPE_CHECKING = False  # as in the bootstrap
if TYPE_CHECKING:
    from typing import Any

LARGEST = 192 << 10
"""Length of the longest request [bytes]."""

BEGUN = b"begun %d"
"""What a script's process says first, with its id; what is said after that is its exit code."""

HARMLESS = ("__editable__", "_distutils_hack", "_virtualenv", "azml_")
"""Beginnings of names of modules that an environment may import at each start, beside Python's own."""

VARIABLE = b"AZUREML_RUN_ID="

COERCED = b"LC_CTYPE"
"""The one variable that Python's own start may set."""


class Request:
    """What a launcher asks for: a script with all that is its own.

    Parameters
    ----------
    message : bytes
        Words, working directory and environment.
    descriptors : list of int
        Where to answer, where to write, and what the script inherits beside.
    """

    def __init__(self, message: bytes, descriptors: "list[int]") -> None:
        self.words, self.cwd, self.variables = marshal.loads(message)  # noqa: S302 - of our own launcher
        self.answer, self.output, *self.kept = descriptors

    def close(self) -> None:
        """Let go of what is the script's."""
        for fd in (self.output, *self.kept):
            os.close(fd)


class Shown:
    """The memory where the system reads a process's command line and first environment."""

    def __init__(self) -> None:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than all of this
            fields = file.read().rpartition(b")")[2].split()
        self.arguments, end, environment = int(fields[45]), int(fields[46]), int(fields[47])
        self.room = end - self.arguments
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - as above
            found = (b"\0" + file.read()).index(b"\0" + VARIABLE)
        self.run_id = environment + found + len(VARIABLE)
        self.length = len(os.environb[VARIABLE[:-1]])
        self.write(self.run_id, os.environb[VARIABLE[:-1]])  # refused here, where nothing has happened yet

    def show(self, words: "list[bytes]", run_id: bytes) -> None:
        """Let a list of processes tell this one by its command line, and by its run."""
        line = b" ".join(words)[: self.room - 2]
        self.write(self.arguments, line.ljust(self.room - 1, b"\0") + b" ")  # ends in no null: read as one title
        self.write(self.run_id, run_id.ljust(self.length, b"\0"))

    def write(self, address: int, text: bytes) -> None:
        """Write into this process's own memory."""
        memory = os.open("/proc/self/mem", os.O_WRONLY)
        try:
            os.pwrite(memory, text, address)
        finally:
            os.close(memory)


class Server:
    """Forks on request, and tells how each script ended.

    Parameters
    ----------
    requests : int
        Descriptor of the socket.
    """

    def __init__(self, requests: int) -> None:
        self.requests = _socket.socket(fileno=requests)
        self.shown = Shown()
        self.watched = watched()
        self.startup = startup(self.watched)
        self.poll = select.poll()
        self.poll.register(requests, select.POLLIN)
        self.children: dict[int, tuple[int, int]] = {}
        self.serving = True

    def serve(self) -> bool:
        """Serve until the launcher is gone and all scripts have ended; True in the process of a script."""
        gc.freeze()  # what is here stays: the end of a script need not look through it, page by page
        self.requests.send(b"ready")
        while self.serving or self.children:
            for fd, _ in self.poll.poll():
                if fd in self.children:
                    self.tell(fd)
                elif self.take():
                    return True
        return False

    def take(self) -> bool:
        """Take a request; True in the process of its script."""
        message, ancillary, _, _ = self.requests.recvmsg(LARGEST, 1024, _socket.MSG_CMSG_CLOEXEC)
        if not message:
            self.poll.unregister(self.requests.fileno())
            self.serving = False
            return False
        request = Request(message, descriptors(ancillary))
        pid = forked() if self.is_like(request) else None
        if pid is None:
            os.close(request.answer)
        elif pid == 0:
            os.setsid()  # before it is known, so that a signal to its group finds it
            os.write(request.answer, BEGUN % os.getpid())  # not by the server: killed here, it had forked unheard
            self.leave()
            self.become(request)
            return True
        else:
            child = os.pidfd_open(pid)
            self.children[child] = pid, request.answer
            self.poll.register(child, select.POLLIN)
        request.close()
        return False

    def is_like(self, request: Request) -> bool:
        """Tell whether a start of now would be like that of this interpreter: nothing was installed since."""
        return startup(self.watched) == self.startup and is_program(request.words[0])

    def tell(self, child: int) -> None:
        """Tell the launcher how a script has ended."""
        self.poll.unregister(child)
        pid, answer = self.children.pop(child)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(child)
        try:
            os.write(answer, b"%d" % code)
        except BrokenPipeError:
            return  # the launcher is gone; its script has left word
        finally:
            os.close(answer)

    def leave(self) -> None:
        """Let go, in the process of a script, of what is the server's."""
        self.requests.close()
        for child, (_, answer) in self.children.items():
            os.close(child)
            os.close(answer)

    def become(self, request: Request) -> None:
        """Make this process what its own start would have made it."""
        os.close(request.answer)
        os.dup2(request.output, 1)
        os.dup2(request.output, 2)
        os.close(request.output)
        for fd in request.kept:
            os.set_inheritable(fd, True)
        os.chdir(request.cwd)
        for key in [key for key in os.environb if key not in request.variables and key != COERCED]:
            del os.environb[key]
        for key, value in request.variables.items():
            if os.environb.get(key) != value and key != COERCED:
                os.environb[key] = value
        self.shown.show(request.words, request.variables[VARIABLE[:-1]])
        words = [os.fsdecode(word) for word in request.words]
        sys.orig_argv[:], sys.argv[:] = words, words[1:]
        for fd, name in ((1, "stdout"), (2, "stderr")):
            stream = reopened(getattr(sys, name), fd)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        for module in {"_socket", "gc", "select"} - CAME:
            sys.modules.pop(module, None)


def reopened(stream: "Any", fd: int) -> "Any":
    """Return a stream like one that was opened at the start, on what its descriptor is now."""
    import io

    unbuffered = stream.write_through
    raw: Any = io.open(fd, "wb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115, UP020 - as Python's start does
    (raw if unbuffered else raw.raw).name = stream.name
    fresh: Any = io.TextIOWrapper(raw, stream.encoding, stream.errors, "\n", write_through=unbuffered)
    fresh.mode = "w"
    return fresh


def descriptors(ancillary: "list[tuple[int, int, bytes]]") -> "list[int]":
    """Return the descriptors that came with a message."""
    found = []
    for level, kind, content in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            found += [int.from_bytes(content[at : at + 4], sys.byteorder) for at in range(0, len(content) - 3, 4)]
    return found


def forked() -> "int | None":
    """Fork; None where the system refuses."""
    try:
        return os.fork()
    except OSError:
        return None


def told(requests: int) -> "tuple[bytes, dict[bytes, bytes]]":
    """Return which interpreter the launcher has started, and with what environment."""
    own = _socket.socket(fileno=requests)
    python, variables = marshal.loads(own.recv(LARGEST))  # noqa: S302 - of our own launcher
    own.detach()
    return python, variables


def is_given(python: bytes, variables: "dict[bytes, bytes]") -> bool:
    """Tell whether this interpreter is what was started, with the environment that it was started with.

    It is not where a shell script starts Python, which may do and choose something at each start; nor where a line in
    a ``.pth`` file sets a variable.
    """
    found = dict(os.environb)
    for name in (VARIABLE[:-1], COERCED):
        found.pop(name, None)
        variables.pop(name, None)
    return is_program(python) and found == variables


def is_program(python: bytes) -> bool:
    """Tell whether a path leads to the program that runs here."""
    try:
        return os.path.samestat(os.stat(python), os.stat("/proc/self/exe"))  # noqa: PTH116 - as above
    except OSError:
        return False


def watched() -> "list[str]":
    """Return the paths that a start of this interpreter reads, or would read if they were there."""
    site: Any = sys.modules.get("site")
    folders = [*sys.path, *(site.getsitepackages() if site else ())]
    if site and site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    lists = [os.path.join(folder, name) for folder in folders for name in listed(folder) if name.endswith(".pth")]  # noqa: PTH118 - as above
    files = [getattr(module, "__file__", None) for module in sys.modules.values()]
    cfg = os.path.join(sys.prefix, "pyvenv.cfg")  # noqa: PTH118 - as above
    return [sys.executable, cfg, *folders, *lists, *(path for path in files if path)]


def listed(folder: str) -> "list[str]":
    """Return the names in a folder, none where it is no folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - as above
    except OSError:
        return []


def startup(paths: "list[str]") -> "list[tuple[str, int]]":
    """Return those of the paths that are there, with the moments of their last change [ns]."""
    found = []
    for path in paths:
        try:
            found.append((path, os.stat(path).st_mtime_ns))  # noqa: PTH116 - as above
        except OSError:
            continue
    return found


def is_plain(requests: int) -> bool:
    """Tell whether nothing has happened in this interpreter that a script would want to happen for itself."""
    if not hasattr(os, "pidfd_open") or not hasattr(sys, "stdlib_module_names"):
        return False
    names = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    strange = [name for name in names - set(sys.stdlib_module_names) if not name.startswith(HARMLESS)]
    hooked = sys.gettrace() or sys.getprofile() or "sitecustomize" in names or "usercustomize" in names
    path = os.environ.get("PYTHONPATH")  # what is relative there means the script's folder
    relative = path and not all(os.path.isabs(entry) for entry in path.split(os.pathsep))  # noqa: PTH117 - as above
    threads = os.listdir("/proc/self/task")  # noqa: PTH208 - as above
    listed = os.listdir("/proc/self/fd")  # noqa: PTH208 - as above
    opened = {int(fd) for fd in listed if os.path.exists("/proc/self/fd/" + fd)}  # noqa: PTH110 - that of the list is not
    quiet = len(threads) == 1 and opened <= {0, 1, 2, requests} and not said()
    return not strange and not hooked and not relative and quiet


def said() -> bool:
    """Tell whether the start has written something, or the loader before it: each script's own would too."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return any(os.fstat(fd).st_size for fd in (1, 2))


def main() -> None:
    """Serve, and run a script in each process that is forked for one."""
    requests = int(sys.argv[1])
    if is_given(*told(requests)) and is_plain(requests) and Server(requests).serve():
        azml_bootstrap.main()


if __name__ == "__main__":
    main()
