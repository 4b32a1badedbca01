"""How what the user types is found: workspaces and runs."""

import json
import os
import subprocess

import pytest
from azml_calls import CALL
from click.testing import CliRunner

from azml_integrations.cli.app import azml as command
from azml_integrations.core import Experiment, Workspace


def test_a_run_has_many_names(azml, ended):
    """An id, its beginning, experiment and number, or just the latest one."""
    first, second = ended(), ended()

    for name in (first.id, first.id[:10], "trials/1", "trials/#1"):
        assert azml("run", "show", name, "--output", "json").json["run_id"] == first.id
    for name in ("@latest", "trials/@latest", "trials/2"):
        assert azml("run", "show", name, "--output", "json").json["run_id"] == second.id


@pytest.mark.parametrize("name", ["nothing", "trials/9", "trials/x", "empty/1", "empty/@latest", "", "a b"])
def test_a_run_that_is_not_there_has_its_own_exit_code(azml, ended, workspace, name):
    """A script tells 'not there' from 'went wrong' by the code."""
    ended()
    Experiment(workspace, "empty")

    assert azml("run", "show", name, code=3).err.startswith("error: no run")


@pytest.mark.parametrize("name", ["nope/1", "nope/@latest", "../x"])
def test_a_run_of_no_experiment(azml, ended, name):
    """The slip is in the experiment's name, and the answer names those that are there."""
    ended()

    said = azml("run", "show", name, code=3).err

    assert said.startswith(f"error: no experiment {name.split('/')[0]!r}")
    assert "there are: trials" in said


def test_the_latest_of_nothing(azml):
    """An empty workspace says so."""
    assert "no run in workspace" in azml("run", "show", "@latest", code=3).err


def test_a_beginning_of_two_ids_is_refused(azml, experiment):
    """Rather a question back than the wrong run deleted."""
    for run_id in ("sweep-1", "sweep-10"):
        experiment.start_logging(run_id=run_id, outputs=False, snapshot_directory=None).complete()

    assert "sweep-1, sweep-10" in azml("run", "show", "sweep", code=2).err
    assert azml("run", "show", "sweep-1", "--output", "json").json["run_id"] == "sweep-1"


def test_a_beginning_of_a_family_means_its_parent(azml, run):
    """Ids of children begin with their parent's; whoever types a beginning of it means the parent."""
    for made in (f"{run.id}_1", f"{run.id}.worker"):
        run.child_run(run_id=made).complete()

    assert azml("run", "show", run.id[:8], "--output", "json").json["run_id"] == run.id
    shown = [line.split()[0] for line in azml("run", "list", "--children").lines[2:]]
    assert run.id[:8] in shown
    for one in shown:
        azml("run", "show", one)


def test_the_drawn_end_of_an_id_is_enough(azml, experiment):
    """``OfflineRun_<guid>`` is shown by what tells it apart, and what is shown is understood."""
    guid = "6a1b64d2-6bf1-4d46-9231-67f2f7660ee8"
    for made in (f"OfflineRun_{guid}", "OfflineRun_6a1b64d2-7000-4d46-9231-67f2f7660ee8", "mine"):
        experiment.start_logging(run_id=made, outputs=False, snapshot_directory=None).complete()

    shown = [line.split()[0] for line in azml("run", "list").lines[2:]]

    assert shown == ["mine", "6a1b64d2-7", "6a1b64d2-6"]
    for typed in ("6a1b64d2-6", guid, f"OfflineRun_{guid}", "OfflineRun_6a1b64d2-6"):
        assert azml("run", "show", typed, "--output", "json").json["run_id"] == f"OfflineRun_{guid}"


