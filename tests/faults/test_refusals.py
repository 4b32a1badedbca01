"""What is refused: one error of ours that says what came, what was wanted and the way out; nothing else changes."""

import io
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from worlds import again, begin, damaged_lines, differences, told, told_afresh, values

from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.errors import AzmlError, MetricWarning, NameRefusedError, UserErrorException

BAD_TEXTS = ["nul\0", "lone \ud800 surrogate"]
BAD_NAMES = [*BAD_TEXTS, "x" * 1_000_000, None, 7, b"bytes", ["a"]]
BAD_VALUES = [[1, 2], range(3), (i for i in range(3)), iter([1]), *BAD_TEXTS]
BAD_STEPS = [-1, 0.5, "1", float("nan"), float("inf"), [1], 1j]


def refused(attempt, kind=AzmlError) -> AzmlError:
    """Demand one error of ours, with a message that a person can read."""
    with pytest.raises(kind) as caught:
        attempt()
    error = caught.value
    assert 20 < len(error.message) < 1000, error.message
    assert re.search(r"expected|it holds|refused|it is|is there already|no run|properties are set once", error.message)
    error.message.encode()
    str(error).encode()
    return error


@pytest.fixture
def kept(run):
    """Demand at the end that what was logged before is still there, alone, and that the run goes on."""
    run.log("before", 1.0)
    yield run
    run.log("after", 2.0)
    assert run.get_metrics() == {"before": 1.0, "after": 2.0}
    assert (run.tags, run.get_file_names()) == ({}, [])
    assert damaged_lines(run) == 0


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name)[:20])
def test_names_that_cannot_be_stored(kept, name):
    """Metrics, columns, tags, properties: one rule for all names."""
    for attempt in (
        lambda: kept.log(name, 1.0),
        lambda: kept.log_metrics({"good": 1.0, name: 1.0} if isinstance(name, str) else {("a",): 1.0}),
        lambda: kept.log_list(name, [1]),
        lambda: kept.log_row(name, a=1),
        lambda: kept.log_row("row", **{name: 1} if isinstance(name, str) else {"": [1]}),
        lambda: kept.log_table(name, {"a": [1]}),
        lambda: kept.log_table("table", {name: [1]} if isinstance(name, str) else {("a",): [1]}),
        lambda: kept.log_image(name, plot=object()),
        lambda: kept.tag(name, "v") if name != ["a"] else kept.set_tags(name),
        lambda: kept.set_tags({"good": "1", name: "v"} if isinstance(name, str) else {7: "v"}),
        lambda: kept.remove_tags([name]),
        lambda: kept.add_properties({name: "v"} if isinstance(name, str) else {7: "v"}),
    ):
        refused(attempt, UserErrorException)


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: repr(value)[:20])
def test_values_that_cannot_be_stored(kept, value):
    """What has another verb is sent there; what no file can hold is refused before anything is written."""
    for attempt in (
        lambda: kept.log("a", value),
        lambda: kept.log_metrics({"good": 1.0, "a": value}),
        lambda: kept.log_row("row", good=1, a=value),
        lambda: kept.log_list("list", [1, value]),
        lambda: kept.log_table("table", {"good": [1], "a": [value]}),
    ):
        refused(attempt, UserErrorException)


@pytest.mark.parametrize("step", BAD_STEPS, ids=repr)
def test_steps_that_are_none(kept, step):
    """A step is a whole number from 0 on."""
    refused(lambda: kept.log("a", 1.0, step=step), UserErrorException)
    refused(lambda: kept.log_metrics({"a": 1.0}, step=step), UserErrorException)


def test_a_step_beyond_all_columns_stops_nobody(run, tmp_path):
    """A step of more than 64 bits is refused, or comes back as it went in: it is no poison for the readers."""
    for step in (2**63 - 1, 2**63, 2**70):
        try:
            run.log("a", 1.0, step=step)
        except UserErrorException:
            continue
        assert run.metric_points("a")[-1].step == step
    workspace = run.experiment.workspace
    assert differences(told(again(workspace)), told_afresh(workspace, tmp_path / "new.db")) == []


