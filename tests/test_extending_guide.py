"""The guide to what plugins can add does, part by part, what it says."""

import contextlib
import importlib
import io
import re
import shlex
import sys
from pathlib import Path

import click.testing
import pytest

from azml_integrations.cli.app import azml
from azml_integrations.plugins import plugins

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "extend-azml.md").read_text()
PARTS = dict(zip(*[iter(re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))


@pytest.mark.parametrize("part", PARTS)
def test_the_guide_does_what_it_says(part, workspace, tmp_path, monkeypatch):
    """Files are files, what has a hook is a plugin, all else is run; and prints what the page says."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    before, world = set(sys.modules), {"__name__": "__main__"}
    printed = io.StringIO()
    try:
        for kind, text in re.findall(r"```(\w+)\n(.*?)```", PARTS[part], re.DOTALL):
            if kind == "python" and (file := re.match(r"# (\w+)\.py\n", text)):
                Path(tmp_path, f"{file[1]}.py").write_text(text)
                importlib.invalidate_caches()
                if "hookimpl" in text:
                    plugins().register(importlib.import_module(file[1]), file[1].removeprefix("azml_"))
            elif kind == "python":
                with contextlib.redirect_stdout(printed):
                    exec(compile(text, part, "exec"), world)
            elif kind == "text":
                assert printed.getvalue() == text
                printed = io.StringIO()
            elif kind == "console":
                assert _answered(text) == text
        assert printed.getvalue() == ""
    finally:
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in sys.modules[name].__file__:
                del sys.modules[name]


def _answered(text):
    """Return a piece of a terminal as it would be now."""
    lines = [line for line in text.splitlines() if line.startswith("$ azml ")]
    results = [click.testing.CliRunner().invoke(azml, shlex.split(line)[2:], prog_name="azml") for line in lines]
    return "".join(f"{line}\n{result.output}" for line, result in zip(lines, results, strict=True))
