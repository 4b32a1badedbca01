"""Workspaces: found by SDK v1's rules, made without an account."""

import json
import pickle
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Workspace
from azml_integrations.errors import (
    ConfigError,
    ConfigNotFoundError,
    NameRefusedError,
    OptionError,
    RunNotFoundError,
    StoreError,
    UserErrorException,
    WorkspaceException,
    WorkspaceNotFoundError,
)
from azml_integrations.records import MetricOrder, RunQuery

SCOPE = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"


def write(path: Path, name: str = "found", **facts: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {"subscription_id": "sub", "resource_group": "group", "workspace_name": name}
    path.write_text(json.dumps(facts or named))
    return path


# -- signatures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (
            Workspace.__init__,
            (
                "subscription_id, resource_group, workspace_name, auth=None, _location=None, "
                "_disable_service_check=False, "
                "_workspace_id=None, sku='basic', tags=None, _cloud='AzureCloud'"
            ),
        ),
        (Workspace.from_config, "path=None, auth=None, _logger=None, _file_name=None"),
        (Workspace.write_config, "path=None, file_name=None"),
        (
            Workspace.create,
            (
                "name, auth=None, subscription_id=None, resource_group=None, location=None, "
                "create_resource_group=True, "
                "sku='basic', tags=None, friendly_name=None, storage_account=None, key_vault=None, app_insights=None, "
                "container_registry=None"
            ),
        ),
        (
            Workspace.get,
            "name, auth=None, subscription_id=None, resource_group=None, location=None, cloud='AzureCloud', id=None",
        ),
        (Workspace.list, "subscription_id, auth=None, resource_group=None"),
        (Workspace.get_details, ""),
        (Workspace.get_run, "run_id"),
        (Workspace.get_mlflow_tracking_uri, "_with_auth=False"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Old scripts call by position; what SDK v1 required may be left out here."""
    spelled = signature(verb)
    for required in ("subscription_id", "resource_group", "workspace_name"):
        spelled = spelled.replace(f"{required}=None, ", f"{required}, ", 1) if f"{required}, " in expected else spelled
    assert spelled.startswith(expected)


# -- from_config -------------------------------------------------------------------------------------


def test_a_far_azureml_folder_beats_a_near_config(azml_home, tmp_path):
    """The kind of folder comes first, then the file name, then the way up: SDK v1's rule."""
    here = tmp_path / "a/b/c/d"
    write(tmp_path / ".azureml/config.json", "four-levels-up")
    write(here / "config.json", "right-here")
    assert Workspace.from_config(here).name == "four-levels-up"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["config.json"], "config.json"),
        (["config.json", "project.json"], "config.json"),
        (["project.json", "aml_config/project.json"], "aml_config/project.json"),
        (["aml_config/config.json", ".azureml/project.json"], ".azureml/project.json"),
        (["../config.json", "project.json"], "../config.json"),
        (["../.azureml/config.json", ".azureml/config.json"], ".azureml/config.json"),
        (["../aml_config/config.json", "config.json"], "../aml_config/config.json"),
    ],
)
def test_the_order_of_the_search(azml_home, tmp_path, monkeypatch, files, found):
    """Written out, since scripts rely on which of two files wins."""
    here = tmp_path / "project"
    here.mkdir()
    for number, name in enumerate(files):
        write(here / name, f"config-{number}")
    monkeypatch.chdir(here)
    assert Workspace.from_config().name == f"config-{files.index(found)}"


def test_a_file_is_taken_as_it_is(azml_home, tmp_path):
    """`path` may name the file, whatever it is called."""
    write(tmp_path / ".azureml/config.json", "not-this")
    path = write(tmp_path / "my-settings.txt", "this-one")
    assert Workspace.from_config(path).name == "this-one"
    assert Workspace.from_config(str(path)).name == "this-one"
    assert Workspace.from_config(path=tmp_path, _file_name="my-settings.txt").name == "this-one"