@pytest.mark.parametrize(
    "attempt",
    [
        lambda run: run.log_list("a", 7),
        lambda run: run.log_list("a", [object()]),
        lambda run: run.log_table("a", [1, 2]),
        lambda run: run.log_table("a", {"x": [1, 2], "y": [1]}),
        lambda run: run.log_table("a", {"x": [object()]}),
        lambda run: run.log_metrics([("a", 1)]),
        lambda run: run.log_row("a", x=object()),
        lambda run: run.log_image("a"),
        lambda run: run.log_image("a", path="nowhere.png"),
        lambda run: run.log_image("a", path=__file__),
        lambda run: run.log_image("a", path="x.png", plot=7),
        lambda run: run.log_confusion_matrix("a", {}),
        lambda run: run.log_confusion_matrix("a", "no json"),
        lambda run: run.log_accuracy_table("a", None),
        lambda run: run.log_residuals("a", {"schema_type": "residuals", "data": {"bin_edges": [1], "bin_counts": [1]}}),
        lambda run: run.set_tags("a"),
        lambda run: run.set_tags({"a": "\0"}),
        lambda run: run.tag("a", "\ud800"),
        lambda run: run.add_properties(["a"]),
        lambda run: run.add_properties({"a": "\0"}),
        lambda run: run.create_children(),
        lambda run: run.create_children(101),
        lambda run: run.fail(error_details=7),
        lambda run: run.child_run(run_id="../x"),
        lambda run: run.child_run(run_id=run.id),
        lambda run: run.upload_file("a", "nowhere.txt"),
        lambda run: run.upload_file("a", 7),
        lambda run: run.upload_file("a", None),
        lambda run: run.upload_files(["a", "b"], [__file__]),
        lambda run: run.upload_files(["a", "b"], [__file__, "nowhere.txt"]),
        lambda run: run.upload_folder("a", "nowhere"),
        lambda run: run.download_file("nowhere.txt"),
        lambda run: run.note("a", "\0"),
    ],
)
def test_arguments_that_are_none(kept, attempt):
    """Whatever is asked wrongly: one error, and the run is as it was."""
    with pytest.raises(AzmlError) as caught:
        attempt(kept)
    assert len(caught.value.message) > 20


def test_a_property_never_changes(run):
    """Of several, none is added when one cannot be."""
    run.add_properties({"a": "1"})

    error = refused(lambda: run.add_properties({"b": "2", "a": "other"}))

    assert "'a' is '1'" in error.message
    assert "tag" in error.message
    assert {key: run.properties.get(key) for key in "ab"} == {"a": "1", "b": None}


BAD_IDS = [
    ".",
    "..",
    "../up",
    "a/b",
    "a\\b",
    "/abs",
    "C:",
    "nul\0",
    "new\nline",
    "CON",
    "nul.txt",
    "-dash",
    ".hidden",
]
BAD_IDS += ["ends.", "x" * 121 + ".", "x" * 257, "\ud800", 7, b"x"]


@pytest.mark.parametrize("run_id", BAD_IDS, ids=lambda name: repr(name)[:20])
def test_run_ids_that_cannot_be_folders(experiment, run_id):
    """The id of a run is the name of its folder on every platform."""
    before = sorted(experiment.workspace.root.rglob("*"))

    refused(lambda: begin(experiment, run_id=run_id), NameRefusedError)
    refused(lambda: Run(experiment, run_id), NameRefusedError)
    refused(lambda: experiment.workspace.get_run(run_id), NameRefusedError)

    assert sorted(experiment.workspace.root.rglob("*")) == before


def test_a_run_id_longer_than_a_folder_name(experiment):
    """It is refused by its name, not by the disk."""
    refused(lambda: begin(experiment, run_id="x" * 256), NameRefusedError)


def test_a_tag_that_cannot_be_a_key(kept):
    """Also what cannot be hashed is refused by one error of ours."""
    refused(lambda: kept.tag(["a"], "v"), UserErrorException)


@pytest.mark.parametrize("run_id", ["x" * 255])
def test_the_longest_run_id(experiment, run_id):
    """What SDK v1 took is taken, or refused by its name: never by the disk."""
    try:
        run = begin(experiment, run_id=run_id)
    except NameRefusedError:
        return
    run.log("a", 1.0)
    assert run.get_metrics() == {"a": 1.0}


def test_a_run_id_that_is_taken(experiment, run):
    """Two runs never meet in one folder."""
    error = refused(lambda: begin(experiment, run_id=run.id))

    assert run.id in error.message
    assert isinstance(error, FileExistsError)


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a b", "a/b", "../up", "é", "x" * 256, "nul\0", "_a", None, 7])
def test_experiment_names(workspace, name):
    """SDK v1's rule, and nothing is made on the way to the refusal."""
    before = sorted(workspace.root.rglob("*"))

    refused(lambda: Experiment(workspace, name), NameRefusedError)

    assert sorted(workspace.root.rglob("*")) == before


