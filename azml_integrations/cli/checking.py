"""``azml check``: what becomes of old code, told without running it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import words
from .choices import NotFoundError, form, shared
from .words import Column, Row

if TYPE_CHECKING:
    from ..checking import Finding

_COLUMNS = (
    Column("place", "place", "id"),
    Column("verdict", "verdict", "id"),
    Column("name", "name", "name"),
    Column("why", "what to know"),
)
_PLAIN = (
    Column("file", "file"),
    Column("cell", "cell", "number"),
    Column("line", "line", "number"),
    Column("column", "column", "number"),
    *_COLUMNS[1:],
)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCRIPT|NOTEBOOK|FOLDER...")
@click.option("--all", "all_", is_flag=True, help="Also what runs as it is; JSON, TSV and CSV always have it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@shared
def check(paths: Sequence[Path], all_: bool, as_json: bool) -> None:
    """Tell what becomes of code that was written for the Azure ML SDK v1; the code is read, never run.

    Of each call of azureml: whether it runs as it is, differs on purpose, or needs the cloud; beside it what cannot run
    for reasons of other libraries, as sklearn.externals.joblib and np.float.

    Exits with 0 when all of it runs, else with 1.
    """
    from ..checking import check as check_file
    from ..checking import files

    chosen = [file for path in paths for file in _there(path, list(files(path)))]
    found = [finding for file in chosen for finding in check_file(file)]
    shape = "json" if as_json else form()
    if shape == "json":
        words.document(_document(chosen, found))
    elif shape == "table":
        _print(chosen, found, all_=all_)
    else:
        words.listing(shape, _PLAIN, map(_row, found))
    if any(finding.verdict in ("cloud", "broken", "unknown") for finding in found):
        click.get_current_context().exit(1)


def _there(path: Path, found: list[Path]) -> list[Path]:
    """Return the file that was named, or those that a folder holds.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    if not path.exists():
        raise NotFoundError(f"there is no {words.visible(str(path))}")
    if not found:
        raise NotFoundError(f"{words.visible(str(path))} holds no .py and no .ipynb file")
    return found


def _row(finding: "Finding") -> Row:
    spot = finding.spot
    return {
        "file": str(spot.path),
        "cell": spot.cell or None,
        "line": spot.line,
        "column": spot.column,
        "place": str(spot),
        "verdict": str(finding.verdict),
        "name": finding.name,
        "why": finding.why,
    }


def _document(chosen: Sequence[Path], found: "Sequence[Finding]") -> Row:
    from ..checking import counts

    rows = [{key: value for key, value in _row(finding).items() if key != "place"} for finding in found]
    return {
        "files": [str(path) for path in chosen],
        "counts": {str(verdict): number for verdict, number in counts(found).items()},
        "uses": rows,
    }


def _print(chosen: Sequence[Path], found: "Sequence[Finding]", *, all_: bool) -> None:
    from ..checking import counts

    shown = [finding for finding in found if all_ or finding.verdict != "runs"]
    if shown:
        words.print_table(words.console(), _COLUMNS, map(_row, shown))
        click.echo()
    said = [f"{verdict} {number}" for verdict, number in counts(found).items() if number]
    uses = ", ".join(said) or "nothing of azureml is used"
    click.echo(f"{words.count(len(chosen), 'file')}: {uses}")
