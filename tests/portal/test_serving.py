"""A studio that runs, is found, and ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from azml_integrations.errors import UserErrorException
from azml_integrations.portal import serving


def eventually(true, seconds=30.0):
    until = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
    return answer


def text_of(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture
def command(workspace):
    """Start ``azml studio`` in a process of its own."""
    begun = []

    def start(*words, **options):
        call = [
            sys.executable,
            "-m",
            "azml_integrations.cli",
            "--workspace",
            str(workspace.root),
            "studio",
            "--no-browser",
        ]
        process = subprocess.Popen(
            [*call, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


def link_of(process):
    lines = iter(process.stdout.readline, "")
    return next(match[0] for line in lines if (match := re.search(r"https?://\S+", line)))


def test_the_printed_link_works(command, workspace, run):
    """The command prints one link; whoever has it is in, whoever has not is out."""
    process = command("--port", "0")
    link = link_of(process)
    assert 'http-equiv="refresh"' in text_of(link)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        text_of(link.partition("?")[0])
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) is not None
    assert serving.running(workspace.root) is None


def test_the_portal_address_is_that_of_the_running_studio(command, workspace, run):
    """`run.get_portal_url()` answers with a link that opens this run's page."""
    link_of(command("--port", "0"))
    address = run.get_portal_url()
    assert f"/runs/{run.id}?token=" in address
    assert f"url=./{run.id}" in text_of(address)
    assert "/experiments/trials?token=" in run.experiment.get_portal_url()


def test_a_studio_that_was_killed_is_not_found(command, workspace):
    """Its file still lies there; the kernel has let go of its lock."""
    process = command("--port", "0")
    link_of(process)
    found = eventually(lambda: serving.running(workspace.root))
    assert (found.pid, oct((workspace.root / serving.ANNOUNCEMENT).stat().st_mode)[-3:]) == (process.pid, "600")
    process.kill()
    process.wait()
    assert serving.running(workspace.root) is None
    link_of(command("--port", "0"))
    assert serving.running(workspace.root).pid != process.pid


def test_nothing_is_started_where_nobody_types(run, recwarn):
    """A script asks for an address and gets one, and a warning; it does not get a server."""
    address = run.get_portal_url()
    assert address == f"http://127.0.0.1:8484/runs/{run.id}"
    assert "no studio serves this page here" in str(recwarn.pop().message)


