"""From values to what is printed."""

import pytest

from azml_integrations.cli import words


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
