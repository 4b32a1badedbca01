"""Which columns a terminal has room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations.cli import layout
from azml_integrations.cli.layout import Demand

widths = st.integers(0, 300)
demands = st.lists(
    st.builds(lambda width, least, rank: Demand(width, min(width, least), rank), widths, widths, st.integers(0, 5)),
    min_size=1,
)


def test_where_there_is_room_nothing_changes():
    """Every column has the width it asks for."""
    assert layout.fitted([Demand(8, 8), Demand(30, 24), Demand(5, 5, rank=5)], 80) == {0: 8, 1: 30, 2: 5}


def test_the_highest_rank_goes_first_and_the_rightmost_of_several():
    """What the user named outlives what we chose, and what stands first outlives what follows."""
    wide = [Demand(10, 10), Demand(10, 10, 1), Demand(10, 10, 5), Demand(10, 10, 5), Demand(10, 10, 1)]

    assert [list(layout.fitted(wide, room)) for room in (58, 57, 45, 33, 21, 9)] == [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 4],
        [0, 1, 4],
        [0, 1],
        [0],
        [0],
    ]


def test_the_widest_gives_way():
    """A long name is cut before a short one."""
    assert layout.fitted([Demand(200, 24), Demand(30, 24)], 56) == {0: 27, 1: 27}


@given(demands, st.integers(20, 250))
def test_a_table_is_as_wide_as_the_terminal_or_as_it_must_be(demands, room):
    """No column is pressed below its least, none is wider than it asks, and none of rank 0 is left out."""
    fitted = layout.fitted(demands, room)

    assert {place for place, one in enumerate(demands) if not one.rank} <= fitted.keys()
    assert all(demands[place].least <= width <= demands[place].width for place, width in fitted.items())
    kept = [demands[place] for place in fitted]
    must = layout.total([one.least for one in kept])
    assert layout.total(list(fitted.values())) <= max(room, must)
    assert must <= room or not any(one.rank for one in kept)


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("training_mean_squared_error", ["training_", "mean_", "squared_", "error"]),
        ("val/loss", ["val/loss"]),
        ("started (UTC)", ["started", "(UTC)"]),
        ("incomprehensibilities", ["incomprehensibilities"]),
        ("__a__", ["__a__"]),
        ("", [""]),
    ],
)
def test_a_title_breaks_where_it_has_a_place_for_that(title, lines):
    """Nine characters of a value need no title of thirty."""
    assert layout.broken(title, 9).split("\n") == lines