def test_both_shapes_of_config_json(azml_home, tmp_path):
    """The portal's download has three keys; `write_config` wrote a Scope."""
    flat = Workspace.from_config(write(tmp_path / "flat.json", "shaped"))
    scoped = Workspace.from_config(
        write(tmp_path / "scoped.json", Id=None, Scope=SCOPE.format("sub", "group", "shaped"))
    )
    assert flat == scoped
    assert (scoped.subscription_id, scoped.resource_group, scoped.name) == ("sub", "group", "shaped")


def test_a_byte_order_mark_is_no_damage(azml_home, tmp_path):
    """Windows editors write one."""
    path = write(tmp_path / "config.json", "marked")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Workspace.from_config(path).name == "marked"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[1]", "holds a JSON list"),
        ("{}", "has only the keys (none)"),
        ('{"workspace_name": "abc"}', "has only the keys workspace_name"),
        ('{"subscription_id": "", "resource_group": "g", "workspace_name": "abc"}', "has no text as subscription_id;"),
        (
            '{"subscription_id": 3, "resource_group": null, "workspace_name": "abc"}',
            "as subscription_id, resource_group;",
        ),
        ('{"Id": null, "Scope": "nonsense"}', "has only the keys Id, Scope"),
        ('{"Scope": 5}', "has only the keys Scope"),
    ],
)
def test_a_config_that_says_too_little_is_told(azml_home, tmp_path, content, words):
    """The file is named, what was found, and what was wanted."""
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(UserErrorException) as caught:
        Workspace.from_config(path)
    assert isinstance(caught.value, ConfigError)
    assert caught.value.path == str(path)
    assert words in caught.value.message


def test_no_config_where_one_was_asked_for(azml_home, tmp_path):
    """SDK v1's class, and Python's own."""
    with pytest.raises(FileNotFoundError) as caught:
        Workspace.from_config(tmp_path)
    assert isinstance(caught.value, ConfigNotFoundError)
    assert isinstance(caught.value, UserErrorException)


def test_without_any_config_there_is_a_local_default_announced_once(azml_home, capsys):
    """No account, no file, no question: the runs have a place, and the user knows which."""
    one, two = Workspace.from_config(), Workspace.from_config()
    assert one == two
    assert (one.name, one.root) == ("default", azml_home / "default")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(str(azml_home / "default")) == 1


def test_azml_workspace_names_a_folder(azml_home, tmp_path, monkeypatch):
    """Submitted scripts and workers get it; it beats a config.json that lies around."""
    write(tmp_path / "config.json", "not-this")
    for address in (str(tmp_path / "mine"), (tmp_path / "mine").as_uri()):
        monkeypatch.setenv("AZML_WORKSPACE", address)
        assert Workspace.from_config().root == tmp_path / "mine"
    assert Workspace.from_config(tmp_path).name == "not-this"


def test_a_store_in_the_config_lies_where_it_says(azml_home, tmp_path):
    """Relative to the file, so that a project can be moved as a whole."""
    path = write(tmp_path / "project/config.json", store="./runs-here")
    assert Workspace.from_config(path).root == tmp_path / "project/runs-here"


def test_an_index_address_that_no_plugin_knows_is_refused(azml_home, monkeypatch):
    """Better than to fall back in silence to another place."""
    monkeypatch.setenv("AZML_WORKSPACE", "nowhere://host/db")
    with pytest.raises(OptionError, match="no plugin opens 'nowhere://host/db'"):
        Workspace.from_config().find_runs()


@pytest.mark.parametrize("existing", [[], ["aml_config"], [".azureml"], ["aml_config", ".azureml"]], ids=str)
def test_what_is_written_is_found_again(azml_home, tmp_path, monkeypatch, existing):
    """`write_config` and `from_config` are inverse, whatever folders are there."""
    monkeypatch.chdir(tmp_path)
    for folder in existing:
        write(tmp_path / folder / "config.json", "an-older-one")
    ours = Workspace.create("written", subscription_id="s1", resource_group="g1")
    ours.write_config()
    assert Workspace.from_config() == ours


