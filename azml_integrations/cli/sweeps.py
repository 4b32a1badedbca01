"""``azml sweep``: a sweep from a YAML file, and what became of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..records import RunStatus
from . import words
from .choices import NotFoundError, complete_run, form, found, shared, workspace
from .runs import short_ids
from .words import Column

if TYPE_CHECKING:
    from ..core import Workspace
    from ..sweeps import HyperDriveRun

FAILED = 1
"""Exit code when the sweep that was waited for has failed or was canceled."""

SHOWN = 10
"""Children that ``--dry-run`` shows."""


class SpecOrCommand(click.Group):
    """A group whose first word may be a file: ``azml sweep alphas.yaml`` is ``azml sweep submit alphas.yaml``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, and the words that are left for it."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["submit", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=SpecOrCommand, subcommand_metavar="SPEC.yaml | COMMAND [ARGS]...")
def sweep() -> None:
    """Submit, show and resume sweeps over hyperparameters."""


@sweep.command()
@click.argument("spec", type=click.Path(path_type=Path), metavar="SPEC.yaml")
@click.option("--experiment", metavar="NAME", help="In place of the one that the file names.")
@click.option("--stream", is_flag=True, help="Follow it to its end; then the exit code tells how it ended.")
@click.option("--dry-run", is_flag=True, help="Check the file, show the first children, and submit nothing.")
@shared
def submit(spec: Path, experiment: str | None, stream: bool, dry_run: bool) -> None:
    """Submit the sweep that a YAML file describes, and print its id."""
    from . import specs

    told = specs.read(spec)
    name = experiment or told.experiment
    if dry_run:
        _preview(told, name)
        return
    run: Any = _experiment(name).submit(told.config, tags=told.tags or None)
    if stream:
        _follow(run)
    elif form() == "json":
        words.document({"run_id": run.id, "experiment": name, "status": run.get_status()})
    else:
        click.echo(run.id)


def _preview(told: Any, experiment: str) -> None:
    from . import specs

    config = told.config
    lines = list(specs.preview(told, SHOWN))
    if form() == "json":
        words.document({"experiment": experiment, **config.sweep.as_definition(), "first": lines})
        return
    click.echo(
        f"experiment {experiment}: {config.max_total_runs} children at most, {config.max_concurrent_runs} at one time; "
        f"{config.primary_metric_goal.word} {words.visible(config.primary_metric_name)}; {config.policy!r}"
    )
    fixed = config.hyperparameter_sampling.size() is not None
    click.echo("the first children:" if fixed else "children such as these (they are drawn when the sweep begins):")
    for line in lines:
        click.echo(f"  {words.visible(line)}")


def _experiment(name: str) -> Any:
    from ..core import Experiment, Workspace

    try:
        space = workspace()
    except NotFoundError:
        if "azml.workspace" in click.get_current_context().meta:
            raise
        space = Workspace.from_config()  # as a script that logs makes it
    return Experiment(space, name)


def _follow(run: "HyperDriveRun") -> None:
    run.wait_for_completion(show_output=True, raise_on_error=False)
    if run.get_status() != RunStatus.COMPLETED:
        click.get_current_context().exit(FAILED)


# -- a sweep that was submitted ----------------------------------------------------------------------


@sweep.command()
@click.argument("id", shell_complete=complete_run)
@shared
def show(id: str) -> None:
    """Show a sweep: how far it is, and its children, the best first."""
    space = workspace()
    run = _sweep(space, id)
    facts = _facts(run)
    rows = _rows(run)
    if form() == "json":
        words.document({**facts, "children": rows})
        return
    columns = _columns(run, rows)
    cells = [{**row, **row["hyperparameters"]} for row in rows]
    if form() != "table":
        words.listing(form(), columns, cells)
        return
    _print_head(facts)
    if rows:
        ids = short_ids(space)
        screen = words.console()
        screen.print()
        shown = [{**cell, "run_id": ids.get(cell["run_id"], cell["run_id"])} for cell in cells]
        words.print_table(screen, columns, shown)


@sweep.command()
@click.argument("id", shell_complete=complete_run)
@click.option("--stream", is_flag=True, help="Follow it to its end; then the exit code tells how it ended.")
@shared
def resume(id: str, stream: bool) -> None:
    """Go on with a sweep whose controller has died, or that was canceled; no child begins twice."""
    from ..sweeps import submission

    run = _sweep(workspace(), id)
    submission.resume(run)
    if stream:
        _follow(run)
    else:
        click.echo(run.id)


def _sweep(space: "Workspace", text: str) -> "HyperDriveRun":
    """Return the sweep that the user means; a child of one stands for it.

    Raises
    ------
    click.UsageError
        If it is no sweep.
    """
    from ..sweeps import HyperDriveRun

    record = found(space, text)
    run = space.get_run(record.run_id)
    if not isinstance(run, HyperDriveRun) and record.parent_id is not None:
        run = space.get_run(record.parent_id)
    if not isinstance(run, HyperDriveRun):
        raise click.UsageError(
            f"run {record.run_id} is no sweep; azml run list --type hyperdrive shows those there are"
        )
    return run


def _facts(run: "HyperDriveRun") -> dict[str, Any]:
    from collections import Counter

    config = run.hyperdrive_config
    children = run.get_children_sorted_by_primary_metric()
    return {
        "run_id": run.id,
        "experiment": run.experiment.name,
        "status": run.get_status(),
        "metric": config.primary_metric_name,
        "goal": config.primary_metric_goal.word,
        "sampling": config.hyperparameter_sampling.NAME,
        "policy": repr(config.policy),
        "total": config.max_total_runs,
        "concurrent": config.max_concurrent_runs,
        "statuses": dict(Counter(child["status"] for child in children)),
        "best": next((one["best_primary_metric"] for one in children), None),
    }


def _rows(run: "HyperDriveRun") -> list[dict[str, Any]]:
    import json

    return [
        {**child, "hyperparameters": json.loads(child["hyperparameters"] or "{}")}
        for child in run.get_children_sorted_by_primary_metric()
    ]


def _columns(run: "HyperDriveRun", rows: list[dict[str, Any]]) -> list[Column]:
    names = dict.fromkeys(name for row in rows for name in row["hyperparameters"])
    metric = run.hyperdrive_config.primary_metric_name
    return [
        Column("run_id", "id", "id"),
        Column("status", "status", "status", rank=3),
        Column("best_primary_metric", f"best {metric}", "number"),
        *(Column(name, name, "number", rank=1) for name in names),
    ]


def _print_head(facts: dict[str, Any]) -> None:
    screen = words.console()
    standing = ", ".join(f"{n} {status}" for status, n in facts["statuses"].items()) or "none yet"
    best = "none yet" if facts["best"] is None else words.short(facts["best"])
    for key, value in {
        "sweep": facts["run_id"],
        "experiment": facts["experiment"],
        "status": facts["status"],
        "children": f"{sum(facts['statuses'].values())} of at most {facts['total']}: {standing}",
        "looks for": f"{facts['goal']} {facts['metric']}, best {best}",
        "sampling": facts["sampling"].lower(),
        "policy": facts["policy"],
    }.items():
        screen.print(words.text(f"{key:<11} {value}"))
