"""Follows a page of the documentation part by part, as a reader would who types what stands there."""

import contextlib
import importlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click.testing

from azml_integrations.cli.app import azml
from azml_integrations.plugins import plugins


def parts(page: str) -> dict[str, str]:
    """Return what stands under each heading of second order of a page of ``docs/``."""
    text = (Path(__file__).parent.parent / "docs" / page).read_text()
    _, *several = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(several[::2], several[1::2], strict=True))


def file_of(part: str, name: str) -> str:
    """Return the text of a file that a part has its reader write."""
    (text,) = re.findall(rf"```python\n(# {re.escape(name)}\n.*?)```", part, re.DOTALL)
    return text


@contextlib.contextmanager
def followed(part: str, folder: Path) -> Iterator[dict[str, object]]:
    """Do what a part says: files are files, what has a hook is a plugin, all else is run, and prints what it should.

    A piece of Python that begins with ``# name.py`` is that file. Gives the names of what was run; at the end the
    modules are forgotten.
    """
    before, world = set(sys.modules), {"__name__": "__main__"}
    sys.path.insert(0, str(folder))
    printed = io.StringIO()
    try:
        for kind, text in re.findall(r"```(\w+)\n(.*?)```", part, re.DOTALL):
            if kind == "python" and (file := re.match(r"# ([\w/]+)\.py\n", text)):
                path = folder / f"{file[1]}.py"
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
                importlib.invalidate_caches()
                if "hookimpl" in text:
                    plugins().register(importlib.import_module(file[1]), file[1].removeprefix("azml_"))
            elif kind == "python":
                with contextlib.redirect_stdout(printed):
                    exec(compile(text, "the guide", "exec"), world)
            elif kind == "text":
                assert printed.getvalue() == text
                printed = io.StringIO()
            elif kind == "console":
                assert _answered(text) == text
        assert printed.getvalue() == ""
        yield world
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]


def _answered(text: str) -> str:
    """Return a piece of a terminal as it would be now."""
    lines = [line for line in text.splitlines() if line.startswith("$ azml ")]
    results = [click.testing.CliRunner().invoke(azml, shlex.split(line)[2:], prog_name="azml") for line in lines]
    return "".join(f"{line}\n{result.output}" for line, result in zip(lines, results, strict=True))
