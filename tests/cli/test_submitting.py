"""``azml submit`` and what follows it."""

import pytest
from queues import eventually


@pytest.fixture
def script(tmp_path):
    lines = ["import sys", "from azml_integrations import Run", "Run.get_context().log('n', len(sys.argv))"]
    (tmp_path / "train.py").write_text("\n".join([*lines, "print(sys.argv[1:])"]))
    return tmp_path


def test_a_script_is_submitted_and_its_id_printed(azml, queue, script):
    run_id = azml("submit", "train.py", "--", "--alpha", "0.1").out.strip()
    assert azml("run", "wait", run_id).out == f"{run_id} Completed\n"
    assert run_id.startswith("train_")
    assert azml("run", "metrics", run_id, "--output", "json").json[0]["last"] == 3


def test_a_script_is_followed_to_its_end(azml, queue, script):
    answer = azml("submit", "train.py", "--stream", "--", "--alpha", "-1")
    assert "['--alpha', '-1']" in answer.out
    (script / "train.py").write_text("raise ValueError('no')")
    answer = azml("submit", "train.py", "--stream", code=1)
    assert "ValueError: no" in answer.out


def test_a_command_and_a_command_afterwards(azml, queue, script):
    run_id = azml("submit", "--command", "echo hi", "--experiment", "commands").out.strip()
    told = script / "told"
    azml("run", "wait", run_id, "--then", "sh", "-c", f"echo {{id}} {{status}} > {told}; exit 5", code=5)
    assert told.read_text() == f"{run_id} Completed\n"


def test_wrong_usage_is_said(azml, queue, script):
    assert "either a script or --command" in azml("submit", code=2).err
    assert "wants a command behind it" in azml("run", "wait", "x", "--then", code=2).err
    assert "missing.py" in azml("submit", "missing.py", code=3).err


def test_runs_are_canceled(azml, queue, script):
    azml("compute", "update", "--slots", "1")
    first = azml("submit", "--command", "sleep 60").out.strip()
    second = azml("submit", "--command", "sleep 60").out.strip()
    shown = azml("compute", "show", "--output", "json").json
    assert [run["run_id"] for run in shown["runs"]] == [first, second]
    assert azml("run", "cancel", first, second, "--wait").lines == [f"{first} Canceled", f"{second} Canceled"]
    assert "is Canceled already" in azml("run", "cancel", first).err


def test_a_run_is_streamed(azml, queue, script):
    run_id = azml("submit", "train.py", "--", "x").out.strip()
    assert "['x']" in azml("run", "stream", run_id).out


def test_targets_are_listed(azml, queue, script):
    azml("compute", "update", "--slots", "3")
    run_id = azml("submit", "--command", "sleep 60").out.strip()
    eventually(lambda: azml("compute", "list", "--output", "json").json[0]["running"] == 1)
    (target,) = azml("compute", "list", "--output", "json").json
    assert (target["name"], target["slots"], target["waiting"]) == ("local", 3, 0)
    assert "sleep 60" in azml("compute", "show").out
    assert "no compute target 'gpu'" in azml("compute", "show", "gpu", code=3).err
    azml("run", "cancel", run_id, "--wait")
    assert "a number or `auto`" in azml("compute", "update", "--slots", "many", code=2).err
