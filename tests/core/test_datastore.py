"""A datastore is a folder with the verbs that old scripts use."""

from pathlib import Path

import pytest

from azml_integrations.core import Datastore
from azml_integrations.errors import NameRefusedError, SourceNotFoundError, UserErrorException


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    (folder / "raw").mkdir(parents=True)
    (folder / "diabetes.csv").write_text("age,y\n1,2\n")
    (folder / "raw" / "more.csv").write_text("3,4\n")
    return folder


def test_what_goes_up_comes_down(workspace, data, capsys):
    """A folder is copied with all below it, and told file by file."""
    store = workspace.get_default_datastore()
    assert store.name == "workspaceblobstore"
    assert store.upload(data, target_path="in", overwrite=False, show_progress=True).path_on_datastore == "in"
    assert capsys.readouterr().out.splitlines() == ["copied in/diabetes.csv", "copied in/raw/more.csv"]

    assert store.download("back", prefix="in/raw", show_progress=False) == 1
    assert Path("back/in/raw/more.csv").read_text() == "3,4\n"
    assert capsys.readouterr().out == ""


def test_what_is_there_is_replaced_only_when_asked(workspace, data):
    """SDK v1 skips files that are there, unless overwrite is given."""
    store = Datastore(workspace, "workspaceblobstore")
    store.upload_files([data / "diabetes.csv"], show_progress=False)
    (data / "diabetes.csv").write_text("new")
    store.upload_files([data / "diabetes.csv"], show_progress=False)
    assert (store.root / "diabetes.csv").read_text() == "age,y\n1,2\n"
    store.upload_files([data / "diabetes.csv"], None, None, True, False)
    assert (store.root / "diabetes.csv").read_text() == "new"


def test_names_are_relative_to_a_root(workspace, data):
    """With a root the folders stay, without one only the last name."""
    store = workspace.datastores["workspaceblobstore"]
    store.upload_files([data / "raw" / "more.csv"], relative_root=data, target_path="set", show_progress=False)
    assert (store.root / "set" / "raw" / "more.csv").exists()
    with pytest.raises(SourceNotFoundError, match="below"):
        store.upload_files([data / "raw" / "more.csv"], relative_root=data / "other")


def test_nothing_leads_out_of_it(workspace, data, tmp_path):
    """A target path with .. is refused, and nothing is copied."""
    store = workspace.get_default_datastore()
    with pytest.raises(NameRefusedError):
        store.upload(data, target_path="../outside", show_progress=False)
    with pytest.raises(NameRefusedError):
        store.download(tmp_path / "back", prefix="../../runs")
    assert not (store.root.parent / "outside").exists()


def test_what_is_not_there_is_said(workspace, tmp_path):
    """A folder, a file or a datastore that is not there is one clear error."""
    with pytest.raises(SourceNotFoundError, match="folder that exists"):
        workspace.get_default_datastore().upload(tmp_path / "none")
    with pytest.raises(SourceNotFoundError, match="file that exists"):
        workspace.get_default_datastore().upload_files([tmp_path / "none.csv"])
    with pytest.raises(UserErrorException, match="workspaceblobstore"):
        workspace.set_default_datastore("elsewhere")
    with pytest.raises(UserErrorException, match="environment variables"):
        workspace.get_default_keyvault()
