"""SIGKILL at random moments: what was acknowledged is there."""

import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import victims
from worlds import again, differences, told, told_afresh

from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.store.view import DEAD


def kill(count: int, seed: int, acks: Path) -> subprocess.Popen[str]:
    acks.mkdir()
    return subprocess.Popen(
        [sys.executable, "-W", "error", victims.__file__, str(count), str(seed), str(acks)],
        stderr=subprocess.PIPE,
        text=True,
    )


def survey(acks: Path, killer: subprocess.Popen[str]) -> tuple[int, int]:
    """Demand the promise for every victim; return how many calls were acknowledged, and stored without it."""
    _, told_by_killer = killer.communicate()
    assert killer.returncode == 0, told_by_killer
    experiment = Experiment(Workspace.get("test"), "victims")
    known = {record.run_id: record for record in experiment.workspace.find_runs()}
    acknowledged = beyond = 0
    for path in acks.iterdir():
        acked = [int(line) for line in path.read_text().split("\n")[:-1]]
        if path.name not in known:
            assert acked == [], f"{path.name} acknowledged calls and is gone"
            continue
        stored = victims.stored(Run(experiment, path.name))
        assert stored == list(range(len(stored))), f"{path.name} has holes or doubles"
        assert len(acked) <= len(stored) <= len(acked) + 1, f"{path.name}: {len(acked)} acknowledged"
        record = known[path.name]
        assert record.damaged == 0
        if acked:
            assert (record.status, record.verdict) == ("Failed", DEAD)
        acknowledged += len(acked)
        beyond += len(stored) - len(acked)
    return acknowledged, beyond


def test_a_kill_loses_nothing_that_was_acknowledged(azml_home, tmp_path):
    """When a call has returned, SIGKILL cannot take it back; the one in flight is there whole or not at all."""
    acknowledged, _ = survey(tmp_path / "acks", kill(40, 1, tmp_path / "acks"))

    assert acknowledged > 1000  # the victims really were in their loops


def test_what_a_kill_leaves_is_open_to_go_on(azml_home, tmp_path):
    """A killed run takes further points, and its index can be made anew."""
    survey(tmp_path / "acks", kill(3, 2, tmp_path / "acks"))
    workspace = Workspace.get("test")
    run = Run(Experiment(workspace, "victims"), next(iter(told(workspace))))

    run.log("afterwards", 1.0)
    run.tag("seen", "yes")

    assert run.get_metrics()["afterwards"] == 1.0
    assert run.get_status() == "Failed"
    everything = told(again(workspace))
    assert differences(everything, told_afresh(workspace, tmp_path / "new.db")) == []
    assert differences(everything, told_afresh(workspace, None)) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_kills_lose_nothing(azml_home, tmp_path, monkeypatch, capsys):
    """The same, often enough to meet the rare moments."""
    acknowledged = beyond = 0
    homes = [tmp_path / f"home{chunk}" for chunk in range(40)]
    monkeypatch.setenv("AZML_HOME", str(homes[0]))
    killer = kill(250, 1000, homes[0].with_suffix(".acks"))
    for chunk, (home, following) in enumerate(itertools.zip_longest(homes, homes[1:])):
        if following:
            monkeypatch.setenv("AZML_HOME", str(following))
            coming = kill(250, 1001 + chunk, following.with_suffix(".acks"))
        monkeypatch.setenv("AZML_HOME", str(home))
        more = survey(home.with_suffix(".acks"), killer)
        workspace = Workspace.get("test")
        assert differences(told(workspace), told_afresh(workspace, tmp_path / f"new{chunk}.db")) == []
        acknowledged, beyond = acknowledged + more[0], beyond + more[1]
        shutil.rmtree(home)
        killer = coming
    with capsys.disabled():
        sys.stdout.write(f"\n10,000 kills: {acknowledged} calls acknowledged, 0 lost, {beyond} stored beyond them\n")
