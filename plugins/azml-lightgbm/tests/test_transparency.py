"""Training does not notice: same functions afterwards, and while it is on they look like themselves."""

import inspect

import lightgbm
import lightgbm.sklearn
from lightgbm import engine

from azml_integrations import autolog


def test_everything_is_given_back(experiment):
    """To the object."""
    places = [(lightgbm, "train"), (engine, "train"), (lightgbm.sklearn, "train"), (lightgbm, "cv"), (engine, "cv")]
    before = [getattr(*place) for place in places]
    autolog("lightgbm", silent=True)
    for place, plain in zip(places, before, strict=True):
        observed = getattr(*place)
        assert observed is not plain
        assert inspect.signature(observed) == inspect.signature(plain)
    autolog(False)

    assert [getattr(*place) for place in places] == before
