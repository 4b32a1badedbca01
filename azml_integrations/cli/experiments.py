"""``azml experiment``: list, show."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..records import RunQuery, RunRecord, RunStatus, RunStore
from . import words
from .choices import check_experiment, complete_experiment, form, known_experiments, shared, workspace
from .runs import short_ids
from .words import Column

if TYPE_CHECKING:
    from ..core import Experiment, Workspace

_BEST = (
    Column("name", "metric"),
    Column("runs", "runs", "number"),
    Column("min", "lowest", "number"),
    Column("min_run_id", "lowest in", "id"),
    Column("max", "highest", "number"),
    Column("max_run_id", "highest in", "id"),
)


@click.group()
def experiment() -> None:
    """List and show experiments."""


@experiment.command("list")
@click.option("--all", "all_", is_flag=True, help="Also those that are archived.")
@shared
def list_(all_: bool) -> None:
    """List experiments: how many runs stand how, and when the last one began."""
    space = workspace()
    runs = _by_experiment(space.view.all().find(RunQuery(include_children=True)))
    known = known_experiments(space)
    names = sorted(known.keys() | runs.keys())
    described = [_described(space, name, known.get(name), runs.get(name, [])) for name in names]
    shown = [one for one in described if all_ or not one["archived"]]
    if not shown and form() == "table":
        click.echo(f"no experiments in workspace {words.visible(space.name)} ({space.root})", err=True)
        return
    words.listing(form(), _columns(shown), [_flat(one) for one in shown], [_timed(one) for one in shown])


@experiment.command("show")
@click.argument("name", shell_complete=complete_experiment)
@shared
def show(name: str) -> None:
    """Show one experiment: its runs by status, the last one, and the lowest and highest value of each metric."""
    space = workspace()
    store = space.view.all()
    runs = store.find(RunQuery(experiment=name, include_children=True))
    check_experiment(space, name)
    facts = _described(space, name, known_experiments(space).get(name), runs)
    best = _best(store, runs)
    if form() == "json":
        words.document({**_timed(facts), "metrics": best})
    elif form() == "table":
        _print(space, facts, best)
    else:
        words.listing(form(), _BEST, best)


def _by_experiment(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        found.setdefault(record.experiment, []).append(record)
    return found


def _described(space: "Workspace", name: str, known: "Experiment | None", runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Return what is to say of an experiment; `runs` are newest first."""
    top = [record for record in runs if record.parent_id is None]
    archived = known.archived_time if known is not None else None
    return {
        "name": name,
        "runs": len(top),
        "children": len(runs) - len(top),
        "status": dict(Counter(str(record.status) for record in top)),
        "last_run_id": top[0].run_id if top else None,
        "last_run_at": (top[0].started_at or top[0].created_at) if top else None,
        "archived": archived is not None,
        "tags": known.tags if known is not None else {},
        "folder": str(space.root / "experiments"),
    }


def _columns(shown: Sequence[Mapping[str, Any]]) -> list[Column]:
    statuses = [str(status) for status in RunStatus if any(str(status) in one["status"] for one in shown)]
    archived = [Column("archived", "archived")] if any(one["archived"] for one in shown) else []
    return [
        Column("name", "experiment", "name"),
        Column("runs", "runs", "number"),
        *(Column(status, status, "number") for status in statuses),
        Column("last_run_at", "last run (UTC)", "time"),
        *archived,
    ]


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, **facts["status"]}


def _timed(facts: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in facts.items() if key != "folder"}
    return {**kept, "last_run_at": words.iso(facts["last_run_at"])}


def _best(store: RunStore, runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return the lowest and the highest value of each metric, and whose it is."""
    best: dict[str, dict[str, Any]] = {}
    with words.progress("reading metrics", len(runs)) as bar:
        for record in reversed(runs):
            for one in store.summaries(record.run_id):
                if one.min is None or one.max is None:
                    continue
                known = best.setdefault(one.name, {"name": one.name, "runs": 0, "min": None, "max": None})
                known["runs"] += 1
                if known["min"] is None or one.min < known["min"]:
                    known |= {"min": one.min, "min_run_id": record.run_id}
                if known["max"] is None or one.max > known["max"]:
                    known |= {"max": one.max, "max_run_id": record.run_id}
            bar.advance()
    return list(best.values())


def _print(space: "Workspace", facts: Mapping[str, Any], best: Sequence[Mapping[str, Any]]) -> None:
    ids = short_ids(space)
    screen = words.console()
    standing = ", ".join(f"{n} {status}" for status, n in facts["status"].items()) or "none"
    last = facts["last_run_id"]
    begun = words.minute(facts["last_run_at"])
    for key, value in {
        "experiment": facts["name"] + (" (archived)" if facts["archived"] else ""),
        "runs": f"{facts['runs']}: {standing}" if facts["runs"] else "none",
        "children": facts["children"] and str(facts["children"]),
        "last run": last and f"{ids.get(last, last)}, began {begun} UTC",
        "tags": ", ".join(key if value is None else f"{key}={value}" for key, value in facts["tags"].items()),
    }.items():
        if value:
            screen.print(words.text(f"{key:<11} {value}"))
    if best:
        named = [{**one, **{key: ids.get(one[key], one[key]) for key in ("min_run_id", "max_run_id")}} for one in best]
        screen.print()
        words.print_table(screen, _BEST, named)
