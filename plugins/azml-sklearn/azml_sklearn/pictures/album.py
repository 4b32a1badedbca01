"""All kinds of pictures, and how they get into a run."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

from azml_integrations.pictures import KINDS, NamedPicture, log_picture, png

from ..charts import Curve, Value, against_each
from . import course_of_fit, feature_importances
from .evidence import Evidence

if TYPE_CHECKING:
    from azml_integrations import Run

OF_THE_FIT: tuple[ModuleType, ...] = (feature_importances, course_of_fit)
"""Each has a ``NAME``, a ``TITLE``, and the functions ``facts(evidence)``, ``page(facts, title)``, ``table(facts)``."""


def log_pictures(
    run: "Run",
    evidence: Evidence,
    folder: str,
    missing: dict[str, str],
    attempt: Callable[["Run"], AbstractContextManager[None]],
    prefix: str = "",
) -> list[str]:
    """Draw and store all pictures that there are for a model, and their numbers as tables.

    Parameters
    ----------
    run : Run
        Where to.
    evidence : Evidence
        What they are made from.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    missing : dict of str to str
        Gets why a picture is not there, by its name.
    attempt : callable
        Returns what each picture is made in: one that fails may cost only itself.
    prefix : str, default=""
        ``test_``; that of the training data is empty.

    Returns
    -------
    list of str
        Names of the files.
    """
    files: list[str] = []
    for kind in (*KINDS, *OF_THE_FIT):
        given = evidence if kind in OF_THE_FIT else evidence.judged
        title = _title(kind, evidence, prefix)
        with attempt(run):
            files += log_picture(run, kind, given, folder, missing, title=title, prefix=prefix)
    return files


def log_charts(
    run: "Run",
    parameters: Mapping[str, Sequence[Value]],
    curves: Mapping[str, Curve],
    title: str,
    folder: str,
    name: str,
    missing: dict[str, str],
    attempt: Callable[["Run"], AbstractContextManager[None]],
    *,
    file: str = "",
) -> list[str]:
    """Draw scores against each parameter that varies, and store the pictures as ``{name}_by_{parameter}``.

    Parameters
    ----------
    run : Run
        Where to.
    parameters, curves, title
        As `charts.against_each` takes them.
    folder : str
        Folder in the run, ``outputs/fits``.
    name : str
        What stands before the parameter in a picture's name.
    missing : dict of str to str
        Gets why a picture is not there, by its name.
    attempt : callable
        Returns what each picture is made in.
    file : str, default=""
        What stands before the parameter in a file's name.

    Returns
    -------
    list of str
        Paths of the files.
    """
    if find_spec("matplotlib") is None:
        missing |= dict.fromkeys([f"{name}_by_{parameter}" for parameter in parameters], "matplotlib is not installed")
        return []
    files: list[str] = []
    for parameter, page in against_each(parameters, curves, title):
        if isinstance(page, str):
            missing[f"{name}_by_{parameter}"] = page
            continue
        with attempt(run):
            safe = re.sub(r"[^A-Za-z0-9_.-]", "_", parameter)
            picture = NamedPicture(f"{folder}/{file}{safe}.png", png(page))
            run.log_image(f"{name}_by_{parameter}", picture)
            files.append(picture.name)
    return files


def _title(kind: ModuleType, evidence: Evidence, prefix: str) -> str:
    title = f"{kind.TITLE} of {type(evidence.estimator).__name__}"
    if evidence.judged is None or kind in OF_THE_FIT:
        return title
    return f"{title}, {evidence.judged.rows:,} {prefix.rstrip('_') or 'training'} rows"
