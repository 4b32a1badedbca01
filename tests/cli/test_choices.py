"""How what the user types is found: workspaces and runs."""

import json

import pytest


def test_a_run_has_many_names(azml, ended):
    """An id, its beginning, experiment and number, or just the latest one."""
    first, second = ended(), ended()

    for name in (first.id, first.id[:10], "trials/1", "trials/#1"):
        assert azml("run", "show", name, "--output", "json").json["run_id"] == first.id
    for name in ("@latest", "trials/@latest", "trials/2"):
        assert azml("run", "show", name, "--output", "json").json["run_id"] == second.id


@pytest.mark.parametrize("name", ["nothing", "trials/9", "trials/x", "other/1", "other/@latest", "../x", "", "a b"])
def test_a_run_that_is_not_there_has_its_own_exit_code(azml, ended, name):
    """A script tells 'not there' from 'went wrong' by the code."""
    ended()

    assert azml("run", "show", name, code=3).err.startswith("error: no run")


def test_the_latest_of_nothing(azml):
    """An empty workspace says so."""
    assert "no run in workspace" in azml("run", "show", "@latest", code=3).err


def test_a_beginning_of_two_ids_is_refused(azml, experiment):
    """Rather a question back than the wrong run deleted."""
    for run_id in ("sweep-1", "sweep-10"):
        experiment.start_logging(run_id=run_id, outputs=False, snapshot_directory=None).complete()

    assert "sweep-1, sweep-10" in azml("run", "show", "sweep", code=2).err
    assert azml("run", "show", "sweep-1", "--output", "json").json["run_id"] == "sweep-1"


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
    assert not (tmp_path / "x").exists()


def test_without_an_argument_the_workspace_is_what_scripts_use(ended, workspace, tmp_path, monkeypatch):
    """The command line follows AZML_WORKSPACE and config.json as `Workspace.from_config` does, and says which."""
    from click.testing import CliRunner

    from azml_integrations.cli.app import azml

    run = ended()

    def chosen():
        result = CliRunner().invoke(azml, ["doctor", "--output", "json"], catch_exceptions=False)
        return next(row["message"] for row in json.loads(result.stdout) if row["topic"] == "workspace")

    assert "chosen by default" in chosen()
    workspace.write_config(tmp_path)
    assert f"chosen by the file {tmp_path / '.azureml' / 'config.json'}" in chosen()
    monkeypatch.setenv("AZML_WORKSPACE", str(workspace.root))
    assert "chosen by the environment variable AZML_WORKSPACE" in chosen()
    result = CliRunner().invoke(azml, ["run", "list", "--output", "json"], catch_exceptions=False)
    assert json.loads(result.stdout)[0]["run_id"] == run.id


def test_the_shell_completes_runs_and_experiments(shell, ended):
    """Tab knows the ids."""
    run = ended()

    def completed(words, position):
        # click asks the shell's words by these variables
        env = {"_AZML_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        import os
        import subprocess
        import sys

        code = "from azml_integrations.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=True
        ).stdout

    name = run.experiment.workspace.name
    assert run.id in completed(f"azml --workspace {name} run show {run.id[:4]}", 5)
    assert "trials" in completed(f"azml --workspace {name} experiment show tr", 5)