def test_a_person_at_a_prompt_gets_a_studio_that_ends_with_them(workspace, run):
    """A prompt asks for the address: a studio starts in a process of its own, and ends with the prompt."""
    program = (
        "import sys; sys.ps1 = '>>> '\n"
        "from azml_integrations.core import Run\n"
        "from azml_integrations.core.workspace import from_address\n"
        f"print(Run.get(from_address({str(workspace.root)!r}), {run.id!r}).get_portal_url(), flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as prompt:
        address = prompt.stdout.readline().strip()
        assert f"/runs/{run.id}?token=" in address
        assert "refresh" in text_of(address)
        prompt.stdin.close()
    eventually(lambda: serving.running(workspace.root) is None)


def test_a_studio_that_does_not_come_up_is_waited_for_once(workspace, run, monkeypatch, tmp_path):
    """A cell that shows a run must not wait each time for what has failed."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(serving, "STARTING", 0.2)
    monkeypatch.setattr(serving, "python_words", lambda *words: [sys.executable, "-c", "pass"])
    begun = []
    start = serving.start
    monkeypatch.setattr(serving, "start", lambda space: begun.append(space) or start(space))
    assert serving.address_of("runs/x", workspace, may_start=True) is None
    assert serving.address_of("runs/x", workspace, may_start=True) is None
    assert len(begun) == 1


def test_only_who_asks_for_an_address_has_a_studio_started(workspace, run, monkeypatch):
    """A table in a notebook, a report and a line of output neither start one nor give away a token."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(serving, "start", lambda _: pytest.fail("nobody has asked"))
    said = serving.Announcement("http://127.0.0.1:1", "let-me-in", os.getpid(), serving.host.name())
    for known in (None, said):
        monkeypatch.setattr(serving, "running", lambda _, known=known: known)
        shown = [run._repr_html_(), run.experiment._repr_html_(), workspace._repr_html_(), run.to_html()]
        assert not any("let-me-in" in text for text in shown)
    assert "token=let-me-in" in run.get_portal_url()


def test_a_second_studio_leaves_the_first_announced(workspace):
    first = serving.Announcement("http://127.0.0.1:1", "a", os.getpid(), serving.host.name())
    second = serving.Announcement("http://127.0.0.1:2", "b", os.getpid(), serving.host.name())
    with serving.announced(workspace.root, first) as told, serving.announced(workspace.root, second) as again:
        assert (told, again) == (True, False)
        assert serving.running(workspace.root) == first
    assert serving.running(workspace.root) is None


def test_the_file_of_another_machine_is_no_studio_here(workspace):
    with serving.announced(workspace.root, serving.Announcement("http://127.0.0.1:1", "a", 1, "elsewhere")):
        assert serving.running(workspace.root) is None


def test_a_taken_port_gives_way_or_says_so():
    """8484 gives way to the next free one; a port that was asked for is had, or an error says the way out."""
    with serving.listening("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        with pytest.raises(UserErrorException, match=f"127.0.0.1:{port}.*--port 0 takes a free one"):
            serving.listening("127.0.0.1", port)
    with serving.listening("127.0.0.1", serving.PORT) as one, serving.listening("127.0.0.1", serving.PORT) as other:
        assert one.getsockname()[1] != other.getsockname()[1]


def test_without_the_extra_the_command_says_what_to_install(monkeypatch, workspace):
    monkeypatch.setattr(serving, "NEEDED", ("starlette", "not_there"))
    with pytest.raises(UserErrorException, match=r"needs not_there.*azml-integrations\[studio\]"):
        serving.serve(workspace)


def test_off_the_loopback_the_token_is_wanted_too(command):
    """Wherever it listens, nobody comes in without the link."""
    link = link_of(command("--port", "0", "--host", "0.0.0.0"))
    assert link.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        text_of(link.partition("?")[0])


def test_a_library_user_pays_nothing():
    """Neither the library nor the command line imports the server before it serves."""
    program = (
        "import sys, azml_integrations, azml_integrations.cli.app\n"
        "from azml_integrations.portal import serving\n"
        "print(sorted({'starlette', 'uvicorn', 'jinja2', 'plotly', 'numpy'} & set(sys.modules)))"
    )
    assert json.loads(subprocess.check_output([sys.executable, "-c", program]).decode().replace("'", '"')) == []


def test_the_end_of_an_answer_does_not_wait():
    """Who is let in is answered without delay: a page is sent in two parts, and the second came 40 ms late."""
    with (
        serving.listening("127.0.0.1", 0) as door,
        socket.create_connection(door.getsockname()),
        door.accept()[0] as let_in,
    ):
        assert let_in.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_behind_a_proxy_the_link_is_the_proxys(command, workspace, run, monkeypatch):
    """One variable says where browsers come in; requests with the proxy's name pass, others do not."""
    monkeypatch.setenv("AZML_STUDIO_URL", "https://hub.example.org/user/me/proxy/{port}/")
    link = link_of(command("--port", "0"))
    door = serving.running(workspace.root)
    port = door.address.rpartition(":")[2]
    assert link == f"https://hub.example.org/user/me/proxy/{port}/?token={door.token}"
    assert run.get_portal_url().startswith(f"https://hub.example.org/user/me/proxy/{port}/runs/{run.id}?token=")
    for name in ("hub.example.org", "hub.example.org:443", f"127.0.0.1:{port}"):
        asked = urllib.request.Request(f"{door.address}/?token={door.token}", headers={"Host": name})
        assert 'http-equiv="refresh"' in text_of(asked)
    with pytest.raises(urllib.error.HTTPError, match="421"):
        text_of(urllib.request.Request(door.address, headers={"Host": "other.example.org"}))


@pytest.mark.parametrize("address", ["hub.example.org/proxy/{port}", "ftp://hub", "https://", "https://hub:x/"])
def test_a_proxy_that_is_no_address_is_refused(workspace, monkeypatch, address):
    """What was given is said, and what was expected."""
    monkeypatch.setenv("AZML_STUDIO_URL", address)
    with pytest.raises(UserErrorException, match=r"AZML_STUDIO_URL is .* expected an address"):
        serving.serve(workspace, port=0)
