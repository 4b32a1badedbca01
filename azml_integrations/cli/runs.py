"""``azml run``: list, show, metrics, tag, download, delete."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import units
from ..records import MetricOrder, MetricSummary, RunQuery, RunRecord, RunStatus, RunStore, Series
from . import descriptions, words
from .choices import (
    NotFoundError,
    check_experiment,
    complete_experiment,
    complete_run,
    descends,
    drawn,
    form,
    found,
    pairs,
    run_ids,
    shared,
    spellings,
    workspace,
)
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace

NAMED, SPARE = 1, 5
"""Ranks of columns: those that the user named are the last ones to go where there is no room, spare ones the first."""

CHILDREN = 50
"""Children that a table shows."""

SHORT, LONG = 8, 24
"""Characters that a table shows of a drawn id at least, and of another id at most where that is enough."""

_BY = ("last", "min", "max")


@click.group()
def run() -> None:
    """List, show, tag, download and delete runs."""


# -- list --------------------------------------------------------------------------------------------


@run.command("list")
@click.option("--experiment", metavar="NAME", shell_complete=complete_experiment, help="Only runs of this experiment.")
@click.option(
    "--status",
    type=click.Choice([str(status) for status in RunStatus], case_sensitive=False),
    metavar="STATUS",
    help="Only runs that stand so: Running, Completed, Failed, Canceled ...",
)
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only runs with this tag. Repeatable.")
@click.option(
    "--property", "properties", multiple=True, metavar="KEY[=VALUE]", help="Only runs with this property. Repeatable."
)
@click.option("--type", "type_", metavar="TYPE", help="Only runs of this type, such as azureml.scriptrun.")
@click.option("--children", is_flag=True, help="Also child runs.")
@click.option(
    "--sort",
    default="start",
    metavar="start|metric:NAME[:last|min|max]",
    help="By start, newest first, or by a metric, lowest first; runs without the metric are left out.",
)
@click.option("--ascending/--descending", default=None, help="Turn the order of --sort around.")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="At most so many; 0 for all.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="A column for this metric. Repeatable.")
@click.option("--param", "params", multiple=True, metavar="NAME", help="A column for this parameter. Repeatable.")
@shared
def list_(
    experiment: str | None,
    status: str | None,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    type_: str | None,
    children: bool,
    sort: str,
    ascending: bool | None,
    limit: int,
    metrics: tuple[str, ...],
    params: tuple[str, ...],
) -> None:
    """List runs, newest first."""
    order = _order(sort, ascending)
    oldest_first = order is None and ascending is True
    query = RunQuery(
        experiment=experiment,
        type=type_,
        status=status,
        tags=pairs(tags) or None,
        properties=pairs(properties) or None,
        include_children=children,
        order=order,
        limit=None if oldest_first or not limit else limit + 1,  # one more tells whether there are more
    )
    space = workspace()
    store = space.view.all()
    records = store.find(query)
    records = records[::-1] if oldest_first else records
    shown = records[:limit] if limit else records
    summaries = [store.summaries(record.run_id) for record in shown]
    if not shown:
        _explain(space, store, query)
    chosen = _metric_columns(metrics, order, summaries)
    ids = short_ids(space) if form() == "table" else {}
    columns, rows = _rows(shown, summaries, chosen, params, ids, rank=NAMED if metrics else SPARE)
    if not shown and form() == "table":
        click.echo(f"no such runs in workspace {words.visible(space.name)} ({space.root})", err=True)
        return
    words.listing(form(), columns, rows, _briefs(shown, summaries, metrics), "--metric NAME chooses")
    for name in [name for name in metrics if shown and not any(name == one.name for one in chain(*summaries))]:
        click.echo(f"no run has a metric {name!r} among those listed", err=True)
    if len(records) > len(shown) and form() == "table":
        click.echo(f"the first {len(shown)} are shown; --limit 0 shows all", err=True)


def _order(sort: str, ascending: bool | None) -> MetricOrder | None:
    if sort == "start":
        return None
    kind, colon, name = sort.partition(":")
    if kind != "metric" or not colon or not name:
        raise click.BadParameter(f"got {sort!r}, expected start or metric:NAME[:last|min|max]", param_hint="--sort")
    head, colon, by = name.rpartition(":")
    name, by = (head, by) if head and by in _BY else (name, "last")
    return MetricOrder(name, by, descending=ascending is False)  # type: ignore[arg-type]  # one of `_BY`


def _explain(space: "Workspace", store: RunStore, query: RunQuery) -> None:
    """Say which name of a query that found nothing is known to no run.

    Raises
    ------
    NotFoundError
        If it is the experiment's.
    click.BadParameter
        If it is a metric's, and what follows its last colon was meant as ours.
    """
    if query.experiment is not None:
        check_experiment(space, query.experiment)
    if query.order is None or _known(store, name := query.order.metric):
        return
    head, _, by = name.rpartition(":")
    if head and _known(store, head):
        raise click.BadParameter(f"expected last|min|max after metric:{head}:, got {by!r}", param_hint="--sort")
    click.echo(f"no run has a metric {name!r} to sort by", err=True)


def _known(store: RunStore, metric: str) -> bool:
    return bool(store.find(RunQuery(include_children=True, order=MetricOrder(metric), limit=1)))


def _metric_columns(
    named: Sequence[str], order: MetricOrder | None, summaries: Sequence[Sequence[MetricSummary]]
) -> list[tuple[str, str]]:
    """Return which number of which metric to show: the sorted one, then those named, or those most runs have."""
    chosen = [(order.metric, order.by)] if order else []
    sorted_by = {order.metric} if order else set()
    if named:
        wanted = [(name, "last") for name in named]
    else:
        wanted = [(name, "last") for name in common_metrics(summaries) if name not in sorted_by]
    return list(dict.fromkeys(chosen + wanted))


def common_metrics(summaries: Iterable[Sequence[MetricSummary]]) -> list[str]:
    """Return the metrics that have a number: those of training data last, else those that most runs have first."""
    having = Counter(one.name for several in summaries for one in several if one.last is not None)
    return sorted(having, key=lambda name: (name.startswith("training_"), -having[name]))


def _rows(
    records: Sequence[RunRecord],
    summaries: Sequence[Sequence[MetricSummary]],
    metrics: Sequence[tuple[str, str]],
    params: Sequence[str],
    ids: Mapping[str, str],
    rank: int,
) -> tuple[list[Column], Iterator[dict[str, Any]]]:
    """Return the columns and the rows; `rank` is that of all metrics but the first, which always stays."""
    keys = [_key(name, by) for name, by in metrics]
    columns = [
        *_FIXED,
        *(Column(f"param.{name}", name, "name", NAMED) for name in dict.fromkeys(params)),
        *(Column(key, key, "number", rank if place else 0) for place, key in enumerate(keys)),
    ]
    if not any(descriptions.label(record) for record in records) and form() == "table":
        columns = [column for column in columns if column.key != "name"]
    return told_apart(columns), (
        _row(record, {one.name: one for one in several}, metrics, params, ids)
        for record, several in zip(records, summaries, strict=True)
    )


_FIXED = (
    Column("run_id", "id", "id"),
    Column("experiment", "experiment", "name"),
    Column("number", "#", "number"),
    Column("name", "name", "name", rank=3),
    Column("status", "status", "status"),
    Column("started_at", "started (UTC)", "time", rank=2),
    Column("duration", "took", "duration", rank=4),
)


def told_apart(columns: Sequence[Column]) -> list[Column]:
    """Give columns of one title their keys as titles: metric ``alpha`` beside ``param.alpha``."""
    titles = Counter(column.title for column in columns)
    return [column._replace(title=column.key) if titles[column.title] > 1 else column for column in columns]


def _row(
    record: RunRecord,
    summaries: Mapping[str, MetricSummary],
    metrics: Sequence[tuple[str, str]],
    params: Sequence[str],
    ids: Mapping[str, str],
) -> dict[str, Any]:
    held = descriptions.params(record)
    return {
        "run_id": ids.get(record.run_id, record.run_id),
        "experiment": record.experiment,
        "number": record.number,
        "name": descriptions.label(record),
        "status": record.status,
        "started_at": record.started_at,
        "duration": descriptions.duration(record),
        **{f"param.{name}": held.get(name) for name in params},
        **{_key(name, by): _number(summaries.get(name), by) for name, by in metrics},
    }


def _key(name: str, by: str) -> str:
    """Return the key of a metric's column; no other column has it."""
    key = name if by == "last" else f"{name}:{by}"
    taken = key.startswith(descriptions.PARAM) or any(key in (column.key, column.title) for column in _FIXED)
    return f"metric.{key}" if taken else key