@pytest.mark.parametrize("name", ["CON", "aux", "x" * 255, "a\u0663", "aé"])
def test_experiment_names_that_are_no_folder_everywhere(workspace, name):
    """They are taken, and lie in a folder of a safe name."""
    experiment = Experiment(workspace, name)
    begin(experiment).complete()

    assert [run.number for run in Experiment(again(workspace), name).get_runs()] == [1]
    assert [found.name for found in Experiment.list(workspace)] == [name]
    folders = [path.name for path in (workspace.root / "experiments").iterdir()]
    assert all(re.fullmatch(r"x-[0-9a-f]{32}", name) for name in folders)


@pytest.mark.parametrize("name", ["", "ab", "../up", "a/b/c", "x" * 34, "a b c", "nul\0nul", 7])
def test_workspace_names(azml_home, name):
    """The same for workspaces."""
    refused(lambda: Workspace.create(name), NameRefusedError)
    assert not azml_home.exists()


# -- names of artifacts ------------------------------------------------------------------------------

HOSTILE = [
    "../x",
    "a/../../x",
    "..",
    ".",
    "",
    "/x",
    "//x",
    "\\x",
    "..\\x",
    "a\\..\\..\\x",
    "C:\\x",
    "C:x",
    "c:/x",
    "\\\\host\\x",
]
HOSTILE += ["a\0b", "a\nb", "a\x7fb", "a//b", "a/", "a/./b", "a/..", "./../x", "\ud800", "x" * 5000, 7, None, b"x"]

ODD = [
    "trailing.",
    "trailing ",
    "CON",
    "con.txt",
    "a/NUL/b",
    "COM1.log",
    ".hidden",
    "a/.hidden",
    "~",
    "-rf",
    "ab:c",
    "a*?",
    "%2e%2e",
]
ODD += [
    "journal/x",
    "JOURNAL/x.jsonl",
    "about/x",
    "escaped/x",
    "index.db",
    "ünïcödé.txt",
    "e\u0301",
    "x" * 300,
    "a/" * 60 + "b",
]
ODD += ["a|b", "<a>", '"', "'", "a;b", "$(x)", "`x`", "a\u202eb", "%00"]


def outside(tmp_path: Path, inside: Path) -> list[Path]:
    """Return all that lies below the test's directory, but not in the run's folder or the index."""
    found = [path for path in tmp_path.rglob("*") if not path.is_relative_to(inside)]
    return sorted(path for path in found if not path.name.startswith("index.db"))


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:20])
def test_artifact_names_that_lead_out(kept, tmp_path, name):
    """Refused for every verb that takes one, and nothing appears anywhere."""
    before = outside(tmp_path, kept._folder)
    inside = sorted(kept._folder.rglob("*"))

    refused(lambda: kept.upload_file(name, io.BytesIO(b"x")), UserErrorException)
    refused(lambda: kept.upload_files([name], [__file__]), UserErrorException)
    refused(lambda: kept.download_file(name, tmp_path / "out"), UserErrorException)

    assert outside(tmp_path, kept._folder) == before
    assert sorted(kept._folder.rglob("*")) == inside


