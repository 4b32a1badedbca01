"""The pages of datasets, and the links between them and runs."""

import io
import json

import pytest

from azml_integrations.core import Dataset
from azml_integrations.core import used as uses
from azml_integrations.core.dataset_definition import Reading, TabularDefinition, WebAddress
from azml_integrations.core.dataset_registry import Registry


@pytest.fixture
def iris(workspace, tmp_path):
    """Give a registered table of two versions."""
    rows = ["length,kind", *(f"{n / 10},{'setosa' if n % 2 else '<b>virginica</b>'}" for n in range(80))]
    (tmp_path / "iris.csv").write_text("\n".join(rows) + "\n")
    whole = Dataset.Tabular.from_delimited_files(str(tmp_path / "iris.csv"))
    whole.register(workspace, "iris", "flowers <i>measured</i>", {"stage": "raw"})
    return whole.keep_columns(["length"]).register(workspace, "iris", create_new_version=True)


@pytest.fixture
def consumer(experiment, iris):
    """Give a run that used it, as a submission writes it down."""
    with experiment.start_logging(outputs=False, snapshot_directory=None, display_name="training") as run:
        told = {"name": "flowers", "id": iris.id, "mode": "direct", "dataset": "iris", "version": 2}
        run.add_properties(uses.properties([told], []))
    return run


def test_datasets_are_listed(studio, iris, consumer):
    text = studio.get("/datasets").text
    assert 'href="./datasets/iris/2"' in text
    (told,) = studio.get("/api/datasets").json()
    assert (told["name"], told["version"], told["type"], told["used_by"]) == ("iris", 2, "delimited", 1)
    assert told["id"] == iris.id


def test_no_datasets_say_how_one_is_made(studio):
    assert "azml dataset register" in studio.get("/datasets").text


def test_a_table_is_shown_with_its_first_rows(studio, iris):
    """What the dataset's own steps leave of them; text is text."""
    first = studio.get("/datasets/iris/1").text
    newest = studio.get("/datasets/iris").text
    assert "&lt;b&gt;virginica&lt;/b&gt;" in first
    assert "flowers &lt;i&gt;measured&lt;/i&gt;" in first
    assert "50 rows" in first
    assert "keep" in newest
    assert "virginica" not in newest
    assert "iris.csv" in newest
    told = studio.get("/api/datasets/iris?version=1").json()
    assert told["columns"] == ["length", "kind"]
    assert told["rows"][1] == [0.1, "setosa"]
    assert (len(told["rows"]), told["count"], told["versions"]) == (50, 1, [1, 2])
    assert told["files"][0]["name"] == "iris.csv"


def test_runs_and_datasets_name_each_other(studio, consumer, iris):
    """From the run to what it used, and back."""
    page = studio.get(f"/runs/{consumer.id}").text
    assert f'href="../datasets?id={iris.id}">flowers</a>' in page
    there = studio.get("/datasets", params={"id": iris.id}).text
    assert f'href="./runs/{consumer.id}"' in there
    assert "version 2" in there
    assert studio.get("/api/datasets/iris").json()["used_by"] == [consumer.id]
    assert studio.get("/api/datasets/iris?version=1").json()["used_by"] == []


def test_what_a_run_made_names_it(studio, workspace, consumer, iris):
    """An output, by its origin; a run in the trash is told to be gone."""
    shelf = Registry(workspace)
    version = shelf.get("iris", 1)
    run_id = consumer.id
    consumer.add_properties(uses.properties([], [{"name": "out", "id": "x"}]))
    shelf.register("made", version.definition, "", {}, create_new_version=True, origin=f"{run_id}/out")
    assert f'href="../../runs/{run_id}">training #1</a>' in studio.get("/datasets/made/1").text
    assert 'href="../datasets/made/1">made:1</a>' in studio.get(f"/runs/{run_id}").text
    consumer.delete()
    assert "which is not there any more" in studio.get("/datasets/made/1").text


def test_a_model_and_its_dataset_name_each_other(studio, experiment, iris):
    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        run.upload_file("outputs/m.bin", io.BytesIO(b"0"))
        run.register_model("net", "outputs/m.bin", datasets=[("training", iris)])
    assert 'href="../../models/net/1">net:1</a>' in studio.get("/datasets/iris/2").text
    assert 'href="../../datasets/iris/2">iris:2</a>' in studio.get("/models/net/1").text


def test_files_are_previewed_by_their_name_in_the_dataset(studio, workspace, tmp_path):
    """No name that is not one of its files is opened."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("hello <script>")
    (tmp_path / "texts" / "photo.png").write_bytes(b"\x89PNG")
    (tmp_path / "texts" / "model.pkl").write_bytes(b"\x80\x04\x00")
    (tmp_path / "secret.txt").write_text("canary")
    Dataset.File.from_files(str(tmp_path / "texts")).register(workspace, "texts")

    def seen(name: str) -> str:
        return studio.get("/datasets/texts/1", params={"file": name}).text

    assert "hello &lt;script&gt;" in seen("a.txt")
    assert "a picture; open it where it lies" in seen("photo.png")
    assert "no text in UTF-8" in seen("model.pkl")
    for name in ("../secret.txt", str(tmp_path / "secret.txt"), "texts/../../secret.txt", "..%2fsecret.txt"):
        assert "canary" not in seen(name)
        assert 'class="preview"' not in seen(name)


def test_nothing_is_fetched_for_a_page(studio, workspace):
    """The studio makes no request of its own; what may be secret in an address is not shown."""
    address = WebAddress("http://user:hunter2@127.0.0.1:9/data.csv?sig=hunter3")
    Registry(workspace).register("remote", TabularDefinition((address,), Reading("delimited")), "", {})
    text = studio.get("/datasets/remote").text
    assert "the studio does neither" in text
    assert "hunter" not in text
    assert "hunter" not in json.dumps(studio.get("/api/datasets/remote").json())


def test_files_that_are_gone_are_told(studio, iris, tmp_path):
    (tmp_path / "iris.csv").unlink()
    answer = studio.get("/datasets/iris")
    assert (answer.status_code, "expected a file" in answer.text) == (200, True)


@pytest.mark.parametrize("path", ["/datasets/none", "/datasets/iris/9", "/datasets?id=none", "/api/datasets/none"])
def test_what_is_not_there_is_not_found(studio, iris, path):
    assert studio.get(path).status_code == 404
    assert studio.get("/api/datasets/iris?version=x").status_code == 404
