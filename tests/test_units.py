"""Lengths of time and of files are said in few words."""

import pytest

from azml_integrations import units


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.00 s"), (59.994, "59.99 s"), (65, "1 m 05 s"), (3600, "1 h 00 m"), (90_000, "25 h 00 m")],
)
def test_durations_in_words(seconds, said):
    """Two units at most: nobody asks for the seconds of a day."""
    assert units.duration(seconds) == said


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (5e15, "5000.0 TB")]
)
def test_sizes_in_words(n, said):
    """Powers of ten, as disks are sold."""
    assert units.size(n) == said
