"""``azml dataset``: what is listed, shown and registered."""

import pytest

from azml_integrations.core import Dataset, OutputFileDatasetConfig, Run
from azml_integrations.core.hand_over import hand_over


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "ages.csv"
    path.write_text("age\n31\n")
    return path


def test_registering_and_listing(azml, csv, workspace):
    """The newest version of each, or all versions of one; what was said of them with it."""
    said = azml("dataset", "register", "ages", str(csv), "--type", "delimited", "--tag", "year=2019", "--tag", "raw")
    assert said.lines == ["registered ages, version 1"]
    azml("dataset", "register", "ages", str(csv), "--new-version", "--description", "as a file")
    azml("dataset", "register", "my files", f"{csv.parent}/*.csv", str(csv), code=0)

    listed = azml("dataset", "list", "--output", "json").json
    assert [(one["name"], one["version"], one["type"], one["description"]) for one in listed] == [
        ("ages", 2, "File", "as a file"),
        ("my files", 1, "File", ""),
    ]
    versions = azml("dataset", "list", "--name", "ages", "--output", "json").json
    assert [(one["version"], one["type"], one["tags"]) for one in versions] == [
        (1, "Tabular", {"year": "2019", "raw": ""}),
        (2, "File", {}),
    ]
    assert azml("dataset", "list").lines[0].split() == [
        *("dataset", "version", "type", "registered", "(UTC)", "tags", "description"),
    ]
    assert azml("dataset", "list", "--output", "csv").lines[0] == "name,version,type,registered_at,tags,description"
    assert Dataset.get_by_name(workspace, "ages", 1).to_pandas_dataframe()["age"].tolist() == [31]


def test_an_empty_workspace_lists_nothing(azml):
    """And says so on stderr only."""
    assert azml("dataset", "list").out == ""
    assert "no such datasets" in azml("dataset", "list").err
    assert azml("dataset", "list", "--output", "json").json == []


def test_one_dataset_is_shown_with_its_runs(azml, csv, workspace, experiment):
    """Which run used it, and which one made it."""
    dataset = Dataset.Tabular.from_delimited_files(csv).take(1).register(workspace, "first")
    run = Run._create(experiment)
    output = OutputFileDatasetConfig("out").register_on_complete("result")
    run.add_properties(hand_over([dataset.as_named_input("x"), output], None, workspace, "trials", run.id).properties)
    run.complete()

    shown = azml("dataset", "show", "first", "--output", "json").json
    assert (shown["used_by"], shown["made_by"], shown["versions"]) == ([run.id], None, [1])
    assert shown["sources"] == [{"kind": "local", "path": str(csv)}]
    assert shown["steps"] == [{"do": "take", "count": 1}]
    assert azml("dataset", "show", "result:1", "--output", "json").json["made_by"] == run.id
    text = azml("dataset", "show", "first").out
    assert all(part in text for part in ("first, version 1", "Tabular (delimited)", "take", run.id[:8], "ages.csv"))
    assert azml("dataset", "show", "first", "--output", "tsv").lines[0] == "kind\tpath"


def test_what_is_secret_in_an_address_is_not_shown(azml, workspace):
    """A token belongs to nobody's terminal."""
    azml("dataset", "register", "web", "https://me:secret@host.example/a.csv?sig=secret")
    for output in ("table", "json", "csv"):
        said = azml("dataset", "show", "web", "--output", output)
        assert "host.example/a.csv" in said.out
        assert "secret" not in said.out + said.err


def test_a_name_may_hold_a_colon(azml, csv, workspace):
    """NAME:VERSION is understood where NAME:VERSION is no name."""
    for name in ("ages", "ages:2"):
        Dataset.File.from_files(csv).register(workspace, name)
    assert azml("dataset", "show", "ages:2", "--output", "json").json["name"] == "ages:2"
    assert azml("dataset", "show", "ages:1", "--output", "json").json["name"] == "ages"


def test_errors_are_one_line_and_a_code(azml, shell, csv):
    """Not found is 3, any other error 1."""
    for arguments, code, said in [
        (("show", "none"), 3, "no dataset 'none'"),
        (("register", "x", "none.csv"), 3, "none.csv"),
        (("register", "x", str(csv), "--datastore", "none"), 1, "no datastore"),
        (("register", " x", str(csv)), 1, "refused"),
        (("register", "x"), 2, "PATH"),
    ]:
        done = shell("dataset", *arguments)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
    azml("dataset", "register", "x", str(csv))
    done = shell("dataset", "register", "x", str(csv), "--type", "delimited")
    assert done.returncode == 1
    assert "create_new_version" in done.stderr
