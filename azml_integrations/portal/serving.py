"""A running studio: served, announced in its workspace, found again, and started when somebody asks for its address."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from .. import errors, host
from ..launch.processes import python_words

if TYPE_CHECKING:
    from ..core import Workspace

PORT = 8484
ANNOUNCEMENT = "studio.json"
PROXY = "AZML_STUDIO_URL"
"""The variable that says where browsers find a studio behind a proxy; ``{port}`` in it is the studio's."""
NEEDED = ("starlette", "uvicorn", "jinja2", "numpy")
STARTING = 15.0
"""So long somebody who asks for an address waits for a studio to start [s]."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {"http": 80, "https": 443}
_PROBED = 20
_MODE = 0o600


class Announcement(msgspec.Struct, frozen=True):
    """Where a studio listens; it holds a lock on the file that says so while it lives.

    Attributes
    ----------
    address : str
        ``http://127.0.0.1:8484``.
    token : str
        What a link to it carries.
    pid : int
        Its process on `machine`.
    machine : str
        Name of the machine.
    """

    address: str
    token: str
    pid: int
    machine: str


def missing() -> list[str]:
    """Return which packages of the extra ``[studio]`` are not installed."""
    return [name for name in NEEDED if find_spec(name) is None]


def link(announced: Announcement, path: str = "") -> str:
    """Return a link that works: it carries the token, which the studio exchanges for a cookie."""
    return f"{_seen_at(announced.address)}/{quote(path)}?token={announced.token}"


def _seen_at(address: str) -> str:
    """Return where a browser finds what listens at an address: behind a proxy, where `PROXY` names one."""
    chosen = os.environ.get(PROXY, "").rstrip("/")
    return chosen.replace("{port}", str(urlsplit(address).port)) if chosen else address


def _proxied() -> tuple[str, ...]:
    """Return the name and port that a proxy is reached by.

    Raises
    ------
    UserErrorException
        If `PROXY` is no address.
    """
    if not (chosen := os.environ.get(PROXY, "")):
        return ()
    try:
        found = urlsplit(chosen.replace("{port}", "0"))
        name, port = found.hostname or "", found.port or _PORTS.get(found.scheme, 0)
    except ValueError:
        name, port = "", 0
    if not (name and port):
        raise errors.UserErrorException(
            f"{PROXY} is {chosen!r}, expected an address such as https://hub.example.org/user/me/proxy/{{port}}"
        )
    return (f"[{name}]:{port}" if ":" in name else f"{name}:{port}",)


# -- finding -------------------------------------------------------------------------------------------


def running(root: Path) -> Announcement | None:
    """Return the studio that serves the workspace in a folder on this machine, or None."""
    path = root / ANNOUNCEMENT
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if host.try_lock(fd, exclusive=False):
            return None  # nobody holds it: the studio has died
        found = msgspec.json.decode(os.read(fd, 1 << 14), type=Announcement)
    except (OSError, msgspec.MsgspecError):
        return None
    finally:
        os.close(fd)
    return found if found.machine == host.name() else None


def address_of(path: str, workspace: "Workspace", *, may_start: bool) -> str | None:
    """Return the link to a page: of a running studio, or in an interactive process of one that is started now."""
    found = running(workspace.root)
    if found is None and may_start and interactive() and workspace.root not in _in_vain and not missing():
        found = start(workspace)
        if found is None:
            _in_vain.add(workspace.root)  # whoever asks again does not wait again
    return None if found is None else link(found, path)


def interactive() -> bool:
    """Tell whether a person types: a prompt, IPython, a notebook."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules or bool(sys.flags.interactive)


def start(workspace: "Workspace") -> Announcement | None:
    """Start a studio in a process of its own, which ends with this one; None where it does not come up.

    Training in this process is not slowed down by it, and a fork of this process does not meet it.
    """
    words = ["--workspace", str(workspace.root), "studio", "--port", "0", "--no-browser", "--until-closed"]
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command
            python_words("azml_integrations.cli", *words),
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        os.close(writing)
        return None
    finally:
        os.close(reading)
    _held.append((process, writing))  # closed by the kernel when this process ends: the studio's input ends then
    until = time.monotonic() + STARTING
    while time.monotonic() < until and process.poll() is None:
        if (found := running(workspace.root)) is not None:
            return found
        time.sleep(0.05)
    return None


_held: "list[tuple[subprocess.Popen[bytes], int]]" = []
_in_vain: set[Path] = set()


