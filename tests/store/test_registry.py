"""The registry on the disk: what the doctor finds in it, and what a damaged model hides."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from azml_integrations import errors
from azml_integrations.core import Model
from azml_integrations.store.doctor import Examination, mended
from azml_integrations.store.opening import index_path


@pytest.fixture
def model(workspace, elsewhere):
    """Give a model of two files, beside another one."""
    for name in ("a.bin", "b.bin"):
        (elsewhere / "net").mkdir(exist_ok=True)
        (elsewhere / "net" / name).write_bytes(name.encode() * 100)
    Model.register(workspace, "net", "other")
    return Model.register(workspace, "net", "net", tags={"a": "1"})


def findings(workspace, **options):
    """Return what is wrong with models; a workspace without runs has nothing else."""
    examination = Examination(workspace.root, index_path(workspace.root), **options)
    return [one for one in examination.findings() if one.level == "fault"]


def only(workspace, **options):
    (finding,) = findings(workspace, **options)
    return finding


def test_a_sound_registry_is_nothing_to_tell(workspace, model):
    """Nor are numbers whose model was deleted, or never came to be."""
    model.add_tags({"b": "2"})
    (workspace.root / "models" / "net" / "numbers" / "2").touch()
    Model(workspace, "other").delete()
    assert findings(workspace) == []
    assert Model.register(workspace, "net", "net").version == 3


@pytest.mark.parametrize(
    ("harm", "topic", "told"),
    [
        (lambda path: path.unlink(), "file gone", "of model net:1: its file is not there"),
        (lambda path: path.write_bytes(b"x"), "file changed", "of model net:1: it has 1 bytes, 500 were registered"),
        (lambda path: path.write_bytes(b"b.biN" * 100), "file changed", "its sha256 is"),
    ],
)
def test_files_that_are_not_as_registered_are_named(workspace, model, harm, topic, told):
    """With the version that they belong to."""
    path = Path(model.path, "a.bin")
    path.chmod(0o644)
    harm(path)
    finding = only(workspace)
    assert (finding.topic, finding.path) == (topic, "models/net/1/files/net/a.bin")
    assert told in finding.message


def test_sizes_alone_can_be_compared(workspace, model):
    """Without reading the files."""
    path = Path(model.path, "a.bin")
    path.chmod(0o644)
    path.write_bytes(b"b.biN" * 100)
    assert findings(workspace, contents=False) == []


def test_a_link_that_leads_out_is_told(workspace, model, elsewhere):
    """Its target is neither read nor handed out."""
    path = Path(model.path, "a.bin")
    path.unlink()
    path.symlink_to(elsewhere / "net" / "a.bin")
    assert only(workspace).topic == "file outside"
    with pytest.raises(errors.NameRefusedError, match="symbolic link"):
        model.download("copy")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"name": "net"}',
        b"\xff",
        b"[" * 100_000,
        b'{"name":"net","version":3,"at":1.0,"path":"net"}',
        b'{"name":"../net","version":1,"at":1.0,"path":"net"}',
        None,
    ],
)
def test_a_damaged_model_hides_no_other(workspace, model, text):
    """It is left out of lists with a warning, told by the doctor, and no older version passes for it."""
    Model.register(workspace, "net", "net")
    path = workspace.root / "models" / "net" / "2" / "model.json"
    path.unlink() if text is None else path.write_bytes(text)

    with pytest.warns(errors.AzmlWarning, match="a model is left out"):
        assert [one.id for one in Model.list(workspace)] == ["net:1", "other:1"]
    with pytest.raises(errors.ModelFactsError, match=r"model\.json"):
        Model(workspace, "net")
    assert Model(workspace, "net", version=1) == model
    assert (only(workspace).topic, only(workspace).path) == ("model unreadable", "models/net/2")


def test_what_changed_about_a_model_is_a_journal(workspace, model):
    """A line that cannot be read loses what it said, and the doctor tells which."""
    model.add_tags({"b": "2"})
    model.add_tags({"c": "3"})
    journals = sorted((workspace.root / "models" / "net" / "1" / "journal").iterdir(), key=os.path.getmtime)
    journals[0].write_bytes(journals[0].read_bytes().replace(b'"tags"', b'"tugs"', 1))
    assert model.tags == {"a": "1", "c": "3"}
    assert only(workspace).topic == "damaged line"


def test_what_a_killed_registration_left_is_removed(workspace, model):
    """Only when its process is gone."""
    home = workspace.root / "models" / "net"
    mine = home / f".{os.getpid()}.abcdef12.partial"
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = home / f".{process.pid}.abcdef12.partial"
    for folder in (mine, left):
        (folder / "files" / "net").mkdir(parents=True)
        (folder / "files" / "net" / "a.bin").write_bytes(b"half")

    finding = only(workspace)
    assert (finding.topic, finding.path) == ("left over", left.relative_to(workspace.root).as_posix())
    assert mended(finding) == (True, "removed it")
    assert findings(workspace) == []
    assert mine.exists()
    assert [one.id for one in Model.list(workspace)] == ["net:1", "other:1"]


VICTIM = """
import sys
from pathlib import Path
from azml_integrations.core import Experiment, Model, Workspace
workspace = Workspace.get("test")
run = Experiment(workspace, "victims").start_logging(outputs=False, snapshot_directory=None)
run.upload_folder("outputs/net", "net")
print("begun", flush=True)
while True:
    print(Model.register(workspace, "net", "victim").version, flush=True)
    print(run.register_model("victim", "outputs/net").version, flush=True)
"""


def test_a_kill_leaves_whole_models_only(workspace, elsewhere):
    """What was acknowledged is there, what is there is complete, and the next registration goes on."""
    import random
    import time

    (elsewhere / "net").mkdir()
    for number in range(20):
        (elsewhere / "net" / f"{number}.bin").write_bytes(os.urandom(50_000))
    acknowledged = []
    draw = random.Random(0)
    for _ in range(6):
        victim = subprocess.Popen([sys.executable, "-W", "error", "-c", VICTIM], stdout=subprocess.PIPE, text=True)
        assert victim.stdout.readline() == "begun\n"
        time.sleep(draw.uniform(0.0, 0.1))
        victim.kill()
        acknowledged += [int(line) for line in victim.communicate()[0].split() if line.isdigit()]

    there = {model.version for model in Model.list(workspace)}
    assert set(acknowledged) <= there
    assert len(acknowledged) > 5  # the victims really were registering
    assert len(there) <= len(acknowledged) + 6  # one at most that was not acknowledged, of each
    topics = {finding.topic for finding in findings(workspace)}
    assert topics <= {"left over", "dead run"}
    for finding in findings(workspace):
        assert mended(finding)[0]
    assert findings(workspace) == []
    new = Model.register(workspace, "net", "victim")
    assert new.version > max(there)
    assert json.loads((workspace.root / "models" / "victim" / str(new.version) / "model.json").read_text())["version"]
