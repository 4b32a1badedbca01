"""The nouns of a picture and the letters on it: what stands where, and whether it can be read."""

import itertools

import numpy as np
import pytest

from azml_integrations.pictures import distinct, letters, page


@pytest.mark.parametrize(
    "labels",
    [
        [f"the very same beginning, {number}, and the very same end" for number in range(15)],
        [f"{number:02} of the same kind, and the very same end" for number in range(15)],
        [f"x{'y' * 50}{number}{'y' * 50}" for number in range(15)],
        ["  a\n b", "$x$", "long" * 9],
    ],
    ids=["middle", "beginning", "deep in the middle", "odd"],
)
def test_class_labels_in_a_picture_are_short_and_differ(labels):
    """Shortened to the same text, fifteen plants were one."""
    shown = distinct(labels)
    assert len(set(shown)) == len(labels)
    assert max(map(len, shown)) <= 40


def test_labels_of_many_classes_do_not_overlap():
    """Sixty labels beside a matrix of ten centimetres: every third one is read, upwards, and in the room it has."""
    names = [f"class of the long name {number}" for number in range(60)]
    for across in (True, False):
        axis = page.places("", names, page.SIDE, across=across)
        step = page.SIDE / 60 * np.diff(axis.ticks).min()
        assert step >= page.SMALL * page.LINE
        assert axis.upright == across
    assert not page.places("", ["a", "b"], page.SIDE).upright


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3000, -100, ["-3,000", "-2,000", "-1,000"]),
        (-1e-5, 1e-5, ["-1e-05", "-5e-06", "0", "5e-06", "1e-05"]),
        (5, 5, ["3", "4", "5", "6", "7"]),
        (1e6, 1e6 + 0.5, ["1,000,000.0", "1,000,000.2", "1,000,000.4"]),
        (0, np.nan, ["-0.4", "-0.2", "0", "0.2", "0.4"]),
    ],
)
def test_ticks_are_round_and_have_room(low, high, names):
    """A tick says exactly where it stands; where the names are long there are fewer of them."""
    axis = page.scale("", np.array([low, high], dtype=float), room=300)
    assert list(axis.names) == names
    widths = [letters.width(name, page.SMALL) for name in names]
    places = (np.array(axis.ticks) - axis.low) / (axis.high - axis.low) * 300
    for (left, right), (one, other) in zip(itertools.pairwise(places), itertools.pairwise(widths), strict=True):
        assert left + one / 2 < right - other / 2


def test_words_are_as_wide_as_matplotlib_says():
    """Letters are shaped once and put side by side: that must be what matplotlib makes of the word."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    word = "Handlungsreisende 1,797 (AUC = 0.997)"
    whole = TextPath((0, 0), word, size=100, prop=FontProperties(family="DejaVu Sans"))
    vertices, codes, width = letters.outline(word, 100)
    assert len(codes) == len(whole.codes)
    assert width == pytest.approx(whole.vertices[:, 0].max(), rel=0.02)
    assert np.abs(vertices[:-1] - whole.vertices[:-1]).max() < 5  # kerning moves letters by less [% of their size]


def test_dollars_are_dollars_and_unknown_letters_are_told_apart():
    """No mathematics in a class label, no warning about a glyph, and two words of another script stay two."""
    assert letters.width("$x$", 10) == pytest.approx(2 * letters.width("$", 10) + letters.width("x", 10))
    assert letters.readable("ü€ \ue001\ue002") == "ü€ \\ue001\\ue002"  # of no script: private to nobody's font
