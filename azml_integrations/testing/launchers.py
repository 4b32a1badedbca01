"""The promises of a launcher, as a class of tests to inherit."""
# ruff: noqa: S101 - a contract asserts

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..core import Workspace
    from ..core.script_run import ScriptRun
    from ..records import Launcher

Submit = Callable[..., "ScriptRun"]

UNSEEN = "a value that no disk may see"
"""Of a variable that looks like a secret."""


class LauncherContract:
    """The promises of `records.Launcher`: inherit it, and override the fixture `launcher`.

    Scripts are submitted as users submit them, and looked at from outside: the contract holds wherever they run.

    Attributes
    ----------
    patience : float
        So long a script may take to begin, and to end [s].

    Examples
    --------
    ::

        class TestMyLauncher(LauncherContract):
            @pytest.fixture
            def launcher(self, workspace):
                return lambda target: MyLauncher(workspace, target)
    """

    patience = 60.0

    @pytest.fixture
    def launcher(self, workspace: "Workspace") -> "Callable[[str], Launcher]":
        """Return what makes a launcher for a compute target of that name."""
        raise NotImplementedError("override the fixture `launcher`")

    @pytest.fixture
    def submit(
        self,
        workspace: "Workspace",
        launcher: "Callable[[str], Launcher]",
        tmp_path: Path,
    ) -> Iterator[Submit]:
        """Give a function that submits a script to the target ``elsewhere``; what still runs at the end is canceled."""
        from ..core import Environment, Experiment, ScriptRunConfig
        from ..hookspecs import hookimpl
        from ..plugins import plugins

        @hookimpl
        def azml_launcher(target: str) -> "Launcher | None":
            return launcher(target) if target == "elsewhere" else None

        plugins().register(SimpleNamespace(azml_launcher=azml_launcher), "launcher of the contract")
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        runs: list[ScriptRun] = []

        def one(script: str, *arguments: str, run_id: str | None = None, **variables: str) -> "ScriptRun":
            (source / "script.py").write_text(textwrap.dedent(script))
            surroundings = Environment("of the contract")
            surroundings.python.user_managed_dependencies = True
            surroundings.environment_variables = variables
            config = ScriptRunConfig(
                str(source), "script.py", list(arguments), compute_target="elsewhere", environment=surroundings
            )
            runs.append(Experiment(workspace, "launched").submit(config, run_id=run_id))  # type: ignore[arg-type]
            return runs[-1]

        yield one
        for run in runs:
            run.cancel()
        self._eventually(lambda: not any(map(_queued, runs)))

    def test_a_script_runs_to_its_end(self, submit: Submit, workspace: "Workspace") -> None:
        """What it says, logs and writes is the run's; each status has its turn; nothing is left in the queue."""
        run = submit(
            """
            import os, sys
            from azml_integrations import Run

            print("given", sys.argv[1:], os.environ["COLOUR"])
            with open("outputs/made.txt", "w") as file:
                file.write("made")
            Run.get_context(allow_offline=False).log("mse", 0.5)
            """,
            "--alpha",
            "a b",
            COLOUR="blue",
        )
        details = self._ended(run)

        assert details["status"] == "Completed"
        assert details["target"] == "elsewhere"
        assert run.get_metrics() == {"mse": 0.5}
        assert "outputs/made.txt" in run.get_file_names()
        assert _log(run) == "given ['--alpha', 'a b'] blue\n"
        assert _statuses(run) == ["Queued", "Preparing", "Running", "Finalizing", "Completed"]
        assert not _queued(run)
        assert not (workspace.root / "work" / run.id).exists()

    def test_a_script_that_fails_says_why(self, submit: Submit) -> None:
        """Its exception, or its exit code, stands in the run."""
        raised = submit("raise KeyError('no such column')")
        left = submit("raise SystemExit(7)")

        assert self._ended(raised)["status"] == self._ended(left)["status"] == "Failed"
        error = raised._record().error  # noqa: SLF001 - all of it
        assert error is not None
        assert error.type == "KeyError"
        assert "no such column" in error.message
        code = left._record().error  # noqa: SLF001 - as above
        assert code is not None
        assert "7" in code.message

    def test_submitting_waits_for_nothing(self, submit: Submit, tmp_path: Path) -> None:
        """The call comes back while the script runs, or has not begun."""
        go_on = tmp_path / "go on"
        run = submit(f"import os, time\nwhile not os.path.exists({str(go_on)!r}): time.sleep(0.02)\n")

        assert run.get_status() not in ("Completed", "Failed", "Canceled")
        go_on.touch()
        assert self._ended(run)["status"] == "Completed"

    def test_a_script_that_runs_is_canceled(self, submit: Submit, tmp_path: Path) -> None:
        """It is ended with what it has started, and its run says so."""
        began, child = tmp_path / "began", tmp_path / "child"
        run = submit(
            f"""
            import pathlib, subprocess, sys, time
            one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            pathlib.Path({str(child)!r}).write_text(str(one.pid))
            pathlib.Path({str(began)!r}).touch()
            time.sleep(600)
            """
        )
        self._eventually(began.exists)

        run.cancel()

        assert self._ended(run)["status"] == "Canceled"
        self._eventually(lambda: _gone(int(child.read_text())))

    def test_secrets_reach_the_script_and_no_disk(
        self, submit: Submit, workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A variable that looks like a secret is handed over in memory."""
        monkeypatch.setenv("ACME_API_KEY", UNSEEN)
        run = submit("import os; print(len(os.environ['ACME_API_KEY']))")

        assert self._ended(run)["status"] == "Completed"
        assert _log(run) == f"{len(UNSEEN)}\n"
        files = [path for path in workspace.root.rglob("*") if path.is_file() and not path.is_symlink()]
        assert [path for path in files if UNSEEN.encode() in path.read_bytes()] == []

    def test_being_attended_twice_runs_it_once(
        self, submit: Submit, launcher: "Callable[[str], Launcher]", tmp_path: Path
    ) -> None:
        """Whoever waits for a run asks again and again that somebody works on it."""
        count = tmp_path / "count"
        run = submit(f"import time\nwith open({str(count)!r}, 'a') as file: file.write('x')\ntime.sleep(1)\n")
        for _ in range(3):
            launcher("elsewhere").attend(run.id)

        assert self._ended(run)["status"] == "Completed"
        assert count.read_text() == "x"

    def test_a_run_that_is_over_is_not_touched(
        self, submit: Submit, launcher: "Callable[[str], Launcher]", tmp_path: Path
    ) -> None:
        """To attend or to cancel it is harmless, and so it is for a run that never was."""
        run = submit("")
        self._ended(run)

        for run_id in (run.id, "nobody"):
            launcher("elsewhere").attend(run_id)
            launcher("elsewhere").cancel(run_id)

        run.cancel()
        assert run.get_status() == "Completed"

    def _ended(self, run: "ScriptRun") -> dict[str, Any]:
        """Return the details of a run that has ended for good: its ticket is gone."""
        self._eventually(lambda: run.get_status() in ("Completed", "Failed", "Canceled") and not _queued(run))
        return dict(run.get_details())

    def _eventually(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + self.patience
        while not true():
            assert time.monotonic() < until, f"it did not come true within {self.patience:g} s"
            time.sleep(0.05)


def _queued(run: "ScriptRun") -> bool:
    from ..core import submission

    return submission.in_queue(run)


def _log(run: "ScriptRun") -> str:
    return run._read("user_logs/std_log.txt").decode()  # noqa: SLF001 - the text of a file


def _statuses(run: "ScriptRun") -> list[str]:
    """Return every status that a run has had, in the order of the moments."""
    from .. import journal
    from ..records import Cursor, StatusChanged

    events = [
        event
        for path in journal.files(run._folder)  # noqa: SLF001 - the truth itself
        for batch in journal.read(path, Cursor())
        for event in batch.events
        if isinstance(event, StatusChanged)
    ]
    return [str(event.status) for event in sorted(events, key=lambda event: event.at)]


def _gone(pid: int) -> bool:
    """Tell whether a process has ended, here."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"