def test_config_is_written_in_the_scope_form_below_a_path(azml_home, tmp_path):
    """As SDK v1 wrote it, directories made."""
    Workspace.create("written", subscription_id="s1", resource_group="g1").write_config(
        tmp_path / "new/project", "x.json"
    )
    path = tmp_path / "new/project/.azureml/x.json"
    assert json.loads(path.read_text()) == {"Id": None, "Scope": SCOPE.format("s1", "g1", "written")}
    assert Workspace.from_config(tmp_path / "new/project", _file_name="x.json").name == "written"


def test_config_that_cannot_be_written_is_a_store_error(azml_home, tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Workspace.create("written").write_config(tmp_path / "file")


# -- create, get, list -------------------------------------------------------------------------------


def test_a_workspace_is_made_once(azml_home):
    """A second `create` is a slip, unless it is told not to be."""
    made = Workspace.create("mine", location="here", tags={"a": "b"}, sku="enterprise")
    with pytest.raises(WorkspaceException, match="exist_ok=True"):
        Workspace.create("mine")
    again = Workspace.create("mine", exist_ok=True)
    assert again == made
    assert (again.location, again.tags, again.sku) == ("here", {"a": "b"}, "enterprise")


def test_the_constructor_makes_what_is_not_there(azml_home):
    """SDK v1 asked a service; here there is none to ask."""
    by_position = Workspace("sub", "group", "named")
    assert Workspace(workspace_name="named", subscription_id="sub", resource_group="group") == by_position
    assert (azml_home / "named/workspace.json").exists()


def test_get_finds_what_is_there_and_nothing_else(azml_home):
    """A misspelt name must not become a new, empty workspace."""
    made = Workspace.create("mine", subscription_id="s1", resource_group="g1")
    assert Workspace.get("mine") == made
    assert Workspace.get("mine", subscription_id="s1", resource_group="g1") == made
    for unknown in ({"name": "miine"}, {"name": "mine", "subscription_id": "s2"}):
        with pytest.raises(WorkspaceException, match="mine") as caught:
            Workspace.get(**unknown)
        assert isinstance(caught.value, WorkspaceNotFoundError)
        assert isinstance(caught.value, KeyError)
    assert sorted(path.name for path in azml_home.iterdir()) == ["mine"]


def test_one_name_under_two_scopes_is_two_workspaces(azml_home):
    """Two teams call theirs ``prod``; their runs must never meet."""
    one = Workspace("s1", "g1", "prod")
    two = Workspace("s2", "g1", "prod")
    three = Workspace("s1", "g2", "prod")
    assert len({one.root, two.root, three.root}) == 3
    assert one.root == azml_home / "prod"
    assert all(workspace.root.name.startswith("prod-") for workspace in (two, three))
    assert Workspace("s2", "g1", "prod") == two
    assert Workspace.get("prod", subscription_id="s1", resource_group="g2") == three
    Experiment(one, "only-here")
    assert (list(one.experiments), list(two.experiments)) == (["only-here"], [])


def test_list_is_a_dict_of_lists(azml_home):
    """SDK v1's shape: one name may stand for several."""
    Workspace("s1", "g1", "prod")
    Workspace("s2", "g1", "prod")
    Workspace("s1", "g1", "dev")
    assert {name: len(found) for name, found in Workspace.list().items()} == {"dev": 1, "prod": 2}
    assert {name: len(found) for name, found in Workspace.list("s2").items()} == {"prod": 1}
    assert Workspace.list("s1", None, "g9") == {}


@pytest.mark.parametrize("name", ["ab", "a" * 34, "-abc", "a/b/c", "../abc"])
def test_names_that_sdk_v1_refused_are_refused(azml_home, name):
    """Before anything is made."""
    for make in (Workspace.create, Workspace.get, lambda name: Workspace("s", "g", name)):
        with pytest.raises(UserErrorException) as caught:
            make(name)
        assert isinstance(caught.value, NameRefusedError)
    assert not azml_home.exists()


# -- facts -------------------------------------------------------------------------------------------


def test_the_four_lines_of_every_notebook(azml_home):
    """`print(ws.name, ws.location, ws.resource_group, ws.subscription_id, sep='\\n')`"""
    ws = Workspace.create("mine", subscription_id="s1", resource_group="g1", location="westeurope")
    assert (ws.name, ws.location, ws.resource_group, ws.subscription_id) == ("mine", "westeurope", "g1", "s1")
    local = Workspace.create("other")
    assert (local.location, local.resource_group, local.subscription_id, local.sku) == (
        "local",
        "local",
        "local",
        "basic",
    )


def test_details_speak_sdk_v1s_words(workspace):
    """Notebooks print single keys of it."""
    details = workspace.get_details()
    assert details["id"] == SCOPE.format("local", "local", "test")
    assert (details["name"], details["location"], details["sku"], details["tags"]) == ("test", "local", "basic", {})
    assert details["type"] == "Microsoft.MachineLearningServices/workspaces"
    assert {"workspaceid", "description", "friendlyName", "creationTime", "storageAccount"} <= set(details)
    assert len(details["workspaceid"]) == 36


def test_empty_shelves(workspace):
    """Notebooks iterate over them, and index them by name."""
    for shelf in (
        *("datasets", "environments", "models"),
        *("images", "webservices", "linked_services", "private_endpoints"),
    ):
        assert dict(getattr(workspace, shelf)) == {}, shelf
    assert workspace.experiments == {}
    assert workspace.discovery_url
    assert workspace.service_context is not None


def test_experiments_by_name(workspace):
    """Active ones only, in order of their names."""
    for name in ("b", "a", "gone"):
        Experiment(workspace, name)
    Experiment(workspace, "gone").archive()
    assert list(workspace.experiments) == ["a", "b"]
    assert workspace.experiments["a"] == Experiment(workspace, "a")


def test_a_run_is_found_by_its_id_alone(workspace, run):
    """Whatever experiment it belongs to."""
    found = workspace.get_run(run.id)
    assert (found, found.experiment.name) == (run, "trials")
    with pytest.raises(RunNotFoundError) as caught:
        workspace.get_run("nobody")
    assert (caught.value.status_code, caught.value.run_id) == (404, "nobody")


@pytest.mark.parametrize("run_id", ["../experiments/trials", "..", "/etc", "a/b", ""])
def test_no_run_id_leads_out_of_the_runs(workspace, experiment, run_id):
    """An id is checked before any folder is looked into."""
    experiment.tag("a", "b")
    with pytest.raises(UserErrorException):
        workspace.get_run(run_id)
    assert workspace.view.all().run_ids() == set()


def test_find_runs_answers_queries(workspace, experiment):
    """Which run has the lowest mse? An index walk."""
    for mse in (0.5, 0.25, 0.75):
        with experiment.start_logging(name=f"mse-{mse}", outputs=False) as run:
            run.log("mse", mse)
    best = workspace.find_runs(RunQuery(order=MetricOrder("mse"), limit=1))
    assert [record.name for record in best] == ["mse-0.25"]
    assert len(workspace.find_runs()) == 3


def test_a_workspace_travels_by_its_address(workspace):
    """Workers open the same folder."""
    assert pickle.loads(pickle.dumps(workspace)) == workspace
    assert {workspace: 1}[pickle.loads(pickle.dumps(workspace))] == 1


def test_its_line_and_its_table(workspace):
    """SDK v1's repr, and HTML in a notebook, with nothing unescaped."""
    assert repr(workspace) == "Workspace.create(name='test', subscription_id='local', resource_group='local')"
    assert "<th>Name</th>" in workspace._repr_html_()
    assert "<td>test</td>" in workspace._repr_html_()


def test_its_table_leads_to_its_experiments(workspace):
    """By name, each with a link; of very many the first, and how many more there are."""
    for number in range(52):
        Experiment(workspace, f"trial-{number:02}")
    page = workspace._repr_html_()
    assert page.count("<a href=") == 50
    assert 'href="http://127.0.0.1:8484/experiments/trial-00"' in page
    assert "and 2 more" in page


def test_mlflow_is_pointed_to_a_place_of_its_own(workspace):
    """Its runs never mix with ours."""
    assert workspace.get_mlflow_tracking_uri() == (workspace.root / "mlflow").as_uri()
