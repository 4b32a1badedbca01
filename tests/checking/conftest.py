"""Code in a file, and what is said of it."""

import json
import textwrap

import pytest
from checked_lines import by_line

from azml_integrations.checking import check


@pytest.fixture
def said(tmp_path):
    """Check a script and return, by line, the names that do not simply run: ``{3: {"numpy.float": "broken"}}``."""

    def look(code: str, *, all_: bool = False, name: str = "script.py") -> dict[int, dict[str, str]]:
        path = tmp_path / name
        path.write_text(textwrap.dedent(code).lstrip("\n"), encoding="utf-8")
        return by_line(check(path), all_=all_)

    return look


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of cells and return its path; a cell is code, or a whole dict."""

    def write(*cells: str | dict, **document) -> str:
        whole = [
            cell if isinstance(cell, dict) else {"cell_type": "code", "source": textwrap.dedent(cell).strip("\n")}
            for cell in cells
        ]
        path = tmp_path / "notebook.ipynb"
        path.write_text(json.dumps({"nbformat": 4, "cells": whole, **document}), encoding="utf-8")
        return path

    return write
