"""Names: which are taken, which are refused, and which files they become."""

import enum
import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations import names
from azml_integrations.errors import NameRefusedError, UserErrorException

letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:")
odd = st.sampled_from(
    ["con", "Journal", "journal", "about", "escaped", "NUL.txt", "a.", " a", "Model", "model", "x" * 200]
)
parts = (st.text(letters, min_size=1, max_size=150) | odd).filter(lambda part: part not in (".", ".."))
artifacts = st.lists(parts, min_size=1, max_size=4).map("/".join)


# -- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["mse", "", " ", "a b ", "mse/test", "Ωμέγα", "🙂", "'; DROP TABLE runs", "x" * 4096, "a\nb"]
)
def test_almost_any_string_names_a_metric(name):
    """Frameworks and people name metrics as they like; we keep the name byte for byte."""
    assert names.label("metric name", name) == name


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 4097, 5, None, b"mse", ["mse"]])
def test_what_cannot_be_stored_is_refused(name):
    """Refused before anything is written, with the name in the error."""
    with pytest.raises(NameRefusedError) as caught:
        names.label("metric name", name)
    assert caught.value.name == name
    assert caught.value.message.startswith("metric name ")
    assert isinstance(caught.value, UserErrorException)


def test_a_subclass_of_str_becomes_a_str():
    """numpy.str_ and StrEnum are strings to their owner, but no JSON."""

    class Split(enum.StrEnum):
        TEST = "test"

    assert type(names.label("metric name", Split.TEST)) is str
    assert names.label("metric name", Split.TEST) == "test"


# -- experiments, workspaces, runs -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "9", "my-exp_1", "A" * 255, "Übung"[1:], "a-"])
def test_experiment_names_of_sdk_v1(name):
    """``^[a-zA-Z0-9][\\w-]{0,254}$``, as the old client checked."""
    assert names.experiment(name) == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a.b", "a/b", "..", "A" * 256, "a\n", None, 5])
def test_other_experiment_names_are_refused(name):
    """The old client refused them too, so no script relies on them."""
    with pytest.raises(NameRefusedError, match="experiment name"):
        names.experiment(name)


@pytest.mark.parametrize("name", ["abc", "a-b_c", "9ab", "a" * 33])
def test_workspace_names_of_sdk_v1(name):
    """3 to 33 letters, digits, - and _."""
    assert names.workspace(name) == name


@pytest.mark.parametrize("name", ["", "ab", "a" * 34, "-abc", "_abc", "a.bc", "a/bc", "abc\n", "äbc", None])
def test_other_workspace_names_are_refused(name):
    """A workspace is a folder, and its name has always been this short."""
    with pytest.raises(NameRefusedError, match="workspace name"):
        names.workspace(name)


@pytest.mark.parametrize(
    "run_id",
    [
        "b7f1f1f6-6a3c-4cf8-9f5e-0a3f6a8a4b1c",
        "OfflineRun_b7f1",
        "exp_1700000000_1a2b3c4d",
        "HD_1_0",
        "a" * 255,
        "a.b",
        "a" * 119 + "." + "b" * 20,  # a dot in the middle is no dot at the end
    ],
)
def test_run_ids(run_id):
    """The ids that SDK v1 made, and what people pass as run_id."""
    assert names.run(run_id) == run_id


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "-a",
        "a b",
        "a.",
        "a" * 130 + ".",
        "con",
        "NUL.txt",
        "a" * 256,
        None,
        "a\0",
    ],
)
def test_run_ids_that_are_no_folder_are_refused(run_id):
    """A run's id is the name of its folder on every platform."""
    with pytest.raises(NameRefusedError, match="run id"):
        names.run(run_id)


# -- artifacts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("outputs/model.pkl", "outputs/model.pkl"),
        ("./outputs/model.pkl", "outputs/model.pkl"),
        ("././a", "a"),
        ("a b/c (1).txt", "a b/c (1).txt"),
        ("outputs\\model.pkl", "outputs/model.pkl"),
        ("Ωμέγα.txt", "Ωμέγα.txt"),
        ("con", "con"),
        (".hidden", ".hidden"),
        ("..a", "..a"),
    ],
)
def test_artifact_names(given_, kept):
    """Relative POSIX paths; a Windows user's backslash means the same."""
    assert names.artifact(given_) == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        "/etc/passwd",
        "//etc",
        "\\\\server\\x",
        "..\\x",
        "C:\\x",
        "c:x",
        "a\nb",
        "a\x7fb",
        "a\0b",
        "\ud800",
        None,
        7,
    ],
)
def test_artifact_names_that_lead_elsewhere_are_refused(name):
    """Every tracker that kept a denylist here has a CVE for it."""
    with pytest.raises(NameRefusedError, match="artifact name"):
        names.artifact(name)


@given(artifacts)
def test_an_artifact_lies_inside_its_run(name):
    """Whatever the name, its path is relative, goes down only, and is none of our own files."""
    path = names.path_of(names.artifact(name))
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert path.parts[0].lower() not in ("journal", "about")


@given(artifacts, artifacts)
def test_two_names_are_two_files(one, two):
    """No upload replaces another one's file: `path_of` is injective."""
    assert (names.path_of(one) == names.path_of(two)) == (one == two)


@given(artifacts)
def test_a_name_made_of_a_path_is_another_file(name):
    """Nobody can aim at an escaped file by calling theirs like it."""
    path = names.path_of(name).as_posix()
    assert path == name or names.path_of(path).as_posix() != path


@given(artifacts)
def test_a_path_is_safe_on_every_platform(name):
    """Windows and macOS must be able to hold a copy of the folder."""
    for part in names.path_of(name).parts:
        assert re.fullmatch(r"[A-Za-z0-9_.+=@,()\[\] -]{1,120}", part)
        assert not part.endswith((".", " "))
        assert part.split(".")[0].lower() not in ("con", "prn", "aux", "nul", "com1", "lpt9")


@pytest.mark.parametrize("name", ["outputs/model.pkl", "logs/user_log.txt", "roc_1700000000.png", "a b (1).txt"])
def test_a_safe_name_is_its_own_path(name):
    """People open these folders."""
    assert names.path_of(name) == PurePosixPath(name)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("journal/x.jsonl", ".jsonl"),
        ("Journal/x.txt", ".txt"),
        ("about/x", ""),
        ("escaped/x.txt", ".txt"),
        ("con.txt", ".txt"),
        ("a:b.txt", ".txt"),
        ("Ωμέγα.png", ".png"),
        (".hidden", ""),
        ("a/" * 100 + "b.txt", ".txt"),
        ("a.", ""),
    ],
)
def test_an_unsafe_name_lies_under_its_hash(name, suffix):
    """The journal tells which name the file has; its suffix stays, so that it opens with a double click."""
    path = names.path_of(name)
    assert re.fullmatch(r"escaped/[0-9a-f]{32}" + re.escape(suffix), str(path))


def test_an_experiments_folder_is_its_name_where_it_can_be():
    """Reserved names of Windows become hashes."""
    assert names.folder("my-exp_1") == "my-exp_1"
    assert re.fullmatch("x-[0-9a-f]{32}", names.folder("con"))
    assert re.fullmatch("x-[0-9a-f]{32}", names.folder("a" * 200))
