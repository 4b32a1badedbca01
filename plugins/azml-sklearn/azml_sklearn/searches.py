"""What a search over parameters has found: the table of its candidates, the best of them, and their child runs."""

import csv
import io
import re
import sys
from typing import TYPE_CHECKING, Any

from .charts import Curve
from .parameters import safe_text
from .sweeps import Candidate, Sweep, properties_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azml_integrations import Run

_SPLIT = re.compile(r"split(\d+)_((?:test|train)_.+)")
_MEAN = re.compile(r"mean_(test|train)_(.+)")
_SUM = re.compile(r"(?:mean|std|rank)_.+|iter|n_resources")


def search_in(estimator: Any) -> Any:
    """Return the search that a fit of this estimator amounts to: itself, or the last step of a pipeline; or None."""
    module = sys.modules.get("sklearn.model_selection._search")
    if module is None:  # who searches has imported it; who does not need not wait for it
        return None
    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if isinstance(steps, list) and steps else estimator
    return last if isinstance(last, module.BaseSearchCV) else None


def tell_best(run: "Run", search: Any, sweep: Sweep | None) -> None:
    """Write the best parameters and their score into the run of a search; with several scores there may be none."""
    best = getattr(search, "best_params_", None)
    if not isinstance(best, dict):
        return
    found = {f"best.{name}": safe_text(value) for name, value in best.items()}
    row = int(search.best_index_)
    if sweep is not None and row < sweep.session.max_child_runs:
        found["best_child_run_id"] = sweep.child_id(row)
    run.add_properties(found)
    score = getattr(search, "best_score_", None)
    if score is not None:
        run.log("best_score", float(score))


def candidates(results: "Mapping[str, Any]") -> list[Candidate]:
    """Return the candidates of ``cv_results_``, in its order."""
    sums = {name: column.tolist() for name, column in results.items() if _SUM.fullmatch(name)}
    splits: dict[int, dict[str, list[float]]] = {}
    for name, column in results.items():
        if found := _SPLIT.fullmatch(name):
            splits.setdefault(int(found[1]), {})[found[2]] = column.tolist()
    return [
        Candidate(
            properties_of(parameters),
            {name: column[row] for name, column in sums.items()},
            [{name: column[row] for name, column in splits[split].items()} for split in sorted(splits)],
        )
        for row, parameters in enumerate(results["params"])
    ]


def table_of(results: "Mapping[str, Any]") -> dict[str, list[Any]]:
    """Return ``cv_results_`` as columns of plain values: a parameter that is no plain value as its text.

    A candidate without some parameter, as in a grid of several parts, has None there.
    """
    return {name: [_plain(value) for value in column.tolist()] for name, column in results.items() if name != "params"}


def parameters_of(table: "Mapping[str, list[Any]]") -> dict[str, list[Any]]:
    """Return the searched parameters of a table of results, by their own names."""
    return {name.removeprefix("param_"): column for name, column in table.items() if name.startswith("param_")}


def curves_of(table: "Mapping[str, list[Any]]") -> dict[str, Curve]:
    """Return the mean scores of a table of results, with their deviations; test and training share a panel."""
    found: dict[str, Curve] = {}
    for name, column in table.items():
        if named := _MEAN.fullmatch(name):
            found[name] = Curve(column, table.get(f"std_{named[1]}_{named[2]}"), panel=named[2])
    return dict(sorted(found.items(), key=lambda item: "_train_" in item[0]))


def as_csv(columns: "Mapping[str, list[Any]]") -> io.BytesIO:
    """Return a table as a file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return io.BytesIO(text.getvalue().encode())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else safe_text(value)
