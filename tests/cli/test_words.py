"""From values to what is printed."""

import pytest

from azml_integrations.cli import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.00 s"), (59.994, "59.99 s"), (65, "1 m 05 s"), (3600, "1 h 00 m"), (90_000, "25 h 00 m")],
)
def test_durations_in_words(seconds, said):
    """Two units at most: nobody asks for the seconds of a day."""
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (5e15, "5000.0 TB")]
)
def test_sizes_in_words(n, said):
    """Powers of ten, as disks are sold."""
    assert words.size(n) == said


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Größe 模型 📈", "Größe 模型 📈"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("left\u202eright", "left\\u202eright"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_not_printable_is_shown_as_an_escape(given, shown):
    """Letters of any script stay; what could steer a terminal does not."""
    assert words.visible(given) == shown


def test_a_moment_beyond_the_calendar_is_a_number():
    """A journal may say anything, and a listing goes on."""
    assert words.iso(0.0) == "1970-01-01T00:00:00.000000Z"
    assert words.iso(1e300) == "1e+300"
    assert words.iso(None) is None


def test_an_empty_list_is_valid_json(capsys):
    """A program that reads nothing still reads JSON."""
    words.listing("json", [words.Column("a", "a")], [])
    assert capsys.readouterr().out == "[]\n"
