"""``azml model``: what is listed, shown, registered, copied and deleted."""

import io
from pathlib import Path

import pytest

from azml_integrations.core import Model


@pytest.fixture
def trained(run):
    """Give a run with a model file and a folder."""
    run.upload_file("outputs/ridge.pkl", io.BytesIO(b"a ridge"))
    run.upload_file("outputs/net/weights.bin", io.BytesIO(b"weights"))
    return run


@pytest.fixture
def registered(trained, workspace):
    """Give two versions of one model and one of another."""
    trained.register_model("ridge", "outputs/ridge.pkl", tags={"stage": "draft"})
    trained.register_model(
        "ridge",
        "outputs/ridge.pkl",
        tags={"stage": "prod", "checked": None},
        properties={"alpha": 0.03},
        description="the best",
        model_framework="ScikitLearn",
        model_framework_version="1.9.1",
    )
    return trained.register_model("net", "outputs/net")


def test_models_are_listed(azml, registered, trained):
    """The last registered first, filtered as asked."""
    listed = azml("model", "list", "--output", "json").json
    assert [(one["name"], one["version"]) for one in listed] == [("net", 1), ("ridge", 2), ("ridge", 1)]
    assert listed[1] == {
        "name": "ridge",
        "version": 2,
        "registered_at": listed[1]["registered_at"],
        "framework": "ScikitLearn",
        "framework_version": "1.9.1",
        "size": 7,
        "run_id": trained.id,
        "experiment": "trials",
        "tags": {"stage": "prod", "checked": None},
        "properties": {"alpha": "0.03"},
    }
    assert azml("model", "list", "--output", "csv").lines[0] == "name,version,registered_at,framework,size,run_id,tags"
    table = azml("model", "list").lines
    assert table[0].split()[:3] == ["model", "version", "registered"]
    assert trained.id[:8] in table[2]
    assert "stage=prod, checked" in azml("model", "list").out


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (["--latest"], ["net:1", "ridge:2"]),
        (["--name", "ridge"], ["ridge:2", "ridge:1"]),
        (["--tag", "stage=draft"], ["ridge:1"]),
        (["--tag", "checked"], ["ridge:2"]),
        (["--property", "alpha=0.03"], ["ridge:2"]),
        (["--framework", "ScikitLearn"], ["ridge:2"]),
        (["--run", "trials/1", "--latest"], ["net:1", "ridge:2"]),
    ],
    ids=" ".join,
)
def test_lists_are_filtered(azml, registered, asked, ids):
    """Each option narrows."""
    listed = azml("model", "list", *asked, "--output", "json").json
    assert [f"{one['name']}:{one['version']}" for one in listed] == ids


def test_nothing_to_list(azml, workspace):
    """One line on stderr says where."""
    assert azml("model", "list", "--output", "json").json == []
    assert "no such models in workspace test" in azml("model", "list").err


def test_a_model_is_shown(azml, registered, trained):
    """All that is known, in every form."""
    shown = azml("model", "show", "ridge", "--output", "json").json
    assert (shown["name"], shown["version"], shown["description"]) == ("ridge", 2, "the best")
    assert Path(shown["path"]).read_bytes() == b"a ridge"
    assert [(file["name"], file["size"], len(file["sha256"])) for file in shown["files"]] == [("ridge.pkl", 7, 64)]
    page = azml("model", "show", "ridge").out
    assert "ridge, version 2 (the newest)" in page
    assert "ScikitLearn 1.9.1" in page
    assert f"{trained.id[:8]} of experiment trials" in page
    assert "(the newest)" not in azml("model", "show", "ridge:1").out
    assert azml("model", "show", "net", "--output", "csv").lines[1].startswith("net/weights.bin,7,")


def test_what_is_not_there_is_told(azml, registered):
    """With code 3, and what there is."""
    assert "it has net, ridge" in azml("model", "show", "rigde", code=3).err
    assert "it has ridge:2, ridge:1" in azml("model", "show", "ridge:9", code=3).err
    assert "it has outputs/net" in azml("model", "register", "a", "outputs/b", "--run", "@latest", code=3).err
    assert "whole number" in azml("model", "show", "ridge:x", code=1).err
    assert "first a letter or digit" in azml("model", "register", "-", "--", "x", code=1).err


def test_a_model_is_registered(azml, trained, workspace):
    """Of a run or of this machine, with what is said of it."""
    about = ("--tag", "stage=prod", "--tag", "checked", "--property", "alpha=0.03", "--description", "the best")
    answer = azml("model", "register", "ridge", "outputs/ridge.pkl", "--run", "@latest", *about)
    assert answer.lines == ["registered ridge:1: 1 file, 7 B"]
    Path("local.pkl").write_bytes(b"local")
    answer = azml("model", "register", "ridge", "local.pkl", "--framework", "Custom", "--output", "json")
    assert (answer.json["version"], answer.json["framework"]) == (2, "Custom")
    first, second = Model(workspace, "ridge", version=1), Model(workspace, "ridge")
    assert (first.run, first.tags, first.properties) == (trained, {"stage": "prod", "checked": None}, {"alpha": "0.03"})
    assert (first.description, second.run) == ("the best", None)
    assert Path(second.path).read_bytes() == b"local"


def test_a_model_is_copied(azml, registered, tmp_path):
    """Nothing that is there is replaced without a word."""
    assert azml("model", "download", "ridge:1").lines == ["1 file, 7 B, in ridge.pkl"]
    assert azml("model", "download", "net", "--to", "copies").lines == ["1 file, 7 B, in copies/net"]
    Path("ridge.pkl").write_bytes(b"mine")
    assert "pass --yes" in azml("model", "download", "ridge", code=2).err
    assert Path("ridge.pkl").read_bytes() == b"mine"
    azml("model", "download", "ridge", "--yes")
    assert Path("ridge.pkl").read_bytes() == b"a ridge"


def test_versions_are_deleted(azml, registered, workspace):
    """By their number; a name alone is refused, unless all are meant."""
    assert "has 2 versions (ridge:2, ridge:1): name one" in azml("model", "delete", "ridge", "--yes", code=2).err
    assert "pass --yes" in azml("model", "delete", "ridge:1", code=2).err
    assert azml("model", "delete", "ridge:1", "net:1", "net:1", "--yes").lines == ["deleted 2 models"]
    assert [one.id for one in Model.list(workspace)] == ["ridge:2"]
    assert azml("model", "delete", "ridge", "--all", "--yes").lines == ["deleted 1 model"]
    assert Model.list(workspace) == []


def test_the_shell_completes_models(azml, registered, workspace):
    """Names, and names with their versions."""
    import click

    from azml_integrations.cli.app import azml as command
    from azml_integrations.cli.models import complete_model

    ctx = click.Context(command)
    ctx.meta["azml.workspace"] = str(workspace.root)
    assert complete_model(ctx, None, "r") == ["ridge", "ridge:1", "ridge:2"]
