"""Whatever lies in a file, it is read or told about; nothing raises."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checked_lines import by_line

from azml_integrations.checking import check, files

USE = "from azureml.core import Run\nRun.get_context().get_secret('k')\n"


def faults(path: Path) -> list[str]:
    return [f"{f.spot.cell}:{f.spot.line}: {f.why}" for f in check(path) if f.name == "(the file)"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"print 'hello'\n", "0:1: is no Python 3: Missing parentheses in call to 'print'"),
        (b"try:\n    pass\nexcept Exception, e:\n    pass\n", "0:3: is no Python 3: "),
        (b"x = 1\nif x:\ny = 2\n", "0:3: is no Python 3: expected an indented block"),
        (b"x = '\xff'\n", "0:1: is no text in the encoding it claims: "),
        (b"# coding: klingon\n", "0:1: is no text in the encoding it claims: "),
        (b"x = 1\x00\n", "0:1: is no Python 3: source code"),
        (b"x = " + b"(" * 100_000 + b")" * 100_000, "0:1: is n"),
        (b"x = " + b"-" * 100_000 + b"1", "0:1: is n"),
    ],
    ids=["print", "except", "indent", "bytes", "coding", "nul", "parentheses", "minus"],
)
def test_a_file_that_is_no_python_3_is_told(tmp_path, content, why):
    """With the line, and with what Python says of it."""
    path = tmp_path / "old.py"
    path.write_bytes(content)
    told = faults(path)
    assert len(told) == 1
    assert told[0].startswith(why), told


def test_an_old_encoding_is_read(tmp_path):
    """The file says which it is, and columns count characters."""
    path = tmp_path / "latin.py"
    path.write_bytes(
        "# -*- coding: latin-1 -*-\nfrom azureml.core import Run\nx = 'ä', Run.get_context().get_secret\n".encode(
            "latin-1"
        )
    )
    assert [(f.spot.line, f.spot.column) for f in check(path) if f.verdict == "cloud"] == [(3, 28)]


def test_a_file_that_cannot_be_read(tmp_path):
    """A folder of somebody else's hides no other file."""
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    assert faults(tmp_path / "gone.py") == ["0:1: cannot be read: No such file or directory"]


def test_a_folder_is_read_but_for_strangers_code(tmp_path):
    """Sorted; hidden folders, environments and links to folders are passed."""
    wanted = ["b.py", "a/c.ipynb", "env/f.py"]
    others = ["a/d.txt", ".hidden/e.py", "myenv/pyvenv.cfg", "myenv/bin/x.py", "a/site-packages/g.py"]
    for name in (*wanted, *others, "a/.ipynb_checkpoints/h.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in files(tmp_path)] == wanted


# -- notebooks ---------------------------------------------------------------------------------------


def test_cells_share_their_names_and_count_their_lines(notebook):
    """Text cells count as cells, as editors number them."""
    path = notebook(
        {"cell_type": "markdown", "source": "# Title"},
        "from azureml.core import Run\nrun = Run.get_context()",
        {"cell_type": "code", "source": ["# list of lines\n", "run.get_secret('k')"]},
    )
    cloud = [f for f in check(path) if f.verdict == "cloud"]
    assert [str(f.spot) for f in cloud] == [f"{path}:cell 3:2:5"]


def test_magics_and_shell_lines_keep_their_line_numbers(notebook):
    """They are made harmless where Python would stumble; what is Python already is left alone."""
    path = notebook(
        """
        %matplotlib inline
        %load_ext autoreload
        !pip install \\
            --upgrade azureml-sdk
        from azureml.core import Run
        files = !ls
        x = %env HOME
        run = Run.get_context()
        ?run
        run?
        if True:
            !echo {run.id}
        run.get_secret("k")
        """,
        "%%time\nrun.get_secret('k')",
        "%%capture out\n\nrun.get_secret('k')",
        "# a remark\n%%bash\nrm -rf /",
        "%%html\n<b>",
        "text = ('%d'\n% 3)\nrun.get_secret('k')",
        "await run.get_secret('k')",
    )
    assert faults(path) == []
    cloud = [(f.spot.cell, f.spot.line) for f in check(path) if f.verdict == "cloud"]
    assert cloud == [(1, 13), (2, 2), (3, 3), (6, 3), (7, 1)]


def test_scripts_that_a_notebook_writes(notebook):
    """They are programs of their own: the notebook's names are not theirs."""
    path = notebook(
        "run = 1\nwritten = 2",
        "%%writefile $folder/train.py\nfrom azureml.core import Run\nRun.get_context().get_secret('k')\nwritten.x",
        "%%writefile notes.txt\nno Python at all",
    )
    assert by_line(check(path)) == {3: {"Run.get_secret": "cloud"}, 4: {"written": "broken"}}
    assert {f.spot.cell for f in check(path)} == {2}


def test_a_broken_cell_hides_no_other(notebook):
    """Old notebooks have a cell in Python 2 somewhere; and nothing is said of names that it may have bound."""
    path = notebook("from azureml.core import Run", "print 'x'", "Run.get_context().get_secret('k'); maybe.x")
    assert faults(path)[0].startswith("2:1: is no Python 3: Missing parentheses")
    assert [f.spot.cell for f in check(path) if f.verdict == "cloud"] == [3]
    assert not [f for f in check(path) if f.name == "maybe"]


def test_a_notebook_that_runs_another(notebook):
    """Its names may come from there."""
    assert check(notebook("%run setup.ipynb", "helper.go()")) == []
    assert [f.name for f in check(notebook("helper.go()"))] == ["helper"]


def test_a_notebook_of_2014(tmp_path):
    """Worksheets, and `input` in the place of `source`."""
    cells = [{"cell_type": "code", "input": USE, "language": "python"}]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert by_line(check(path)) == {2: {"Run.get_secret": "cloud"}}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is no notebook: "),
        ("[]", "is no notebook: it holds no object"),
        ("{}", "is no notebook: it holds no cells"),
        ('{"cells": 3}', "is no notebook: it holds no cells"),
        ("\xff", "is no notebook: "),
        ("[" * 100_000, "is no notebook: "),
        ('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "is a notebook in r, not in Python"),
    ],
)
def test_what_is_no_notebook_in_python_is_told(tmp_path, content, why):
    """JSON of another kind, no JSON, another language."""
    path = tmp_path / "n.ipynb"
    path.write_bytes(content.encode("latin-1"))
    assert faults(path)[0].removeprefix("0:1: ").startswith(why)


