"""From files to code: scripts, the cells of notebooks, and what a notebook writes to scripts of its own."""

import ast
import io
import json
import os
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .facts import Finding, Spot, Verdict

SUFFIXES = (".py", ".ipynb")
_FOREIGN = {"__pycache__", "site-packages", "node_modules"}
"""Folders that hold nobody's own code; virtual environments and those whose names begin with a dot are passed too."""

UNREADABLE = "(the file)"
"""Stands for a name in a finding about code that cannot be read."""


@dataclass(frozen=True)
class Piece:
    """Code that is parsed on its own.

    Attributes
    ----------
    path : Path
        The file.
    cell : int
        Cell of a notebook, from 1; 0 in a script.
    tree : ast.Module
        The code.
    lines : tuple of str
        Its lines.
    after : int
        Lines of the cell before the code begins.
    """

    path: Path
    cell: int
    tree: ast.Module
    lines: tuple[str, ...]
    after: int = 0

    def spot(self, node: ast.AST) -> Spot:
        """Return where a node stands; of an attribute, where its last name does."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)  # [bytes of UTF-8]
        if isinstance(node, ast.Attribute) and node.end_lineno is not None and node.end_col_offset is not None:
            line, column = node.end_lineno, node.end_col_offset - len(node.attr.encode())
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return Spot(self.path, self.cell, line + self.after, len(text.encode()[:column].decode(errors="ignore")) + 1)


@dataclass(frozen=True)
class Program:
    """Code whose parts see each other's names: a script, or all cells of a notebook.

    Attributes
    ----------
    pieces : tuple of Piece
        In order.
    faults : tuple of Finding
        What of it cannot be read, and why.
    closed : bool
        Whether all its names are bound in it: not where a magic runs another file.
    """

    pieces: tuple[Piece, ...]
    faults: tuple[Finding, ...] = ()
    closed: bool = True


def files(path: Path) -> Iterator[Path]:
    """Yield the scripts and notebooks of a folder, sorted; of a file, itself."""
    if not path.is_dir():
        yield path
        return
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not _is_foreign(Path(folder, name)))
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES))


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _FOREIGN or (folder / "pyvenv.cfg").exists()


def programs(path: Path) -> list[Program]:
    """Return what a file holds; whatever is wrong with it, it is told and not raised.

    Parameters
    ----------
    path : Path
        A script or notebook.

    Returns
    -------
    programs : list of Program
        The file itself first, then the scripts that a notebook writes.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return [_broken(Spot(path, 0, 1, 1), f"cannot be read: {error.strerror or error}")]
    if path.suffix == ".ipynb":
        return _notebook(path, content)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return [_broken(Spot(path, 0, 1, 1), f"is no text in the encoding it claims: {error}")]
    return [_program(path, [(0, 0, text)])]


def _broken(spot: Spot, why: str) -> Program:
    return Program((), (Finding(spot, UNREADABLE, Verdict.BROKEN, why),))


def _program(path: Path, texts: Iterable[tuple[int, int, str]], *, closed: bool = True) -> Program:
    """Parse texts, each given with its cell and the lines of the cell before it."""
    pieces, faults = [], []
    for cell, after, text in texts:
        try:
            pieces.append(Piece(path, cell, _parsed(text), _lines(text), after))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            spot = Spot(path, cell, line + after, getattr(error, "offset", None) or 1)
            message = getattr(error, "msg", None) or str(error)
            faults.append(Finding(spot, UNREADABLE, Verdict.BROKEN, f"is no Python 3: {message}"))
        except (RecursionError, MemoryError):
            faults.append(Finding(Spot(path, cell, 1, 1), UNREADABLE, Verdict.BROKEN, "is nested too deep to be read"))
    return Program(tuple(pieces), tuple(faults), closed and not faults)


def _lines(text: str) -> tuple[str, ...]:
    """Return the lines as Python counts them."""
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in somebody's string is no concern of ours
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(text, "<code>", "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)  # noqa: S101 - for mypy
    return tree


# -- notebooks ---------------------------------------------------------------------------------------

_RUNS_OTHERS = re.compile(r"(?m)^\s*%\s*(run|load|pylab|load_ext|store)\b|^\s*%%?(pyspark|spark)\b")
_LINE_MAGIC = re.compile(r"^(\s*)(%[\w%]|[!?]|.*\w\?\??\s*$)")
_ASSIGNED = re.compile(r"^(\s*[\w.,\[\]'\" ()]+?=\s*)[%!]\S.*$")
_WRITES = re.compile(r"%%writefile\s+(?:-a\s+)?['\"]?(.*?\.py)['\"]?\s*$")
_KEEPS = ("time", "timeit", "capture", "prun", "local", "python", "python3", "py", "run_pytest")
"""Cell magics below which Python stands."""


def _notebook(path: Path, content: bytes) -> list[Program]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
        cells = list(_code_cells(document))
    except (ValueError, RecursionError) as error:
        return [_broken(Spot(path, 0, 1, 1), f"is no notebook: {error}")]
    language = _language(document)
    if language != "python":
        return [_broken(Spot(path, 0, 1, 1), f"is a notebook in {language}, not in Python")]
    own: list[tuple[int, int, str]] = []
    written: list[Program] = []
    closed = True
    for number, text in cells:
        closed = closed and not _RUNS_OTHERS.search(text)
        before, magic, body = _split(text)
        if magic is None or magic.lstrip("%").partition(" ")[0].strip() in _KEEPS:
            own.append((number, before, _without_magics(body)))
        elif _WRITES.match(magic):
            written.append(_program(path, [(number, before, body)]))
    return [_program(path, own, closed=closed), *written]


def _code_cells(document: Any) -> Iterator[tuple[int, str]]:
    """Yield the number among all cells, and the text, of each code cell.

    Raises
    ------
    ValueError
        If the document is none of a notebook.
    """
    if not isinstance(document, dict):
        raise ValueError("it holds no object")  # noqa: TRY004 - a value of a file
    cells = document.get("cells")
    if cells is None:  # before 2015
        sheets = document.get("worksheets")
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ())] if isinstance(sheets, list) else None
    if not isinstance(cells, list):
        raise ValueError("it holds no cells")  # noqa: TRY004 - likewise
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source: Any = cell.get("source", cell.get("input", ""))
            yield number, source if isinstance(source, str) else "".join(map(str, source))


def _language(document: dict[str, Any]) -> str:
    about = document.get("metadata")
    about = about if isinstance(about, dict) else {}
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        named = about.get(section)
        if isinstance(named, dict) and isinstance(named.get(key), str):
            return str(named[key]).lower()
    return "python"


def _split(text: str) -> tuple[int, str | None, str]:
    """Return the number of lines before a cell's code, its cell magic, and the code."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line.startswith("%%"):
            return place + 1, line, "\n".join(lines[place + 1 :])
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return 0, None, text


def _without_magics(text: str) -> str:
    """Return the code with lines that only IPython understands made harmless; each keeps its number."""
    if _is_python(text):
        return text
    lines, kept = text.split("\n"), []
    continued = False
    for line in lines:
        found = _LINE_MAGIC.match(line)
        if continued or found:
            indent = re.match(r"\s*", line)
            kept.append((indent[0] if indent and not continued else "") + ("pass" if not continued else ""))
            continued = line.rstrip().endswith("\\")
        else:
            kept.append(_ASSIGNED.sub(r"\1None", line))
    return "\n".join(kept)


def _is_python(text: str) -> bool:
    try:
        _parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
