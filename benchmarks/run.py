"""Compare the recording core, and autolog, with their peers: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cases
import looping
import plugging
import submitting
import training
import viewing
from arena import (
    LOGGERS,
    LOOPS,
    NO_PLUGINS,
    OUR_AUTOLOG,
    OUR_LOGGER,
    OUR_LOOP,
    OUR_QUEUE,
    OUR_STUDIO,
    OURS,
    PLUGGED,
    RECORDERS,
    SUBMITTERS,
    TRAINERS,
    VIEWERS,
    Arena,
    Entrant,
    installed,
)
from report import Report


@dataclass(frozen=True)
class Field:
    """Contestants that can be compared, and in what.

    Attributes
    ----------
    entrants : list of Entrant
        They take turns.
    ours : Entrant
        The one among them that is ours.
    cases : dict of str to callable
        By name.
    full, quick : object
        How much each case measures.
    """

    entrants: list[Entrant]
    ours: Entrant
    cases: dict[str, Callable[[Arena, object, Report], None]]
    full: object
    quick: object


FIELDS = [
    Field(RECORDERS, OURS, cases.CASES, cases.FULL, cases.QUICK),
    Field(TRAINERS, OUR_AUTOLOG, training.CASES, training.FULL, training.QUICK),
    Field(LOGGERS, OUR_LOGGER, looping.LIGHTNING_CASES, looping.FULL, looping.QUICK),
    Field(SUBMITTERS, OUR_QUEUE, submitting.CASES, submitting.FULL, submitting.QUICK),
    Field(LOOPS, OUR_LOOP, looping.LOOP_CASES, looping.FULL, looping.QUICK),
    Field(VIEWERS, OUR_STUDIO, viewing.CASES, viewing.FULL, viewing.QUICK),
    Field(PLUGGED, NO_PLUGINS, plugging.CASES, plugging.FULL, plugging.QUICK),
]
CASES = [name for field in FIELDS for name in field.cases]
ENTRANTS = [entrant.name for field in FIELDS for entrant in field.entrants]


def main() -> None:
    """Run the chosen cases and print a table for each field."""
    options = parser().parse_args()
    tables = [compete(field, options) for field in FIELDS if not field.cases.keys().isdisjoint(options.only)]
    if options.quick:
        tables.insert(0, "A quick run: too few calls to quote.\n")
    print("\n".join(tables))
    if options.output:
        options.output.write_text("\n".join(tables))


def compete(field: Field, options: argparse.Namespace) -> str:
    """Run the chosen cases of one field; the Markdown of what came out."""
    pythons = interpreters(field.entrants, options.contestants, options.envs)
    report = Report(field.ours)
    with tempfile.TemporaryDirectory(prefix="azml-benchmark-", dir=options.home) as ground:
        arena = Arena(pythons, Path(ground))
        for name in (name for name in options.only if name in field.cases):
            print(f"case {name}: {field.cases[name].__doc__.splitlines()[0]}", file=sys.stderr)
            field.cases[name](arena, field.quick if options.quick else field.full, report)
            arena.clear()
    return report.markdown(arena.entrants, arena.notes.values())


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare the recording core, and autolog, with peers, in one run.")
    add = parser.add_argument
    add("--quick", action="store_true", help="a few minutes: small numbers, to see that everything works")
    add("--only", nargs="+", choices=CASES, default=CASES, metavar="CASE", help=f"of {', '.join(CASES)}")
    add(
        "--contestants", nargs="+", choices=ENTRANTS, default=ENTRANTS, metavar="NAME", help=f"of {', '.join(ENTRANTS)}"
    )
    folder = Path(tempfile.gettempdir()) / "azml-benchmarks" / "envs"
    add("--envs", type=Path, default=folder, help="where environments are kept for the next time")
    add("--home", type=Path, help="where the stores lie meanwhile; the disk that is measured")
    add("--output", type=Path, help="also write the Markdown here")
    return parser


def interpreters(entrants: list[Entrant], names: list[str], environments: Path) -> dict[Entrant, Path]:
    """Who takes part: who is named and can be installed."""
    pythons = {}
    for entrant in entrants:
        if entrant.name in names:
            try:
                pythons[entrant] = installed(entrant, environments)
            except subprocess.CalledProcessError as failure:
                print(f"{entrant.title} does not take part: {failure}", file=sys.stderr)
    return pythons


if __name__ == "__main__":
    main()