@pytest.mark.parametrize("name", ODD, ids=lambda name: repr(name)[:20])
def test_artifact_names_that_some_platform_refuses(run, tmp_path, name):
    """They are taken as they are, come back as they are, and lie where every platform can have them."""
    before = outside(tmp_path, run._folder)
    books = sorted((run._folder / "journal").iterdir())

    run.upload_file(name, io.BytesIO(b"content"))

    assert run.get_file_names() == [name]
    run.download_file(name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"
    (tmp_path / "back").unlink()
    assert outside(tmp_path, run._folder) == before
    assert sorted((run._folder / "journal").iterdir()) == books
    made = [path.relative_to(run._folder) for path in run._folder.rglob("*") if path.is_file()]
    strange = [path for path in made if not re.fullmatch(r"[\w.+=@,()\[\] /-]+", path.as_posix(), re.ASCII)]
    assert strange == []
    assert differences(told(run.experiment.workspace), told_afresh(run.experiment.workspace, None)) == []


def test_names_that_differ_in_case_only(run, tmp_path):
    """Two files on every platform, each with its own content."""
    for name in ("A.txt", "a.txt", "dir/x", "DIR/x", "Dir/X"):
        run.upload_file(name, io.BytesIO(name.encode()))

    assert run.get_file_names() == sorted(["A.txt", "a.txt", "dir/x", "DIR/x", "Dir/X"])
    for name in run.get_file_names():
        assert run._read(name) == name.encode()


@pytest.mark.parametrize("order", [["a", "a/b", "a/b/c"], ["a/b/c", "a/b", "a"]])
def test_a_file_where_a_folder_is(run, order):
    """The second one gives way to another place; both are there."""
    for name in order:
        run.upload_file(name, io.BytesIO(name.encode()))

    assert run.get_file_names() == ["a", "a/b", "a/b/c"]
    assert [run._read(name) for name in run.get_file_names()] == [b"a", b"a/b", b"a/b/c"]
    run.upload_file("a", io.BytesIO(b"again"))
    assert [run._read(name) for name in run.get_file_names()] == [b"again", b"a/b", b"a/b/c"]


def test_a_link_inside_the_run_that_leads_out(kept, tmp_path):
    """Somebody put a link into the run's folder: nothing is written, made or read behind it."""
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("gold")
    (kept._folder / "door").symlink_to(treasure)
    (kept._folder / "window").symlink_to(treasure / "gold")

    refused(lambda: kept.upload_file("door/gold", io.BytesIO(b"x")), NameRefusedError)
    refused(lambda: kept.upload_file("door/deep/new", io.BytesIO(b"x")), NameRefusedError)
    refused(lambda: kept.upload_file("window", io.BytesIO(b"x")), NameRefusedError)

    assert [path.name for path in treasure.iterdir()] == ["gold"]
    assert (treasure / "gold").read_text() == "gold"


def test_a_stored_file_turned_into_a_link(run, tmp_path):
    """The name is known, the file was replaced by a link: it is not followed."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    run.upload_file("a.txt", io.BytesIO(b"x"))
    (run._folder / "a.txt").unlink()
    (run._folder / "a.txt").symlink_to(secret)

    refused(lambda: run.download_file("a.txt", tmp_path / "back"), NameRefusedError)
    assert not (tmp_path / "back").exists()
    refused(lambda: run.upload_file("a.txt", io.BytesIO(b"y")), NameRefusedError)
    assert secret.read_text() == "secret"


def test_a_downloaded_name_stays_below_its_folder(run, tmp_path):
    """Odd names come out below the folder that was asked for."""
    for name in ("a/b.txt", "%2e%2e/x", "~/x"):
        run.upload_file(name, io.BytesIO(b"x"))
    before = outside(tmp_path, run._folder)

    run.download_files(output_directory=tmp_path / "out")

    new = set(outside(tmp_path, run._folder)) - set(before)
    assert all(path.is_relative_to(tmp_path / "out") for path in new)
    assert len([path for path in new if path.is_file()]) == 3


def test_a_source_that_breaks_while_it_is_read(kept):
    """The user's own stream raises: its error comes through, nothing half copied stays."""

    class Broken(io.RawIOBase):
        reads = 0

        def read(self, _size=-1):
            self.reads += 1
            if self.reads > 2:
                raise RuntimeError("the user's own")
            return b"x" * 1000

    with pytest.raises(RuntimeError, match="the user's own"):
        kept.upload_file("a.bin", Broken())
    assert [path for path in kept._folder.rglob("*") if "partial" in path.name or path.name == "a.bin"] == []


def test_a_pipe_or_folder_in_place_of_a_file(kept, tmp_path):
    """upload_file of something that never ends must not hang; a folder is a folder's upload."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(AzmlError):
        kept.upload_file("a", tmp_path / "pipe")


def test_numbers_of_every_kind_come_back(run):
    """What is not refused comes back as it went in."""
    given = [
        0,
        -1,
        2**53 + 1,
        2**63,
        -(2**70),
        True,
        1e308,
        5e-324,
        -0.0,
        float("inf"),
        None,
        "",
        "\u2028",
        "x" * 100_000,
    ]
    for value in given:
        run.log("a", value)
    run.log("b", Decimal("0.5"))

    assert repr(values(run, "a")) == repr(given)
    assert run.get_metrics()["b"] == 0.5


def test_what_is_stored_as_its_repr_is_said_once(run):
    """SDK v1 stored these as strings without a word; we say one."""
    with pytest.warns(MetricWarning, match="stored as the string"):
        run.log("a", (1, 2))
    for value in ({"a": 1}, b"x", 1j, object):  # a second warning would be an error
        run.log("a", value)

    assert values(run, "a") == ["(1, 2)", "{'a': 1}", "b'x'", "1j", "<class 'object'>"]