# -- serving -------------------------------------------------------------------------------------------


def listening(name: str, port: int) -> socket.socket:
    """Return a socket that listens; a port that is taken gives way to the next free ones where it is ours.

    Raises
    ------
    UserErrorException
        If the port, or the address, cannot be had.
    """
    tried = [port] if port != PORT else range(PORT, PORT + _PROBED)
    trouble = None
    for candidate in tried:
        try:
            family = socket.getaddrinfo(name, candidate, type=socket.SOCK_STREAM)[0]
            return _prompt(socket.create_server(family[4][:2], family=family[0]))
        except OSError as error:
            trouble = error
    raise errors.UserErrorException(f"nothing can listen on {name}:{port}: {trouble}; --port 0 takes a free one")


def _prompt(door: socket.socket) -> socket.socket:
    """Send the end of an answer at once: those that are let in take this over, and asyncio sets it on none of ours.

    Otherwise it waits until the browser has acknowledged the beginning, which it puts off for 40 ms.
    """
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def names_of(name: str) -> tuple[str, ...]:
    """Return under which names a studio that listens on `name` is reached."""
    from .security import LOOPBACK

    if name in _LOOPBACK:
        return LOOPBACK
    if name not in ("0.0.0.0", "::"):  # noqa: S104 - asked for
        return (*LOOPBACK, f"[{name}]" if ":" in name else name)
    here = {socket.gethostname(), socket.getfqdn()}
    with contextlib.suppress(OSError):
        here |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return (*LOOPBACK, *sorted(here))


@contextlib.contextmanager
def announced(root: Path, said: Announcement) -> Iterator[bool]:
    """Say in a workspace where its studio listens, as long as it does; False where another one says so already."""
    fd = None
    with contextlib.suppress(OSError):  # a workspace that cannot be written to is shown all the same
        fd = _claimed(root / ANNOUNCEMENT)
    if fd is None:
        yield False
        return
    try:
        os.ftruncate(fd, 0)
        os.write(fd, msgspec.json.encode(said))
        yield True
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
        os.close(fd)


def _claimed(path: Path) -> int | None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    os.fchmod(fd, _MODE)  # the token is nobody else's
    for _ in range(_PROBED):
        if host.try_lock(fd, exclusive=True):
            return fd
        time.sleep(0.01)  # for a moment somebody who looks holds it
    os.close(fd)
    return None


def serve(
    workspace: "Workspace",
    *,
    name: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    hosts: Collection[str] = (),
    until_closed: bool = False,
    told: Any = None,
) -> None:
    """Serve the studio of a workspace until it is interrupted.

    Parameters
    ----------
    workspace : Workspace
        What is shown.
    name : str
        Where to listen; whatever it is, nobody comes in without the token.
    port : int
        0 takes a free one.
    token : str, default=None
        Drawn by default.
    hosts : collection of str
        Further names under which it is reached, as behind a proxy.
    until_closed : bool, default=False
        Whether to end when the standard input does: with the process that has started this one.
    told : callable, default=None
        Called with the `Announcement` when it listens.

    Raises
    ------
    UserErrorException
        If packages are missing, or nothing can listen there.
    """
    if absent := missing():
        raise errors.UserErrorException(
            f"the studio needs {', '.join(absent)}, which are not installed; pip install 'azml-integrations[studio]'"
        )
    import threading

    import uvicorn

    from .app import create_app

    token = token or secrets.token_urlsafe(24)
    hosts = (*names_of(name), *hosts, *_proxied())
    with listening(name, port) as door:
        at, number = door.getsockname()[:2]
        seen = "127.0.0.1" if at in ("0.0.0.0", "::") else at  # noqa: S104 - of what was asked for
        spelt = f"[{seen}]" if ":" in seen else seen
        said = Announcement(f"http://{spelt}:{number}", token, os.getpid(), host.name())
        app = create_app(workspace, token=token, hosts=hosts)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=64 << 10,
        )
        server = uvicorn.Server(config)
        threading.Thread(target=app.state.studio.catalogue.refresh, daemon=True).start()  # the first page waits less
        if until_closed:
            threading.Thread(target=_await_end, args=(server,), daemon=True).start()
        with announced(workspace.root, said):
            if told is not None:
                told(said)
            server.run(sockets=[door])


def _await_end(server: Any) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1 << 10):
            pass
    server.should_exit = True