def _number(summary: MetricSummary | None, by: str) -> Any:
    if summary is None:
        return None
    return descriptions.last(summary) if by == "last" else getattr(summary, by)


def _briefs(
    records: Sequence[RunRecord], summaries: Sequence[Sequence[MetricSummary]], named: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for record, several in zip(records, summaries, strict=True):
        yield descriptions.brief(record, [one for one in several if not named or one.name in named])


def short_ids(space: "Workspace") -> dict[str, str]:
    """Return what a table shows of each id, and `found` takes for it: the least that means no other run."""
    typed = sorted((spelling, run_id) for run_id in run_ids(space) for spelling in spellings(run_id))
    short: dict[str, str] = {}
    for place, (spelling, run_id) in enumerate(typed):
        if spelling == spellings(run_id)[-1]:
            before = typed[place - 1][0] if place else ""
            following = (typed[at][0] for at in range(place + 1, len(typed)))
            after = next((other for other in following if not descends(other, spelling)), "")
            unique = 1 + max(_common(spelling, before), _common(spelling, after))
            short[run_id] = spelling[: max(unique, SHORT if drawn(spelling) else LONG)]
    return short


def _common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


# -- show --------------------------------------------------------------------------------------------


@run.command("show")
@click.argument("id", shell_complete=complete_run)
@click.option(
    "--html",
    "document",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write one HTML file that shows the run with no server, charts and pictures included, instead.",
)
@shared
def show(id: str, document: Path | None) -> None:
    """Show one run: status, parameters, metrics, tags, files, children, notes and its error."""
    from .showing import everything, fields, print_run

    space = workspace()
    record = found(space, id)
    if document is not None:
        space.get_run(record.run_id).to_html(document)
        click.echo(f"{units.size(document.stat().st_size)} in {words.visible(str(document))}")
        return
    match form():
        case "json":
            words.document(everything(space, record))
        case "table":
            print_run(space, record)
        case other:
            words.listing(
                other,
                [Column("section", ""), Column("name", ""), Column("value", "")],
                fields(everything(space, record)),
            )


# -- metrics -----------------------------------------------------------------------------------------

SUMMARY = (
    Column("name", "metric"),
    Column("kind", "kind"),
    Column("count", "count", "number"),
    Column("last", "last", "number"),
    Column("min", "min", "number"),
    Column("max", "max", "number"),
    Column("first_step", "first step", "number", rank=2),
    Column("last_step", "last step", "number", rank=2),
    Column("description", "description", rank=3),
)


@run.command("metrics")
@click.argument("id", shell_complete=complete_run)
@click.argument("name", required=False)
@shared
def metrics(id: str, name: str | None) -> None:
    """Print a line for each metric of a run, or every point of the metric NAME with its step and time."""
    space = workspace()
    record = found(space, id)
    store = space.view.of(record.run_id)
    summaries = store.summaries(record.run_id)
    if name is None:
        words.listing(form(), SUMMARY, map(descriptions.metric, summaries))
        return
    series = store.series(record.run_id, name)
    if series is None:
        there = ", ".join(repr(one.name) for one in summaries[:10]) or "none yet"
        raise NotFoundError(f"run {record.run_id} has no metric {name!r}; it has {there}")
    _print_points(series)


def _print_points(series: Series) -> None:
    columns = [Column("step", "step", "number"), Column("time", "time", "time"), Column("value", "value")]
    columns += [Column("kind", "kind")] if series.kinds else []
    if form() != "table":
        words.listing(form(), [*columns[:3], Column("kind", "kind")], _points(series))
        return
    click.echo(f"{'step':>10}  {'time (UTC)':<27}  value")
    for point in _points(series):  # as they come: a table of a million rows would be held in memory
        step = "" if point["step"] is None else point["step"]
        kind = f"  ({point['kind']})" if series.kinds else ""
        value = point["value"]
        shown = repr(value) if isinstance(value, float) else words.short(value)
        click.echo(f"{step:>10}  {words.iso(point['time']):<27}  {words.visible(shown)}{kind}")


def _points(series: Series) -> Iterator[dict[str, Any]]:
    kinds = series.kinds or [series.kind] * len(series)
    for step, at, value, kind in zip(series.steps, series.times, series.values, kinds, strict=True):
        yield {"step": step, "time": at, "value": value, "kind": kind}


# -- tag ---------------------------------------------------------------------------------------------


@run.command("tag")
@click.argument("id", shell_complete=complete_run)
@click.argument("tags", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Take this tag away. Repeatable.")
@shared
def tag(id: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Set tags of a run, or take them away, and print what it has then."""
    if not tags and not remove:
        raise click.UsageError("nothing to do: give KEY, KEY=VALUE or --remove KEY")
    new = pairs(tags)
    space = workspace()
    handle = space.get_run(found(space, id).run_id)
    if new:
        handle.set_tags(new)
    if remove:
        handle.remove_tags(remove)
    words.listing(
        form(),
        [Column("key", "tag"), Column("value", "value")],
        [{"key": key, "value": value} for key, value in handle.tags.items()],
    )


@run.command("archive")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete_run)
@click.option("--undo", is_flag=True, help="Take them out of the archive.")
@shared
def archive(ids: tuple[str, ...], undo: bool) -> None:
    """Put runs away: lists of the studio leave them out. Nothing is deleted."""
    space = workspace()
    handles = [space.get_run(found(space, text).run_id) for text in ids]
    for handle in handles:
        handle.reactivate() if undo else handle.archive()
    click.echo(f"{'took out of the archive' if undo else 'archived'}: {words.count(len(handles), 'run')}")


# -- download ----------------------------------------------------------------------------------------


@run.command("download")
@click.argument("id", shell_complete=complete_run)
@click.argument("names", nargs=-1, metavar="[NAME|FOLDER]...")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to; a folder named like the run, in the working directory, by default.",
)
@click.option("--yes", is_flag=True, help="Replace files that are there and differ, without asking.")
@shared
def download(id: str, names: tuple[str, ...], to: Path | None, yes: bool) -> None:
    """Copy files out of a run: all of them, or those of the names and folders given."""
    from .downloading import copy_all, in_the_way, matching

    space = workspace()
    record = found(space, id)
    artifacts = space.view.of(record.run_id).artifacts(record.run_id)
    wanted = matching(artifacts, names, record.run_id)
    target = to if to is not None else Path(record.run_id)
    if obstacles := in_the_way(wanted, target):
        question = f"{words.count(len(obstacles), 'file')} in {target} would be replaced, {obstacles[0]} first. Go on?"
        words.asked(question, "nothing copied", yes=yes)
    copies = copy_all(space.view.folder(record.run_id), wanted, target)
    sizes = [copy.size for copy in copies if copy.size is not None]
    click.echo(f"{words.count(len(sizes), 'file')}, {units.size(sum(sizes))}, in {words.visible(str(target))}")
    amiss = [copy for copy in copies if copy.amiss]
    for copy in amiss:
        click.echo(f"warning: {words.visible(f'{copy.name} {copy.amiss}')}; `azml doctor` says more", err=True)
    if amiss:
        click.get_current_context().exit(1)


# -- snapshot ----------------------------------------------------------------------------------------


@run.command("snapshot")
@click.argument("id", shell_complete=complete_run)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to; a folder named like the snapshot, in the working directory, by default.",
)
@shared
def snapshot(id: str, to: Path | None) -> None:
    """Copy what a run's source folder held when it began into a new folder."""
    space = workspace()
    taken = space.get_run(found(space, id).run_id).get_snapshot_id()
    target = to if to is not None else Path(taken)
    space.snapshots.restore(taken, target)
    held = space.snapshots.get(taken)
    click.echo(f"{words.count(len(held.files), 'file')}, {units.size(held.size)}, in {words.visible(str(target))}")


# -- delete, restore ---------------------------------------------------------------------------------


@run.command("delete")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete_run)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--purge", is_flag=True, help="For good, not into the trash.")
@click.option("--force", is_flag=True, help="Also runs of another machine that may still go on there.")
@shared
def delete(ids: tuple[str, ...], yes: bool, purge: bool, force: bool) -> None:
    """Move runs with their children into the trash. A run that goes on or waits is refused."""
    from .trash import raise_refused

    space = workspace()
    chosen = {record.run_id: record for record in (found(space, text) for text in ids)}
    family = {one.run_id for run_id in chosen for one in space.trash.family(run_id)}
    for record in chosen.values():
        if (why := space.trash.refusal(record.run_id, force=force)) is not None:
            raise click.ClickException(f"{why} ({record.experiment}/{record.number})")
    for sentence in space.trash.origins(family):
        click.echo(f"note: {words.visible(sentence)}", err=True)
    where = "Delete {} for good?" if purge else "Move {} to the trash?"
    words.asked(where.format(_named(list(chosen.values()), len(family))), "nothing deleted", yes=yes)
    outcome = space.trash.delete(*chosen, force=force)
    runs = words.count(len(outcome.run_ids), "run")
    if purge:
        freed = space.trash.purge(*outcome.done).freed
        click.echo(f"deleted {runs}, freed {freed} bytes ({units.size(freed)})")
    else:
        click.echo(f"moved {runs} to the trash; `azml run restore {next(iter(chosen))}` undoes it")
    raise_refused(outcome)


def _named(chosen: Sequence[RunRecord], family: int) -> str:
    """Return what is to be deleted in words."""
    children = family - len(chosen)
    also = f" and {children} children" if children > 1 else " and 1 child" if children == 1 else ""
    return (
        f"{words.count(len(chosen), 'run')}{also} ({words.some([f'{one.experiment}/{one.number}' for one in chosen])})"
    )


@run.command("restore")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@shared
def restore(ids: tuple[str, ...]) -> None:
    """Put runs back from the trash with their children; an ID may be EXPERIMENT/NUMBER too."""
    from .trash import put_back

    put_back(ids)
