"""What a run prints is shown as it comes, in SDK v1's frame, and a terminal sees what a silent run waits for."""

import io

import pytest

from azml_integrations.core.following import Follower


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def folder(tmp_path):
    for name in ("user_logs", "azureml-logs"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_a_file_is_shown_as_it_grows(folder):
    out = io.StringIO()
    follower = Follower(folder, out)
    log = folder / "user_logs" / "std_log.txt"
    assert not follower.show()
    log.write_text("one\n")
    assert follower.show()
    assert not follower.show()
    with log.open("a") as file:
        file.write("two\n")
    follower.end()
    assert out.getvalue() == "Streaming user_logs/std_log.txt\n===============================\n\none\ntwo\n"


def test_a_character_that_is_half_written_waits_for_its_other_half(folder):
    out = io.StringIO()
    follower = Follower(folder, out)
    log = folder / "user_logs" / "std_log.txt"
    log.write_bytes("é".encode()[:1])
    follower.show()
    log.write_bytes("é".encode() + b"\xff!")
    follower.end()
    assert out.getvalue().endswith("é\N{REPLACEMENT CHARACTER}!")


def test_of_several_processes_the_first_is_shown_and_the_build_comes_before(folder):
    for name in (
        "user_logs/std_log_process_0.txt",
        "user_logs/std_log_process_1.txt",
        "azureml-logs/20_image_build_log.txt",
        "user_logs/mine.txt",
    ):
        (folder / name).write_text(f"{name} speaks\n")
    out = io.StringIO()
    Follower(folder, out).end()
    titles = [line for line in out.getvalue().splitlines() if line.startswith("Streaming")]
    assert titles == [
        "Streaming azureml-logs/20_image_build_log.txt",
        "Streaming user_logs/std_log_process_0.txt",
    ]


def test_a_terminal_sees_what_a_silent_run_waits_for(folder):
    """One line that is written over, and gone when the run speaks."""
    out = Terminal()
    follower = Follower(folder, out)
    follower.progress(lambda: "Queued, 2 before it")
    follower.progress(lambda: "Queued, 1 before it")
    assert out.getvalue() == "\r\x1b[2KQueued, 2 before it · 00:00\r\x1b[2KQueued, 1 before it · 00:00"
    (folder / "user_logs" / "std_log.txt").write_text("speaks\n")
    follower.end()
    assert "\r\x1b[2KStreaming user_logs/std_log.txt" in out.getvalue()
    before = out.getvalue()
    follower.progress(lambda: "Running")
    assert out.getvalue() == before


def test_a_file_or_pipe_sees_no_progress(folder):
    out = io.StringIO()
    Follower(folder, out).progress(lambda: "Queued")
    assert out.getvalue() == ""
