"""Entry points are found where `importlib.metadata` finds them, sooner."""

import importlib.metadata
import sys
import time
import zipfile

import pytest

from azml_integrations.entries import Entry, entries, parsed

GROUP = "azml_integrations"
TEXT = f"[console_scripts]\nacme = acme:main\n\n[{GROUP}]\nacme = acme.plugin\n"


def describe(folder, name, version, text=TEXT, description="METADATA"):
    """Lay out what an installer leaves of a distribution."""
    folder.mkdir(parents=True)
    (folder / description).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nwords\n")
    if text:
        (folder / "entry_points.txt").write_text(text)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Let the path be two empty folders."""
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()
    monkeypatch.setattr(sys, "path", [str(place) for place in places])
    return places


def theirs():
    found = importlib.metadata.entry_points(group=GROUP)
    return {(one.name, one.value, one.dist.name, one.dist.version) for one in found}


def ours():
    return {(one.name, one.value, one.distribution, one.version) for one in entries(GROUP)}


def test_what_is_installed_here_is_found_as_by_the_standard_library():
    """In this environment, whatever it is made of."""
    assert ours() == theirs()


def test_every_way_to_lie_on_the_path(path):
    """Wheels, source folders of editable installs, eggs, zip files."""
    first, second = path
    describe(first / "acme_wheel-1.0.dist-info", "acme-wheel", "1.0")
    describe(first / "acme_source.egg-info", "acme-source", "2.0", description="PKG-INFO")
    describe(second / "acme_old-3.0-py3.11.egg-info", "acme-old", "3.0", description="PKG-INFO")
    describe(second / "acme_egg-4.0-py3.11.egg" / "EGG-INFO", "acme-egg", "4.0", description="PKG-INFO")
    describe(second / "silent-1.0.dist-info", "silent", "1.0", text="")
    with zipfile.ZipFile(second / "zipped.zip", "w") as file:
        file.writestr("acme_zip-5.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-zip\nVersion: 5.0\n")
        file.writestr("acme_zip-5.0.dist-info/entry_points.txt", f"[{GROUP}]\nzipped = acme.zipped\n")
    sys.path += [str(second / "acme_egg-4.0-py3.11.egg"), str(second / "zipped.zip"), str(second / "missing")]
    for number, place in enumerate([*first.rglob("entry_points.txt"), *second.rglob("entry_points.txt")]):
        place.write_text(TEXT.replace("acme.plugin", f"acme.plugin{number}"))

    assert {one[2] for one in ours()} == {"acme-wheel", "acme-source", "acme-old", "acme-egg", "acme-zip"}
    assert ours() == theirs()


def test_the_first_of_a_name_hides_the_others(path):
    """As it does at import: whoever stands further down the path is not what runs."""
    first, second = path
    describe(first / "Acme.Wheel-2.0.dist-info", "Acme.Wheel", "2.0")
    describe(second / "acme_wheel-1.0.dist-info", "acme-wheel", "1.0", text=TEXT.replace("acme.plugin", "older"))
    describe(first / "dropped-2.0.dist-info", "dropped", "2.0", text="")
    describe(second / "dropped-1.0.dist-info", "dropped", "1.0", text=TEXT.replace("acme.plugin", "dropped"))
    assert [(one.value, one.version) for one in entries(GROUP)] == [("acme.plugin", "2.0")]


def test_a_finder_of_somebodys_own_is_asked(path, monkeypatch):
    """A frozen program keeps its distributions where no folder is; one that raises costs nobody else."""

    class Frozen:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return None

        @staticmethod
        def find_distributions(context):
            describe(path[0] / "hidden" / "acme-1.0.dist-info", "acme", "1.0")
            yield importlib.metadata.Distribution.at(path[0] / "hidden" / "acme-1.0.dist-info")

    class Broken(Frozen):
        @staticmethod
        def find_distributions(context):
            raise RuntimeError("boom")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Broken, Frozen])
    assert [one.name for one in entries(GROUP)] == ["acme"]


def test_a_section_is_read_as_it_is_written():
    """Comments, blanks and other sections are passed over; a value may hold an equals sign."""
    ours = "[azml_integrations]\n# note\n; note\n\n  acme =  acme.plugin : face [extra]\nno value\n"
    text = f"[other]\na = b\n{ours}[more]\nc = d\n"
    assert list(parsed(text, GROUP)) == [("acme", "acme.plugin : face [extra]")]


def test_a_value_is_loaded_as_it_says():
    """A module, or something in it."""
    assert Entry("a", "json").load() is sys.modules["json"]
    assert Entry("a", "json.decoder:JSONDecoder.decode [extra]").load().__name__ == "decode"
    assert Entry("a", "json : loads").module == "json"
    with pytest.raises(ImportError, match=r"'not a module' is not 'package.module'"):
        Entry("a", "not a module").load()


def test_fifty_plugins_are_found_quickly(path):
    """At most 20 ms; the margin here is for a busy machine. `benchmarks/run.py --only discovery` has the figure."""
    for number in range(50):
        describe(
            path[0] / f"acme_{number}-1.0.dist-info", f"acme-{number}", "1.0", TEXT.replace("acme =", f"a{number} =")
        )
    times = []
    for _ in range(5):
        began = time.process_time()
        assert len(entries(GROUP)) == 50
        times.append(time.process_time() - began)
    assert min(times) < 0.04  # [s]
