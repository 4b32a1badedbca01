"""The estimator as scikit-learn draws it in a notebook, as a page of its own: ``estimator.html``."""

import contextlib
import html
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations import Run

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the page may do: show. Nothing is loaded and no script runs, also none that came in with a parameter."""
COUNTERS = {"_CONTAINER_ID_COUNTER": "sk-container-id-", "_ESTIMATOR_ID_COUNTER": "sk-estimator-id-"}
"""Where scikit-learn counts the elements of its diagrams, and how their ids begin."""


def store_diagram(run: "Run", estimator: Any, folder: str, missing: dict[str, str]) -> list[str]:
    """Write ``estimator.html`` into a folder of a run, and return what was stored.

    Parameters
    ----------
    run : Run
        Where to write.
    estimator : object
        What to draw.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    missing : dict of str to str
        Gets why, where it cannot be drawn.
    """
    try:
        drawn = page(estimator)
    except Exception as error:  # noqa: BLE001 - a parameter's repr and a user's constructor may raise anything
        missing["estimator.html"] = f"it cannot be drawn: {type(error).__name__}: {error}"
        return []
    run.upload_file(f"{folder}/estimator.html", io.BytesIO(drawn.encode("utf-8", "backslashreplace")))
    return ["estimator.html"]


def page(estimator: Any) -> str:
    """Return the diagram of an estimator, as it was before its fit, as an HTML page that needs nothing beside it.

    A diagram of what is fitted would evaluate every property of it (the importances of a forest, say) and show
    learned values; those are in the run in better shape. The theme, which a script would choose, is the light one.
    """
    from sklearn.utils import estimator_html_repr

    with _own_ids(sys.modules[estimator_html_repr.__module__]) as drawn:
        drawn.append(estimator_html_repr(unfitted(estimator)))
    name = html.escape(type(estimator).__name__)
    diagram = drawn[0].replace('class="sk-top-container sk-global"', 'class="sk-top-container sk-global light"', 1)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{name}</title>\n{diagram}\n</html>\n'
    )


def unfitted(value: Any) -> Any:
    """Return an estimator as `sklearn.base.clone` does, without copying any parameter that is no estimator."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(unfitted(each) for each in value)
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value)(**{name: unfitted(each) for name, each in value.get_params(deep=False).items()})
    return value


@contextlib.contextmanager
def _own_ids(module: Any) -> Iterator[list[str]]:
    """Put the counters back, so that the ids of the user's next diagram are those that it has without us.

    Where another thread has drawn meanwhile they stay as they are: no id is given twice.
    """
    before = {name: module.__dict__[name].count for name in COUNTERS if name in module.__dict__}
    drawn: list[str] = []
    yield drawn
    for name, count in before.items():
        counter = module.__dict__[name]
        if counter.count == count + drawn[0].count(f'id="{COUNTERS[name]}'):
            counter.count = count
