"""A copy of what is printed, taken at the stream itself."""
# ruff: noqa: T201 - what is printed is the story

import contextlib
import io
import logging
import subprocess
import sys
import threading

from azml_integrations.core.tee import teed


def test_both_streams_in_order(tmp_path, capsys):
    """As the screen showed it."""
    with teed(tmp_path / "log.txt"):
        print("one")
        print("two", file=sys.stderr)
        sys.stdout.write("three")
        sys.stdout.writelines([" four\n", "five\n"])
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\nthree four\nfive\n"
    assert capsys.readouterr() == ("one\nthree four\nfive\n", "two\n")


def test_afterwards_the_streams_are_what_they_were(tmp_path, capsys):
    """Not wrapped, not replaced, and nothing more is written."""
    out, err, write = sys.stdout, sys.stderr, sys.stdout.write
    with teed(tmp_path / "log.txt"):
        assert (sys.stdout, sys.stderr) == (out, err)
    print("after")
    assert (sys.stdout, sys.stderr, sys.stdout.write) == (out, err, write)
    assert "write" not in vars(sys.stdout)
    assert (tmp_path / "log.txt").read_text() == ""


def test_writing_answers_what_the_stream_answers(tmp_path):
    """Programs count characters."""
    with teed(tmp_path / "log.txt"):
        assert sys.stdout.write("abc") == 3


def test_a_handler_from_before_is_heard(tmp_path):
    """It holds the stream itself, so replacing `sys.stderr` would miss it."""
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("test-tee")
    logger.addHandler(handler)
    with teed(tmp_path / "log.txt"):
        logger.error("from the logger")
    logger.error("later")
    logger.removeHandler(handler)
    assert (tmp_path / "log.txt").read_text() == "from the logger\n"


def test_listeners_may_come_and_go_in_any_order(tmp_path):
    """Runs overlap; each hears what was printed while it lasted."""
    one, two = teed(tmp_path / "1.txt"), teed(tmp_path / "2.txt")
    one.__enter__()
    print("a")
    two.__enter__()
    print("b")
    one.__exit__(None, None, None)
    print("c")
    two.__exit__(None, None, None)
    print("d")
    assert (tmp_path / "1.txt").read_text() == "a\nb\n"
    assert (tmp_path / "2.txt").read_text() == "b\nc\n"


def test_a_full_disk_is_not_the_programs_trouble(tmp_path, capsys):
    """What is printed reaches the screen all the same."""
    with teed(type(tmp_path)("/dev/full")):
        print("still here")
    assert capsys.readouterr().out == "still here\n"


def test_a_stream_that_was_swapped_inside_is_left_alone(tmp_path):
    """`redirect_stdout` is the user's wish; ours ends with the block."""
    inside = io.StringIO()
    with teed(tmp_path / "log.txt"), contextlib.redirect_stdout(inside):
        print("redirected")
    print("after")
    assert inside.getvalue() == "redirected\n"
    assert (tmp_path / "log.txt").read_text() == ""


def test_a_missing_stream_is_no_error(tmp_path, monkeypatch):
    """``pythonw`` has no stdout; daemons close theirs."""
    monkeypatch.setattr(sys, "stdout", None)
    with teed(tmp_path / "log.txt"):
        print("to stderr", file=sys.stderr)
    assert (tmp_path / "log.txt").read_text() == "to stderr\n"


def test_a_stream_that_cannot_be_heard_is_no_error(tmp_path, monkeypatch):
    """An embedding program's own stream may have no room for our ear."""

    class Slotted:
        __slots__ = ()

        def write(self, text):
            return len(text)

    monkeypatch.setattr(sys, "stdout", Slotted())
    with teed(tmp_path / "log.txt"):
        print("unheard")
    assert (tmp_path / "log.txt").read_text() == ""


def test_characters_that_are_none_are_written_escaped(tmp_path, monkeypatch):
    """A broken file name on the screen must not stop the program."""
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape"))
    with teed(tmp_path / "log.txt"):
        sys.stderr.write("grün \udcff\n")
    assert (tmp_path / "log.txt").read_bytes() == "grün \\udcff\n".encode()


def test_threads_print_whole_lines(tmp_path):
    """Each write is one write."""
    with teed(tmp_path / "log.txt"):
        threads = [
            threading.Thread(target=lambda n=n: [sys.stdout.write(f"{n}\n") for _ in range(100)]) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted((tmp_path / "log.txt").read_text().split()) == sorted(str(n) for n in range(4) for _ in range(100))


def test_the_real_streams_of_a_process_are_heard(tmp_path):
    """Not only pytest's."""
    program = (
        "import sys, pathlib; from azml_integrations.core.tee import teed\n"
        "with teed(pathlib.Path('log.txt')):\n    print('out'); print('err', file=sys.stderr)\nprint('after')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("out\nafter\n", "err\n")
    assert (tmp_path / "log.txt").read_text() == "out\nerr\n"