def test_odd_cells_are_passed(notebook):
    """A cell without a source, a source that is no text, metadata that is no dict."""
    path = notebook({"cell_type": "code"}, {"cell_type": "code", "source": [1, 2]}, metadata=[])
    assert check(path) == []


def test_ten_thousand_lines_take_a_moment(tmp_path):
    """A folder of notebooks is checked while one waits."""
    import time

    path = tmp_path / "long.py"
    path.write_text("from azureml.core import Run\nrun = Run.get_context()\n" + "run.log('a', 1)\n" * 10_000)
    began = time.perf_counter()
    assert len(check(path)) == 10_002
    assert time.perf_counter() - began < 5


def test_functions_that_call_each_other_take_a_moment(tmp_path):
    """Each is read once in advance, not once for each call of each caller of it; and not deeper than a script goes."""
    import time

    path = tmp_path / "chain.py"
    calls = "".join(f"def f{n}():\n    return f{n + 1}() or f{n + 1}() or f{n + 1}()\n" for n in range(200))
    last = "def f200():\n    return Run.get_context()\nf195().get_secret('k')\nf0().get_secret('k')\n"
    path.write_text(f"from azureml.core import Run\n{calls}{last}")
    began = time.perf_counter()
    assert [finding.spot.line for finding in check(path) if finding.verdict == "cloud"] == [404]
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("code", ["x = 1" + " + 1" * 5000, "x = y" + ".z" * 3000, "x = y" + "()" * 3000])
def test_code_that_is_nested_too_deep_is_told(tmp_path, code):
    """Generated code does that; whatever stands around it is read."""
    path = tmp_path / "deep.py"
    path.write_text(f"y = 0\n{code}\n")
    assert faults(path)[0].startswith("0:1: is ")
    (tmp_path / "fine.py").write_text(USE)
    assert by_line(check(tmp_path / "fine.py")) == {2: {"Run.get_secret": "cloud"}}


def test_reading_brings_nothing_of_the_code(tmp_path):
    """Not its modules, and none of the frameworks that it names."""
    (tmp_path / "s.py").write_text("import torch, sklearn, pandas\n" + USE)
    program = f"""
import sys
from pathlib import Path
from azml_integrations.checking import check
check(Path({os.fspath(tmp_path / "s.py")!r}))
print({{"torch", "sklearn", "pandas", "azureml", "numpy"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
