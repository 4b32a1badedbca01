"""Packages of an environment, under SDK v1's verbs."""

import sys

import pytest
import yaml

from azml_integrations.core.conda_dependencies import CondaDependencies
from azml_integrations.core.runconfig import CondaDependencies as SameOne
from azml_integrations.errors import OptionError, SettingError, SourceNotFoundError, SpecificationError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_signatures_are_those_of_sdk_v1(signature):
    """Scripts call them by position and by name."""
    assert signature(CondaDependencies.create) == (
        f"pip_indexurl=None, pip_packages=None, conda_packages=None, python_version='{HERE}', pin_sdk_version=True, "
        "**kwargs"
    )
    assert SameOne is CondaDependencies


def test_the_default_is_python_and_the_sdk():
    """As in SDK v1; what it names is never installed."""
    assert CondaDependencies().as_dict() == {
        "name": "project_environment",
        "channels": ["anaconda", "conda-forge"],
        "dependencies": [f"python={HERE}", {"pip": ["azureml-defaults"]}],
    }


def test_create_takes_what_it_is_given():
    """Packages that are given replace the default."""
    made = CondaDependencies.create(
        pip_indexurl="https://index", pip_packages=["tqdm"], conda_packages=["numpy", "scipy=1.2"], python_version="3.9"
    )
    assert list(made.pip_packages) == ["tqdm"]
    assert list(made.pip_options) == ["--index-url https://index"]
    assert list(made.conda_packages) == ["numpy", "scipy=1.2"]
    assert made.get_python_version() == "3.9"
    assert list(CondaDependencies.create(conda_packages=["numpy"]).pip_packages) == ["azureml-defaults"]
    assert list(CondaDependencies.create(pip_packages=[]).pip_packages) == []
    assert next(iter(made.as_dict()["dependencies"])) == "python=3.9"


@pytest.mark.parametrize("packages", ["numpy", [1], [None], [""], 5])
def test_packages_that_are_no_list_of_strings_are_refused(packages):
    """`pip_packages="numpy"` would ask for n, u, m, p and y."""
    with pytest.raises(SettingError, match="expected a"):
        CondaDependencies.create(pip_packages=packages)


def test_an_argument_that_nothing_knows_is_refused():
    """A typing error would have no effect."""
    with pytest.raises(OptionError, match="pip_package"):
        CondaDependencies.create(pip_package=["numpy"])


def test_adding_replaces_and_removing_goes_by_name():
    """One package has one version."""
    made = CondaDependencies.create(pip_packages=["scikit_learn==1.0"], conda_packages=["numpy=1.1"])
    made.add_pip_package("scikit-learn[alldeps]==1.2")
    made.add_conda_package("conda-forge::numpy>=2")
    assert list(made.pip_packages) == ["scikit-learn[alldeps]==1.2"]
    assert list(made.conda_packages) == ["conda-forge::numpy>=2"]
    made.remove_pip_package("Scikit-Learn")
    made.remove_conda_package("numpy")
    made.remove_pip_package("never-there")
    made.remove_conda_package("never-there")
    assert not [*made.pip_packages, *made.conda_packages]


def test_channels_are_added_once():
    """And removed."""
    made = CondaDependencies()
    made.add_channel("pytorch")
    made.add_channel("pytorch")
    made.remove_channel("anaconda")
    made.remove_channel("never-there")
    assert list(made.conda_channels) == ["conda-forge", "pytorch"]


def test_python_is_one():
    """However it is set."""
    made = CondaDependencies()
    made.set_python_version("3.6.2")
    assert made.get_python_version() == "3.6.2"
    made.add_conda_package("python=3.7")
    assert made.get_python_version() == "3.7"
    made.remove_conda_package("python")
    assert made.get_python_version() is None
    assert list(made.conda_packages) == []


def test_options_of_pip():
    """An index is one, extra ones are many."""
    made = CondaDependencies.create(pip_packages=["tqdm", "-e ./lib"])
    made.set_pip_index_url("https://one")
    made.set_pip_index_url("https://two")
    made.set_pip_option("--extra-index-url https://three")
    made.set_pip_option("--extra-index-url https://four")
    assert set(made.pip_options) == {
        "--index-url https://two",
        "--extra-index-url https://three",
        "--extra-index-url https://four",
    }
    made.remove_pip_option("--extra-index-url")
    made.set_pip_requirements(["numpy"])
    assert made.as_dict()["dependencies"][-1] == {"pip": ["--index-url https://two", "numpy"]}
    with pytest.raises(SettingError, match="an option"):
        made.set_pip_option("numpy")


def test_requirements_of_one_package_are_merged():
    """As SDK v1 does before it writes them."""
    merged = CondaDependencies.merge_requirements(["numpy>1", "scipy", "numpy<3", "a[x]==1", "a==2"])
    assert merged == ["numpy<3,>1", "scipy", "a[x]==1", "a==2"]


def test_tensorflow_has_verbs_of_its_own():
    """In SDK v1's words."""
    made = CondaDependencies.create(pip_packages=[])
    made.add_tensorflow_pip_package("gpu", "1.13.1")
    made.add_tensorflow_conda_package()
    assert list(made.pip_packages) == ["tensorflow-gpu==1.13.1"]
    assert list(made.conda_packages) == ["tensorflow"]
    with pytest.raises(SettingError, match="'cpu' or 'gpu'"):
        made.add_tensorflow_pip_package("tpu")


def test_it_goes_into_a_file_and_comes_back(tmp_path):
    """Under either verb, in conda's own YAML."""
    made = CondaDependencies.create(pip_packages=["tqdm"], conda_packages=["numpy"])
    assert made.save(tmp_path / "env.yml") == str(tmp_path / "env.yml")
    assert made.save_to_file(tmp_path, "deep/env.yml") == "deep/env.yml"
    assert made.save_to_file(tmp_path) == "conda_dependencies.yml"
    assert made.save() == "conda_dependencies.yml"
    for name in ("env.yml", "deep/env.yml", "conda_dependencies.yml"):
        assert CondaDependencies(tmp_path / name) == made
    assert yaml.safe_load(made.serialize_to_string()) == made.as_dict()


def test_a_copy_is_given_out():
    """Who changes it changes nothing here."""
    made = CondaDependencies()
    made.as_dict()["dependencies"].clear()
    assert made == CondaDependencies()


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "dependencies: numpy",
        "dependencies: [1]",
        "dependencies: [{pip: numpy}]",
        "dependencies: [{npm: [a]}]",
        "channels: [{}]",
        "{broken",
        "!!python/object/apply:os.system ['touch owned']",
    ],
)
def test_a_file_that_is_no_specification_is_told(tmp_path, text):
    """With what is wrong in it; and nothing in it is executed."""
    (tmp_path / "env.yml").write_text(text)
    with pytest.raises(SpecificationError, match=r"env\.yml"):
        CondaDependencies(tmp_path / "env.yml")
    assert not (tmp_path / "owned").exists()


def test_a_file_that_is_not_there_is_told():
    """As Python's own error too."""
    with pytest.raises(SourceNotFoundError) as caught:
        CondaDependencies("missing.yml")
    assert isinstance(caught.value, FileNotFoundError)


def test_files_of_other_hands_are_read(tmp_path):
    """Without channels, with null lists, with a prefix that conda exports."""
    (tmp_path / "env.yml").write_text("name: x\nprefix: /p\nchannels:\ndependencies: [numpy, {pip: }]\n")
    made = CondaDependencies(tmp_path / "env.yml")
    made.add_pip_package("tqdm")
    assert list(made.conda_packages) == ["numpy"]
    assert list(made.pip_packages) == ["tqdm"]
