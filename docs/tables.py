"""Writes what becomes of the names of the old SDK into the guide, out of the table that `azml check` reads.

Run it after a change of that table, from the root of the repository: ``python docs/tables.py``. With ``--check`` it
only tells, by its exit code, whether the guide is up to date.
"""

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from azml_integrations.checking import ROOMS, Fact, Verdict, others, table

GUIDE = Path(__file__).parent / "how-to" / "coming-from-azureml.md"
BLOCK = re.compile(r"(<!-- made by docs/tables\.py: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write the guide, or compare it."""
    old = GUIDE.read_text(encoding="utf-8")
    lost = sorted(BLOCKS.keys() ^ {found[2] for found in BLOCK.finditer(old)})
    if lost:
        sys.stderr.write(f"{GUIDE} has no place for the tables {lost}, or a place for a table that nobody makes\n")
        return 1
    new = BLOCK.sub(lambda found: found[1] + "\n".join([*BLOCKS[found[2]](), found[3]]), old)
    if "--check" in sys.argv[1:]:
        if old != new:
            sys.stderr.write(f"{GUIDE} is not what the table says; write it with `python docs/tables.py`\n")
        return int(old != new)
    GUIDE.write_text(new, encoding="utf-8")
    return 0


def runs() -> Iterator[str]:
    """Yield a row for each class: what of it runs as it is; and all functions and exceptions in one."""
    yield from _head("class", "runs as it is")
    single = []
    for entry in table.ENTRIES:
        plain = [fact.name for fact in entry.members if fact.verdict is Verdict.RUNS]
        if plain:
            yield f"| `{table.full_name(entry)}` | {_names(plain)} |"
        elif entry.fact.verdict is Verdict.RUNS:
            single.append(table.full_name(entry))
    single.sort(key=lambda name: name.rpartition("."))
    for module, names in groupby(single, key=lambda name: name.rpartition(".")[0]):
        yield f"| of `{module}` | {_names([name.rpartition('.')[2] for name in names])} |"


def better() -> Iterator[str]:
    """Yield a row for each name that runs, and does more than it did."""
    yield from _head("name", "what is better, or ours")
    yield from _rows(Verdict.RUNS)


def differs() -> Iterator[str]:
    """Yield a row for each way in which names differ."""
    yield from _head("name", "how it differs")
    yield from _rows(Verdict.DIFFERS)


def cloud() -> Iterator[str]:
    """Yield a row for each kind of things that need the cloud, modules first."""
    yield from _head("module or name", "what to do instead")
    for why, rooms in groupby(sorted(ROOMS, key=lambda room: room.why), key=lambda room: room.why):
        yield f"| {_names([f'{room.module}.*' for room in rooms])} | {_cell(why)} |"
    yield from _rows(Verdict.CLOUD)


def others_gone() -> Iterator[str]:
    """Yield a row for each name that other libraries took away."""
    yield from _head("name", "since when, and what to write")
    arguments = {f"{name}({argument}=)": why for (name, argument), why in others.BROKEN_ARGUMENTS.items()}
    gone = {**others.BROKEN, **arguments, **others.CHANGED}
    yield from _grouped([(name, Fact(name, Verdict.BROKEN, why)) for name, why in gone.items()])


BLOCKS = {"runs": runs, "better": better, "differs": differs, "cloud": cloud, "others": others_gone}


def _rows(verdict: Verdict) -> Iterator[str]:
    facts = [(name, fact) for name, fact in table.everything() if fact.verdict is verdict and fact.why]
    yield from _grouped([(name, fact) for name, fact in facts if not name.endswith(".*")])


def _grouped(facts: list[tuple[str, Fact]]) -> Iterator[str]:
    """Yield a row for each thing that is said, with all names of which it is said."""
    said: dict[str, list[str]] = {}
    for name, fact in facts:
        said.setdefault(fact.why, []).append(name)
    for why, names in said.items():
        yield f"| {_names(names)} | {_cell(why)} |"


def _head(*titles: str) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " --- |" * len(titles)


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name.removeprefix('azureml.core.')}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    raise SystemExit(main())
