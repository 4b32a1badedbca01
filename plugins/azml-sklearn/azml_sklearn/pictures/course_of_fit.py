"""How a model that is fitted in rounds became better, round by round, in the words of its attributes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azml_integrations.pictures import thinned
from azml_integrations.pictures.page import Line, Page, Panel, Table, color, scale
from azml_sklearn.training import innermost

from .evidence import Evidence

if TYPE_CHECKING:
    from azml_integrations.pictures.page import Array

NAME, TITLE = "course_of_fit", "Course of the fit"
GROUPS = (
    ("Loss", ("loss_curve_",)),
    ("Score", ("validation_scores_",)),
    ("Score", ("train_score_", "validation_score_")),
    ("Loss", ("oob_scores_",)),
    ("Error", ("estimator_errors_",)),
    ("Lower bound", ("lower_bounds_",)),
)
"""Attributes that stand in one panel, because they are of one unit."""
WIDTH, HEIGHT = 480, 260
"""Of a panel [px]."""
FEWEST = 2


@dataclass(frozen=True)
class Course:
    """One attribute: its value in each round, the panel it belongs to, and the number of its first round."""

    name: str
    unit: str
    values: "Array"
    first: int = 1


def facts(evidence: Evidence) -> list[Course] | None:
    """Return the attributes that grew with each round; None where there are none."""
    import numpy as np

    if not evidence.fitted:
        return None
    model, found = innermost(evidence.estimator), []
    scores = hasattr(model, "validation_score_")  # of HistGradientBoosting, which tells round 0, before any tree
    for unit, names in GROUPS:
        for name in names:
            values = getattr(model, name, None)
            if isinstance(values, list | tuple | np.ndarray) and len(values) >= FEWEST:
                of_unit = "Loss" if name == "train_score_" and not scores else unit
                found.append(Course(name.rstrip("_"), of_unit, np.asarray(values, dtype=float), 0 if scores else 1))
    return found or None


def page(courses: list[Course], title: str) -> Page:
    """Draw a panel for each unit."""
    import numpy as np

    panels = []
    for unit in dict.fromkeys(course.unit for course in courses):
        of_unit = [(place, course) for place, course in enumerate(courses) if course.unit == unit]
        lines = [
            Line(course.first + np.arange(len(course.values)), course.values, color(place), label=course.name)
            for place, course in of_unit
        ]
        across = scale("Round", *(line.x for line in lines), room=WIDTH)
        panels.append([Panel(across, scale(unit, *(line.y for line in lines)), lines, WIDTH, HEIGHT)])
    return Page(title, panels)


def table(courses: list[Course]) -> Table:
    """Return the rounds; a course that ended earlier has nothing in the later ones."""
    kept = thinned(max(len(course.values) for course in courses))
    columns = {course.name: _padded(course.values, kept) for course in courses}
    return {"round": (kept + courses[0].first).tolist()} | columns


def _padded(values: "Array", kept: "Array") -> list[float | None]:
    return [float(values[place]) if place < len(values) else None for place in kept]
