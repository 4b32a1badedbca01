"""Compare the recording core with its peers: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from arena import ENTRANTS, Arena, Entrant, installed
from cases import CASES, FULL, QUICK
from report import Report


def main() -> None:
    """Run the chosen cases and print the table."""
    options = parser().parse_args()
    pythons = interpreters(options.contestants, options.envs)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="azml-benchmark-", dir=options.home) as ground:
        arena = Arena(pythons, Path(ground))
        for name in options.only:
            print(f"case {name}: {CASES[name].__doc__.splitlines()[0]}", file=sys.stderr)
            CASES[name](arena, QUICK if options.quick else FULL, report)
            arena.clear()
    table = report.markdown(arena.entrants, arena.notes.values())
    if options.quick:
        table = f"A quick run: too few calls to quote.\n\n{table}"
    print(table)
    if options.output:
        options.output.write_text(table)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare the recording core with its peers, in one run.")
    names = [entrant.name for entrant in ENTRANTS]
    add = parser.add_argument
    add("--quick", action="store_true", help="a minute or two: small numbers, to see that everything works")
    add("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=f"of {', '.join(CASES)}")
    add("--contestants", nargs="+", choices=names, default=names, metavar="NAME", help=f"of {', '.join(names)}")
    folder = Path(tempfile.gettempdir()) / "azml-benchmarks" / "envs"
    add("--envs", type=Path, default=folder, help="where environments are kept for the next time")
    add("--home", type=Path, help="where the stores lie meanwhile; the disk that is measured")
    add("--output", type=Path, help="also write the Markdown here")
    return parser


def interpreters(names: list[str], environments: Path) -> dict[Entrant, Path]:
    """Who takes part: who is named and can be installed."""
    pythons = {}
    for entrant in ENTRANTS:
        if entrant.name in names:
            try:
                pythons[entrant] = installed(entrant, environments)
            except subprocess.CalledProcessError as failure:
                print(f"{entrant.title} does not take part: {failure}", file=sys.stderr)
    return pythons


if __name__ == "__main__":
    main()
