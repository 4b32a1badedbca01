"""A submitted script sees what a script started by hand sees, and three things more are done for it."""

import json
import subprocess
import sys
import textwrap

import pytest

from azml_integrations.launch.processes import BOOTSTRAP


@pytest.fixture
def ran(tmp_path):
    """Run a script by hand, or through the bootstrap; return exit code, output and what was written down."""

    def run(text, *words, boot=True, kind="script"):
        script = tmp_path / "train.py"
        script.write_text(textwrap.dedent(text))
        about = tmp_path / "about"
        about.mkdir(exist_ok=True)
        head = [BOOTSTRAP, about, kind] if boot else []
        name = "train" if kind == "module" else "train.py"
        done = subprocess.run(
            [sys.executable, *head, name, *words], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
        )
        report = about / "ended.json"
        said = json.loads(report.read_text()) if report.exists() else None
        return done.returncode, done.stdout, done.stderr, said

    return run


FACTS = """
    import sys, os, pickle
    class Here: pass
    print(sys.argv, sys.path[0] == os.getcwd(), __name__, os.path.basename(__file__), __spec__)
    print(pickle.loads(pickle.dumps(Here())).__class__ is Here, sys.modules["__main__"].Here is Here)
    import mylib
    print(mylib.x, sorted(name for name in globals() if not name.startswith("__")))
    import atexit
    atexit.register(lambda: print("the end of", Here.__name__))
"""


def test_a_script_sees_what_it_would_see_by_hand(ran, tmp_path):
    (tmp_path / "mylib.py").write_text("x = 1")
    by_hand = ran(FACTS, "--alpha", "", boot=False)
    assert ran(FACTS, "--alpha", "")[:3] == by_hand[:3]
    assert "the end of Here" in by_hand[1]


@pytest.mark.parametrize("safe", ["", "1"])
def test_modules_are_looked_for_where_python_looks(ran, monkeypatch, safe):
    """Also where PYTHONSAFEPATH keeps the script's folder out; nothing of ours is left on the path."""
    monkeypatch.setenv("PYTHONSAFEPATH", safe)
    text = "import sys; print(sys.path)"
    by_hand = ran(text, boot=False)
    assert by_hand[0] == 0
    assert ran(text)[:3] == by_hand[:3]


@pytest.mark.parametrize(
    ("text", "code"),
    [("pass", 0), ("import sys; sys.exit(3)", 3), ("raise SystemExit('no')", 1), ("import sys; sys.exit()", 0)],
)
def test_the_exit_code_is_the_scripts_and_written_down(ran, text, code):
    assert ran(text, boot=False)[0] == code
    returned, _, _, said = ran(text)
    assert (returned, said) == (code, {"code": code} | ({"message": "no"} if code == 1 else {}))


def test_the_beginning_is_written_down_before_the_first_line(ran):
    assert (
        ran("import os; print(os.path.exists('about/began'), os.path.exists('about/ended.json'))")[1] == "True False\n"
    )


def test_a_traceback_is_the_scripts_alone(ran):
    """It is printed as by hand, and written down for whoever submitted the script."""
    text = "def f():\n    raise ValueError('too large: é')\nf()\n"
    by_hand = ran(text, boot=False)
    code, _, err, said = ran(text)
    assert (code, err) == (1, by_hand[2])
    assert said["type"] == "ValueError"
    assert said["message"] == "too large: é"
    assert said["trace"].strip() == err.strip()


def test_a_syntax_error_names_the_line(ran):
    code, _, err, said = ran("x = = 1")
    assert code == 1
    assert "SyntaxError" in err
    assert "bootstrap" not in err
    assert said["type"] == "SyntaxError"


def test_the_scripts_own_excepthook_is_asked(ran):
    text = "import sys\nsys.excepthook = lambda kind, error, trace: print('mine', kind.__name__)\n1 / 0\n"
    code, out, _, said = ran(text)
    assert (code, out, said["type"]) == (1, "mine ZeroDivisionError\n", "ZeroDivisionError")


def test_a_module_runs_as_python_runs_it(ran):
    code, out, _, said = ran("import sys; print(__name__, sys.argv[1:])", "a", kind="module")
    assert (code, out, said) == (0, "__main__ ['a']\n", {"code": 0})


def test_output_appears_line_by_line(tmp_path):
    """Also into a file, where Python would keep it back."""
    (tmp_path / "train.py").write_text("import os\nprint('first')\nos._exit(0)\n")
    with (tmp_path / "log").open("w") as log:
        subprocess.run(
            [sys.executable, BOOTSTRAP, tmp_path / "r", "script", "train.py"], stdout=log, cwd=tmp_path, check=True
        )
    assert (tmp_path / "log").read_text() == "first\n"


LOGGING = {
    "file": "logging.basicConfig(filename='x.log', level=logging.INFO)",
    "stderr": "logging.basicConfig(level=logging.INFO)",
    "stdout": "logging.basicConfig(stream=sys.stdout, level=logging.INFO)",
    "forced": "logging.basicConfig(level=logging.INFO); logging.basicConfig(filename='x.log', force=True)",
    "null": "logging.getLogger('app').addHandler(logging.NullHandler()); logging.getLogger('app').propagate = False",
}


@pytest.mark.parametrize(("kind", "times"), [("file", 1), ("stderr", 1), ("stdout", 1), ("forced", 1), ("null", 0)])
def test_records_reach_the_output_once_whatever_handler_is_set(ran, kind, times):
    """A record that is silenced on purpose stays silent."""
    text = f"import logging, sys\n{LOGGING[kind]}\nlogging.getLogger('app').warning('seen %d', 5)\n"
    code, out, err, _ = ran(text)
    assert code == 0
    assert (out + err).count("seen 5") == times


def test_asking_for_everything_brings_no_flood(ran):
    """Matplotlib tells each font that it looks at; whoever wants that can still ask for it."""
    text = """
        import logging
        logging.basicConfig(level=logging.DEBUG)
        logging.getLogger("app").debug("mine")
        logging.getLogger("matplotlib.font_manager").debug("score")
        logging.getLogger("matplotlib").setLevel(logging.DEBUG)
        logging.getLogger("matplotlib.font_manager").debug("wanted")
    """
    _, _, err, _ = ran(text)
    assert "mine" in err
    assert "score" not in err
    assert "wanted" in err


def test_a_script_that_does_not_log_does_not_pay_for_logging(ran):
    assert (
        ran("import sys; print('logging' in sys.modules, 'typing' in sys.modules)")[1]
        == ran("import sys; print('logging' in sys.modules, 'typing' in sys.modules)", boot=False)[1]
    )
