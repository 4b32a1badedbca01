"""A study as pictures: what was tried, what came out, and what mattered."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azml_integrations.pictures import distinct
from azml_integrations.pictures.page import (
    COLORS,
    GREY,
    SIDE,
    Axis,
    Bars,
    Dots,
    Line,
    Page,
    Panel,
    log_scale,
    places,
    scale,
)

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from azml_integrations.pictures.page import Mark

MOST_PARAMETERS = 6
"""Panels of the slices, and axes of the parallel coordinates."""
MOST_WORDS = 40
"""Words that can still be read along an axis."""
MOST_LINES = 100
"""Trials that are drawn as lines, the best ones."""
MOST_BARS = 20
BAR = 20
"""Height of a bar with its room [px]."""
WIDE, SMALL_PANEL = (560, 300), (330, 220)
"""Width and height of a panel [px]: of the only one, and of one of several."""
MANY = 300
"""Points from which on they are paler."""
LETTERS = (28, 40)
FAR, NEAR = (0.80, 0.87, 0.95), (0.03, 0.19, 0.42)
"""Colours of the worst and the best trial of the parallel coordinates: red, green and blue from 0 to 1."""


@dataclass(frozen=True)
class Charted:
    """What charts are made of, n trials.

    Attributes
    ----------
    trials : sequence of FrozenTrial, shape (n,)
        All of the study.
    objectives : sequence of str, shape (m,)
        Names of their values.
    maximize : sequence of bool, shape (m,)
        Whether more is better.
    importances : dict of str to float, or str
        Of the parameters, the weightiest first; or why there are none.
    """

    trials: "Sequence[FrozenTrial]"
    objectives: Sequence[str]
    maximize: Sequence[bool]
    importances: dict[str, float] | str

    @classmethod
    def of(
        cls,
        trials: "Sequence[FrozenTrial]",
        directions: Sequence[Any],
        objectives: Sequence[str],
        importances: dict[str, float] | str,
    ) -> "Charted":
        """Return the facts for charts of a study."""
        return cls(trials, objectives, [direction.name == "MAXIMIZE" for direction in directions], importances)

    @cached_property
    def drawn(self) -> "list[FrozenTrial]":
        """The completed trials whose values can all be drawn."""
        done = (trial for trial in self.trials if trial.state.name == "COMPLETE")
        return [trial for trial in done if all(map(math.isfinite, trial.values))]

    @cached_property
    def completed(self) -> int:
        """Number of completed trials."""
        return sum(trial.state.name == "COMPLETE" for trial in self.trials)

    @cached_property
    def parameters(self) -> list[str]:
        """The parameters that differ between trials, the weightiest first."""
        drawn = self.drawn
        names = list(dict.fromkeys(name for trial in drawn for name in trial.params))
        known = list(self.importances) if isinstance(self.importances, dict) else []
        ordered = [*(name for name in known if name in names), *(name for name in names if name not in known)]
        return [name for name in ordered if len({repr(t.params[name]) for t in drawn if name in t.params}) > 1]

    @cached_property
    def ranked(self) -> "list[FrozenTrial]":
        """The trials that can be drawn, the best by the first objective first."""
        return sorted(self.drawn, key=lambda trial: trial.values[0], reverse=self.maximize[0])


def optimization_history(charted: Charted) -> Page | str:
    """Draw each value by the number of its trial, and the best value so far."""
    trials = charted.drawn
    if len(trials) < 2:  # noqa: PLR2004 - a course has two points
        return "there are no values of two trials"
    alone = len(charted.objectives) == 1
    width, height = WIDE if alone else SMALL_PANEL
    panels = [
        _course(charted, place, width, height, best=alone)
        for place in range(min(len(charted.objectives), MOST_PARAMETERS))
    ]
    return Page("Optimization history", _in_rows(panels), _told_apart(charted))


def _course(charted: Charted, place: int, width: int, height: int, *, best: bool) -> Panel:
    import numpy as np

    trials = charted.drawn
    x = np.array([trial.number for trial in trials], dtype=float)
    y = np.array([trial.values[place] for trial in trials])
    marks: list[Mark] = [Dots(x, y, label=charted.objectives[place] if best else "", radius=3.0, opacity=_opacity(y))]
    if best:
        so_far = (np.maximum if charted.maximize[place] else np.minimum).accumulate(y)
        corners = np.repeat(np.arange(len(x)), 2)  # a value holds until a better one comes
        marks.append(Line(x[corners[1:]], so_far[corners[:-1]], COLORS[3], label="best so far"))
    across = scale("Trial", x, about=6, room=width, grid=True, whole=True)
    return Panel(across, _up(charted.objectives[place], y), marks, width, height)


def param_importances(charted: Charted) -> Page | str | None:
    """Draw how much each parameter matters."""
    import numpy as np

    if isinstance(charted.importances, str):
        return charted.importances
    shown = list(charted.importances)[:MOST_BARS]
    values = np.array([charted.importances[name] for name in shown])
    height = max(BAR * len(shown), 3 * BAR)
    across = scale(f"Importance for {charted.objectives[0]}", np.zeros(1), values, room=SIDE, grid=True)
    up = places("", distinct(shown, LETTERS), height, across=False, backwards=True)
    title = f"Parameter importances, {charted.completed:,} trials"
    return Page(title, [[Panel(across, up, [Bars(values)], height=height)]], "PED-ANOVA")


def slices(charted: Charted) -> Page | str | None:
    """Draw the first objective against each parameter."""
    trials, names = charted.drawn, charted.parameters[:MOST_PARAMETERS]
    if not names:
        return "no parameter differs between two completed trials"
    panels = [_slice(charted, trials, name) for name in names]
    left = len(charted.parameters) - len(names)
    return Page(f"{charted.objectives[0]} against each parameter", _in_rows(panels), _left_out(left))


def _slice(charted: Charted, trials: "list[FrozenTrial]", name: str) -> Panel:
    import numpy as np

    has = [trial for trial in trials if name in trial.params]
    width, height = SMALL_PANEL
    across, x = _parameter_axis(name, has, width)
    y = np.array([trial.values[0] for trial in has])
    first = charted.ranked[0]
    best = [place for place, trial in enumerate(has) if trial is first]
    marks: list[Mark] = [Dots(x, y, radius=3.0, opacity=_opacity(y))]
    if best:
        label = f"trial {has[best[0]].number}, the best" if name == charted.parameters[0] else ""
        marks.append(Dots(x[best], y[best], COLORS[3], label, "diamond", 4.5, opacity=1.0))
    return Panel(across, _up(charted.objectives[0], y), marks, width, height)


def parallel_coordinates(charted: Charted) -> Page | str | None:
    """Draw each trial as a line through the parameters that all have to its value, the best ones darkest."""
    import numpy as np

    shared = set.intersection(*(set(trial.params) for trial in charted.drawn)) if charted.drawn else set()
    names = [name for name in charted.parameters if name in shared][: MOST_PARAMETERS + 2]
    if len(names) < 2:  # noqa: PLR2004 - one parameter is a slice
        return None
    trials = charted.ranked[:MOST_LINES]
    shares, ranges = [], []
    for name in names:
        axis, x = _parameter_axis(name, trials, SIDE)
        shares.append(_between(axis.share(x)))
        ranges.append((name, axis, x))
    values = np.array([trial.values[0] for trial in trials])
    shares.append(_between(values))
    up = Axis("", -0.05, 1.05, (0.0, 1.0), ("low", "high"))
    columns = [*distinct(names, LETTERS), charted.objectives[0]]
    across = places("", columns, max(WIDE[0], 90 * len(columns)), grid=True)
    heights = np.array(shares)
    at = np.arange(len(columns), dtype=float)
    marks = [
        Line(at, heights[:, place], _tone(1 - place / max(len(trials) - 1, 1)), width=1.2)
        for place in reversed(range(len(trials)))
    ]
    best = Line(at, heights[:, 0], COLORS[3], label=f"trial {trials[0].number}, the best", width=2.2)
    told = [f"{name} {_told(axis, x)}" for name, axis, x in ranges]
    told.append(f"{charted.objectives[0]} {values.min():.4g} to {values.max():.4g}")
    panel = Panel(across, up, [*marks, best], max(WIDE[0], 90 * len(columns)), WIDE[1])
    title = (
        f"Parallel coordinates, the best {len(trials)} trials" if len(trials) == MOST_LINES else "Parallel coordinates"
    )
    return Page(title, [[panel]], "; ".join(told))


def intermediate_values(charted: Charted) -> Page | str | None:
    """Draw what trials reported, step by step; those that were pruned are dashed."""
    import numpy as np

    told = [trial for trial in charted.trials if len(trial.intermediate_values) > 1][-MOST_LINES:]
    if not told:
        return None
    marks: list[Mark] = []
    for trial in told:
        x, y = (np.array(each, dtype=float) for each in zip(*sorted(trial.intermediate_values.items()), strict=True))
        pruned = trial.state.name == "PRUNED"
        label = {"PRUNED": "pruned", "COMPLETE": "completed"}.get(trial.state.name, "other")
        marks.append(Line(x, y, GREY if pruned else COLORS[0], dashed=pruned, label=label, width=1.1))
    once = [t for t in charted.trials if t.state.name == "PRUNED" and len(t.intermediate_values) == 1][-MOST_LINES:]
    if once:  # a line of one point cannot be seen
        x, y = np.array([next(iter(trial.intermediate_values.items())) for trial in once], dtype=float).T
        marks.append(Dots(x, y, GREY, "pruned at the first value", radius=2.0))
    steps, values = (np.concatenate([getattr(mark, axis) for mark in marks]) for axis in ("x", "y"))
    width, height = WIDE
    across = scale("Step", steps, about=6, room=width, grid=True, whole=True)
    title = "Intermediate values" + (f", the last {MOST_LINES} trials" if len(told) == MOST_LINES else "")
    return Page(title, [[Panel(across, _up("Intermediate value", values), marks, width, height)]])


def pareto_front(charted: Charted) -> Page | str | None:
    """Draw two objectives against each other, and which trials no other one is better than in both."""
    import numpy as np

    if len(charted.objectives) != 2:  # noqa: PLR2004 - what a page has room for
        return None
    trials = charted.drawn
    if len(trials) < 2:  # noqa: PLR2004 - a comparison needs two
        return "there are no values of two trials"
    x, y = (np.array([trial.values[place] for trial in trials]) for place in (0, 1))
    better = [-1.0 if more else 1.0 for more in charted.maximize]
    front = _front(np.stack([x * better[0], y * better[1]], axis=1))
    marks = [
        Dots(x[~front], y[~front], GREY, "other trials", radius=3.0, opacity=_opacity(x)),
        Dots(x[front], y[front], COLORS[3], "Pareto front", "diamond", 4.0, opacity=1.0),
    ]
    across = scale(charted.objectives[0], x, room=SIDE, grid=True)
    return Page("Pareto front", [[Panel(across, _up(charted.objectives[1], y), marks)]])


CHARTS: dict[str, Callable[[Charted], Page | str | None]] = {
    "optimization_history": optimization_history,
    "param_importances": param_importances,
    "slices": slices,
    "parallel_coordinates": parallel_coordinates,
    "intermediate_values": intermediate_values,
    "pareto_front": pareto_front,
}
"""By name; each returns a page, or why there is none, or None where there is nothing to say."""


def _front(costs: Any) -> Any:
    """Return which rows of (n, 2) costs no other row is as good as in both and better in one."""
    import numpy as np

    order = np.lexsort((costs[:, 1], costs[:, 0]))
    lowest = np.minimum.accumulate(costs[order, 1])
    before = np.concatenate([[math.inf], lowest[:-1]])
    front = {tuple(row) for row in costs[order][costs[order, 1] < before]}
    return np.array([tuple(row) in front for row in costs])  # of two that are equal, neither is better


def _parameter_axis(name: str, trials: "Sequence[FrozenTrial]", room: int) -> tuple[Axis, Any]:
    """Return the axis of a parameter, and where each trial is on it."""
    import numpy as np

    values = [trial.params[name] for trial in trials]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        x = np.array(values, dtype=float)
        if getattr(trials[0].distributions[name], "log", False) and x.min() > 0:
            return log_scale(name, x, room=room, grid=True), x
        return scale(name, x, about=5, room=room, grid=True, whole=bool((x % 1 == 0).all())), x
    texts = [str(value) for value in values]
    words = sorted(set(texts))[:MOST_WORDS]
    place = {word: float(number) for number, word in enumerate(words)}
    x = np.array([place.get(text, math.nan) for text in texts])
    return places(name, distinct(words, LETTERS), room, grid=True), x


def _told(axis: Axis, x: Any) -> str:
    if len(axis.names) and not _is_number(axis.names[0]):
        return f"{axis.names[0]} to {axis.names[-1]}"
    return f"{x.min():.4g} to {x.max():.4g}"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _between(values: Any) -> Any:
    """Return values as shares of their range."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values * 0 + 0.5


def _tone(share: float) -> str:
    mixed = (round(255 * (far + (near - far) * share)) for far, near in zip(FAR, NEAR, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _up(label: str, values: Any) -> Axis:
    import numpy as np

    found = values[np.isfinite(values)]
    wide = len(found) > 0 and found.min() > 0 and found.max() >= 1000 * found.min()  # three decades
    return (log_scale if wide else scale)(label, values, grid=True)


def _opacity(values: Any) -> float:
    return 0.8 if len(values) <= MANY else 0.35


def _in_rows(panels: list[Panel]) -> list[list[Panel]]:
    in_row = 1 if len(panels) == 1 else 2 if len(panels) in (2, 4) else 3
    return [panels[first : first + in_row] for first in range(0, len(panels), in_row)]


def _told_apart(charted: Charted) -> str:
    names = {"PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
    counts = {word: sum(trial.state.name == state for trial in charted.trials) for state, word in names.items()}
    told = [f"{count:,} {word}" for word, count in counts.items() if count]
    return f"{charted.completed:,} completed" + "".join(f", {each}" for each in told)


def _left_out(many: int) -> str:
    return f"{many} more parameters differ" if many else ""
