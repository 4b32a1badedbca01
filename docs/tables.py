"""Writes tables into pages: what becomes of the names of the old SDK, and which hooks there are.

The one is made of the table that `azml check` reads, the other of the specifications of the hooks. Run it after a
change of either, from the root of the repository: ``python docs/tables.py``. With ``--check`` it only tells, by its
exit code, whether the pages are up to date.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from azml_integrations import hookspecs
from azml_integrations.checking import ROOMS, Fact, Verdict, others, table

DOCS = Path(__file__).parent
BLOCK = re.compile(r"(<!-- made by docs/tables\.py: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write the pages, or compare them."""
    return max([_page(DOCS / page, blocks, check="--check" in sys.argv[1:]) for page, blocks in PAGES.items()])


def _page(page: Path, blocks: dict[str, Callable[[], Iterator[str]]], *, check: bool) -> int:
    old = page.read_text(encoding="utf-8")
    lost = sorted(blocks.keys() ^ {found[2] for found in BLOCK.finditer(old)})
    if lost:
        sys.stderr.write(f"{page} has no place for the tables {lost}, or a place for a table that nobody makes\n")
        return 1
    new = BLOCK.sub(lambda found: found[1] + "\n".join([*blocks[found[2]](), found[3]]), old)
    if check:
        if old != new:
            sys.stderr.write(f"{page} is not what it is made of; write it with `python docs/tables.py`\n")
        return int(old != new)
    page.write_text(new, encoding="utf-8")
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


def hooks() -> Iterator[str]:
    """Yield a row for each hook: its signature, whose answer counts, how long it may take."""
    yield from _head("hook", "answers", "slow from")
    for name, spec in vars(hookspecs).items():
        if name.startswith("azml_"):
            first = getattr(spec, f"{hookspecs.PROJECT}_spec")["firstresult"]
            budget = getattr(spec, "azml_budget", hookspecs.BUDGET)
            returns = inspect.signature(spec).return_annotation
            answers = "none" if returns is None else "the first that is not None" if first else "all of them"
            limit = "a user waits for it" if budget == float("inf") else f"{budget:g} s"
            yield f"| [`{name}{_arguments(spec)}`](#azml_integrations.hookspecs.{name}) | {answers} | {limit} |"


def _arguments(spec: Callable[..., object]) -> str:
    return f"({', '.join(inspect.signature(spec).parameters)})"


PAGES = {
    "how-to/coming-from-azureml.md": {
        "runs": runs,
        "better": better,
        "differs": differs,
        "cloud": cloud,
        "others": others_gone,
    },
    "reference/hooks.md": {"hooks": hooks},
}


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