def test_a_workspace_by_name_path_or_neither(shell, azml, ended, workspace, tmp_path):
    """``--workspace`` takes both, before and after the command; a wrong one is not found and not made."""
    run = ended()

    for arguments in (
        ["--workspace", workspace.name, "run", "list"],
        ["run", "list", "--workspace", workspace.name],
        ["run", "list", "--workspace", str(workspace.root)],
    ):
        assert azml(*arguments, "--output", "json").json[0]["run_id"] == run.id
    assert "no workspace" in azml("run", "list", "--workspace", "unknown", code=3).err
    assert "no workspace in" in azml("run", "list", "--workspace", str(tmp_path / "x"), code=3).err
    assert "no workspace in" in azml("run", "list", "--workspace", f"file://{tmp_path}/x", code=3).err
    assert not (tmp_path / "x").exists()


@pytest.fixture
def unnamed(monkeypatch):
    """Call a command on the workspace that the surroundings decide."""

    def call(*arguments, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(command, arguments, catch_exceptions=False)

    return call


def tree(folder):
    return sorted(folder.rglob("*"))


def test_a_name_in_azml_workspace_makes_no_folder(unnamed, workspace, tmp_path):
    """The variable is a path; who gave it a name is told how the name is given."""
    before = tree(tmp_path)

    unknown = unnamed("run", "list", AZML_WORKSPACE="nope")
    known = unnamed("run", "list", AZML_WORKSPACE=workspace.name)

    assert (unknown.exit_code, known.exit_code, tree(tmp_path)) == (3, 3, before)
    assert f"AZML_WORKSPACE=nope is a path, and there is no workspace in {tmp_path / 'nope'}" in unknown.stderr
    assert "--workspace" not in unknown.stderr
    assert f"use --workspace {workspace.name} or AZML_WORKSPACE={workspace.root}" in known.stderr


@pytest.mark.parametrize(
    "config", [None, {"store": "elsewhere"}, {"Scope": "/subscriptions/a/resourceGroups/b/workspaces/new"}]
)
@pytest.mark.parametrize("arguments", [["run", "list"], ["experiment", "list"], ["doctor"], ["run", "show", "@latest"]])
def test_a_fresh_machine_stays_fresh(unnamed, azml_home, tmp_path, config, arguments):
    """Looking for runs makes none of the folders where they would lie."""
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    before = tree(tmp_path)

    answer = unnamed(*arguments)

    assert (answer.exit_code, tree(tmp_path)) == (3, before)
    assert ("no workspace in" if config and "store" in config else "no runs yet") in answer.stderr


def test_without_an_argument_the_workspace_is_what_scripts_use(ended, workspace, tmp_path, monkeypatch):
    """The command line follows AZML_WORKSPACE and config.json as `Workspace.from_config` does, and says which."""
    run = ended()
    Workspace()

    def chosen():
        result = CliRunner().invoke(command, ["doctor", "--output", "json"], catch_exceptions=False)
        return next(row["message"] for row in json.loads(result.stdout) if row["topic"] == "workspace")

    assert "chosen by default" in chosen()
    workspace.write_config(tmp_path)
    assert f"chosen by the file {tmp_path / '.azureml' / 'config.json'}" in chosen()
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    assert "chosen by the environment variable AZML_WORKSPACE" in chosen()
    result = CliRunner().invoke(command, ["run", "list", "--output", "json"], catch_exceptions=False)
    assert json.loads(result.stdout)[0]["run_id"] == run.id


def test_the_shell_completes_runs_and_experiments(shell, ended):
    """Tab knows the ids."""
    run = ended()

    def completed(words, position):
        # click asks the shell's words by these variables
        env = {"_AZML_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        import sys

        code = "from azml_integrations.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=True
        ).stdout

    name = run.experiment.workspace.name
    assert run.id in completed(f"azml --workspace {name} run show {run.id[:4]}", 5)
    assert "trials" in completed(f"azml --workspace {name} experiment show tr", 5)


def test_completion_where_there_is_nothing_yet_is_silent(azml_home):
    """Tab is no place for an error."""
    words = {"_AZML_COMPLETE": "bash_complete", "COMP_WORDS": "azml run show ", "COMP_CWORD": "3"}

    answer = subprocess.run(CALL, env={**os.environ, **words}, capture_output=True, text=True, check=False)

    assert (answer.stdout.strip(), answer.stderr) == ("", "")
