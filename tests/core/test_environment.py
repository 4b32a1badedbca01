"""Environments: under fixed names, with versions that are claimed by a file."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azml_integrations.core import Environment, Workspace
from azml_integrations.core.conda_dependencies import CondaDependencies
from azml_integrations.core.environment import ContainerRegistry, DockerBuildContext, Shelf
from azml_integrations.errors import (
    EnvironmentNotFoundError,
    FieldError,
    NameRefusedError,
    ServiceException,
    SourceNotFoundError,
    SpecificationError,
    SubmissionWarning,
    UserErrorException,
)


@pytest.fixture
def environment():
    environment = Environment("study")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["tqdm"])
    return environment


# -- the class ---------------------------------------------------------------------------------------


def test_the_signatures_are_those_of_sdk_v1(signature):
    """Scripts call them by position and by name."""
    assert signature(Environment.get) == "workspace, name, version=None, label=None"
    assert signature(Environment.from_pip_requirements) == "name, file_path, pip_version=None"
    assert signature(Environment.from_docker_image) == (
        "name, image, container_registry=None, conda_specification=None, pip_requirements=None"
    )


def test_the_defaults_are_those_of_sdk_v1():
    """They are printed in notebooks and read by scripts."""
    environment = Environment("study")
    assert (environment.name, environment.version) == ("study", None)
    assert environment.python.user_managed_dependencies is False
    assert environment.python.interpreter_path == "python"
    assert environment.environment_variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert environment.docker.shm_size == "2g"
    assert str(environment) == "Environment(Name: study,\nVersion: None)"
    definition = json.loads(repr(environment))
    assert definition["python"]["interpreterPath"] == "python"
    assert definition["environmentVariables"] == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}


def test_a_name_must_be_a_string():
    """SDK v1 raised a TypeError."""
    with pytest.raises(TypeError, match="a string"):
        Environment(5)


@pytest.mark.parametrize(
    ("set_it", "meant"),
    [
        (lambda e: setattr(e, "enviroment_variables", {}), "environment_variables"),
        (lambda e: setattr(e.python, "user_managed", True), "user_managed_dependencies"),
        (lambda e: setattr(e.docker, "baseimage", ""), "base_image"),
    ],
)
def test_an_attribute_that_does_not_exist_is_refused(set_it, meant):
    """A typing error would have no effect; the error is an AttributeError and says what was meant."""
    with pytest.raises(FieldError, match=f"did you mean '{meant}'") as caught:
        set_it(Environment("study"))
    assert isinstance(caught.value, AttributeError)


def test_attributes_may_be_given_at_once():
    """As keywords."""
    assert Environment("study", version="7").version == "7"
    with pytest.raises(FieldError):
        Environment("study", versoin="7")


def test_two_environments_share_nothing():
    """A default that is shared would spoil the next one."""
    one, other = Environment("one"), Environment("other")
    one.environment_variables["A"] = "1"
    one.python.conda_dependencies.add_pip_package("tqdm")
    assert "A" not in other.environment_variables
    assert list(other.python.conda_dependencies.pip_packages) == ["azureml-defaults"]


def test_a_clone_is_a_copy_without_a_version(environment):
    """Who changes it leaves the first alone."""
    environment.version = "3"
    twin = environment.clone("twin")
    twin.python.conda_dependencies.add_pip_package("numpy")
    assert (twin.name, twin.version) == ("twin", None)
    assert list(environment.python.conda_dependencies.pip_packages) == ["tqdm"]
    with pytest.raises(TypeError):
        environment.clone(None)


# -- files -------------------------------------------------------------------------------------------


def test_from_a_conda_specification(tmp_path):
    """With its packages."""
    (tmp_path / "env.yml").write_text("dependencies: [python=3.9, numpy, {pip: [tqdm]}]")
    environment = Environment.from_conda_specification("study", tmp_path / "env.yml")
    assert environment.python.conda_dependencies.get_python_version() == "3.9"
    assert list(environment.python.conda_dependencies.conda_packages) == ["numpy"]


def test_a_specification_without_python_gets_the_running_one(tmp_path):
    """With a warning, as in SDK v1."""
    (tmp_path / "env.yml").write_text("dependencies: [numpy]")
    with pytest.warns(SubmissionWarning, match="names no version of Python"):
        environment = Environment.from_conda_specification("study", tmp_path / "env.yml")
    assert environment.python.conda_dependencies.get_python_version() == "{}.{}".format(*sys.version_info)


def test_from_pip_requirements(tmp_path):
    """Files that it names are read in: they need not be there later."""
    (tmp_path / "base.txt").write_text("numpy")
    (tmp_path / "requirements.txt").write_text("# mine\ntqdm==4  # bars\n-r base.txt\n")
    environment = Environment.from_pip_requirements("study", tmp_path / "requirements.txt", pip_version="23.1")
    assert list(environment.python.conda_dependencies.pip_packages) == ["tqdm==4", "numpy"]
    assert list(environment.python.conda_dependencies.conda_packages) == ["pip=23.1"]
    with pytest.raises(SourceNotFoundError, match="missing"):
        Environment.from_pip_requirements("study", "missing.txt")


def test_images_are_kept_as_data(tmp_path):
    """And without packages the image's Python is taken as it is."""
    (tmp_path / "requirements.txt").write_text("tqdm")
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    image = Environment.from_docker_image("study", "image:1", ContainerRegistry("registry", password="secret"))
    assert image.docker.base_image == "image:1"
    assert image.python.user_managed_dependencies
    assert "registry" in repr(image)
    assert "secret" not in repr(image)
    for given in ("FROM x\n", "Dockerfile", tmp_path / "Dockerfile"):
        assert Environment.from_dockerfile("study", given).docker.base_dockerfile == "FROM x\n"
    packed = Environment.from_dockerfile("study", "FROM x", pip_requirements=tmp_path / "requirements.txt")
    assert not packed.python.user_managed_dependencies
    assert list(packed.python.conda_dependencies.pip_packages) == ["tqdm"]
    context = DockerBuildContext.from_local_directory(None, tmp_path)
    assert Environment.from_docker_build_context("study", context).docker.build_context.location == str(tmp_path)
    with pytest.raises(UserErrorException, match="expected one of them"):
        Environment.from_docker_image("study", "image:1", conda_specification="a", pip_requirements="b")


def test_from_a_conda_environment_of_this_machine(tmp_path, monkeypatch):
    """Conda is asked; where there is none, the way out is told."""
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserErrorException, match="conda is not installed"):
        Environment.from_existing_conda_environment("study", "base")
    conda = tmp_path / "conda"
    conda.write_text(
        '#!/bin/sh\ntest "$5" = base || { echo no such place >&2; exit 1; }\necho "dependencies: [numpy]"\n'
    )
    conda.chmod(0o755)
    environment = Environment.from_existing_conda_environment("study", "base")
    assert list(environment.python.conda_dependencies.conda_packages) == ["numpy"]
    with pytest.raises(UserErrorException, match="no such place"):
        Environment.from_existing_conda_environment("study", "other")


def test_it_goes_into_a_folder_and_comes_back(tmp_path, environment):
    """With every setting, and with packages that conda reads; an edited file of packages counts."""
    environment.docker.base_image = "image:1"
    environment.environment_variables = {"EXAMPLE": "x", "some_name": "kept as it is"}
    environment.save_to_directory(tmp_path / "saved")
    back = Environment.load_from_directory(tmp_path / "saved")
    assert repr(back) == repr(environment)
    CondaDependencies.create(pip_packages=["numpy"]).save(tmp_path / "saved" / "conda_dependencies.yml")
    assert list(Environment.load_from_directory(tmp_path / "saved").python.conda_dependencies.pip_packages) == ["numpy"]


def test_a_folder_that_is_there_is_not_overwritten_unasked(tmp_path, environment):
    """SDK v1 raised a FileExistsError."""
    with pytest.raises(FileExistsError):
        environment.save_to_directory(tmp_path)
    environment.save_to_directory(tmp_path, overwrite=True)
    assert Environment.load_from_directory(tmp_path).name == "study"


def test_a_file_that_is_no_environment_is_told(tmp_path):
    """A typing error in it is no setting, and a setting of another time is left out with a warning."""
    file = tmp_path / "azureml_environment.json"
    with pytest.raises(SourceNotFoundError):
        Environment.load_from_directory(tmp_path)
    for broken in ("{", "[]", '{"python": 5}', '{"python": {"condaDependencies": []}}', '{"environmentVariable": {}}'):
        file.write_text(broken)
        with pytest.raises(SpecificationError, match="azureml_environment"):
            Environment.load_from_directory(tmp_path)
    file.write_text('{"name": "study", "autoRebuild": true}')
    with pytest.warns(SubmissionWarning, match="autoRebuild"):
        assert Environment.load_from_directory(tmp_path).name == "study"


# -- versions ----------------------------------------------------------------------------------------


def test_versions_count_from_one(workspace, environment):
    """As strings, as SDK v1 has them; the returned environment has it, the given one is left alone."""
    registered = environment.register(workspace)
    assert registered.version == "1"
    assert environment.version is None
    environment.python.conda_dependencies.add_pip_package("numpy")
    assert environment.register(workspace).version == "2"
    assert Environment.get(workspace, "study").version == "2"
    first = Environment.get(workspace, "study", version="1")
    assert list(first.python.conda_dependencies.pip_packages) == ["tqdm"]
    assert repr(Environment.get(workspace, "study", version=1)) == repr(first)


def test_an_unchanged_definition_keeps_its_version(workspace, environment):
    """A notebook that is run twice makes one version; what equals an older one than the latest is new."""
    assert environment.register(workspace).version == "1"
    assert environment.register(workspace).version == "1"
    assert Environment.get(workspace, "study").register(workspace).version == "1"
    changed = environment.clone("study")
    changed.environment_variables = {}
    assert changed.register(workspace).version == "2"
    assert environment.register(workspace).version == "3"


def test_a_version_set_by_hand_is_taken_when_it_is_free(workspace, environment):
    """And one that was read, changed and registered again gets the next number."""
    environment.version = "2024-06"
    assert environment.register(workspace).version == "2024-06"
    read = Environment.get(workspace, "study")
    read.environment_variables = {"A": "1"}
    assert read.register(workspace).version == "1"
    assert Shelf(workspace, "study").versions() == ["2024-06", "1"]


def test_many_who_register_at_once_get_a_version_each(workspace):
    """None overwrites another's."""

    def register(number):
        return Environment("study", environment_variables={"N": str(number)}).register(workspace).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(register, range(16)))
    assert sorted(versions, key=int) == [str(number) for number in range(1, 17)]
    numbers = {Environment.get(workspace, "study", version).environment_variables["N"] for version in versions}
    assert numbers == {str(number) for number in range(16)}


def test_labels_find_versions(workspace, environment):
    """`latest` moves by itself, the others are given."""
    environment.register(workspace)
    Environment("study").register(workspace)
    Environment.label(workspace, "study", "1", ["stable", "checked"])
    assert Environment.get(workspace, "study", label="stable").version == "1"
    assert Environment.get(workspace, "study", label="latest").version == "2"
    Environment.label(workspace, "study", "2", "stable")
    assert Environment.get(workspace, "study", label="stable").version == "2"
    with pytest.raises(EnvironmentNotFoundError, match="did you mean 'stable'"):
        Environment.get(workspace, "study", label="stabel")
    with pytest.raises(EnvironmentNotFoundError):
        Environment.label(workspace, "study", "9", ["stable"])
    with pytest.raises(NameRefusedError):
        Environment.label(workspace, "study", "1", ["latest"])


def test_what_is_not_there_is_told(workspace, environment):
    """With what is there; a service's error in SDK v1, so it is one here."""
    with pytest.raises(EnvironmentNotFoundError, match="none yet") as caught:
        Environment.get(workspace, "study")
    assert isinstance(caught.value, ServiceException)
    assert caught.value.status_code == 404
    environment.register(workspace)
    with pytest.raises(EnvironmentNotFoundError, match="did you mean 'study'"):
        Environment.get(workspace, "studdy")
    with pytest.raises(EnvironmentNotFoundError, match="version '7'"):
        Environment.get(workspace, "study", version="7")
    with pytest.raises(UserErrorException, match="one of them"):
        Environment.get(workspace, "study", version="1", label="latest")


def test_a_file_of_a_version_that_was_spoilt_is_told(workspace, environment):
    """By its path: somebody edited it, or a disk lost it."""
    environment.register(workspace)
    (file,) = (workspace.root / "environments" / "study").glob("*.json")
    for spoilt in ("", "{}", '{"created": 1.0, "version": "1", "definition": []}'):
        file.write_text(spoilt)
        with pytest.raises(SpecificationError, match=r"1\.json"):
            Environment.get(workspace, "study")


def test_what_azure_publishes_is_answered(workspace):
    """Tutorials begin with a curated environment; it runs in the interpreter that submits, and says so."""
    with pytest.warns(SubmissionWarning, match="published by Azure"):
        curated = Environment.get(workspace, "AzureML-Minimal")
    assert curated.python.user_managed_dependencies
    Environment("AzureML-Minimal").register(workspace)
    assert Environment.get(workspace, "AzureML-Minimal").version == "1"


def test_a_workspace_lists_its_environments(workspace, environment):
    """The latest of each, by name; also of names that are no file names."""
    assert workspace.environments == {}
    environment.register(workspace)
    Environment("a/b: ü").register(workspace)
    environment.environment_variables = {}
    environment.register(workspace)
    assert {name: found.version for name, found in workspace.environments.items()} == {"study": "2", "a/b: ü": "1"}
    assert Environment.list(workspace).keys() == workspace.environments.keys()
    assert Environment.list(Workspace.create("another")) == {}


# -- building ----------------------------------------------------------------------------------------


def test_there_are_no_images_here(workspace, environment):
    """And the way out is told."""
    with pytest.raises(UserErrorException, match="build_local"):
        environment.build(workspace)
    with pytest.raises(UserErrorException, match="no image"):
        environment.get_image_details(workspace)


def test_a_wheel_of_ones_own_is_kept(workspace, tmp_path):
    """The path that comes back is a package for pip."""
    wheel = tmp_path / "lib-1.0-py3-none-any.whl"
    with pytest.raises(SourceNotFoundError):
        Environment.add_private_pip_wheel(workspace, wheel)
    wheel.write_bytes(b"wheel")
    kept = Environment.add_private_pip_wheel(workspace, wheel)
    with pytest.raises(UserErrorException, match="exist_ok"):
        Environment.add_private_pip_wheel(workspace, wheel)
    assert Environment.add_private_pip_wheel(workspace, wheel, exist_ok=True) == kept
    assert Path(kept).read_bytes() == b"wheel"
    assert Environment.list(workspace) == {}


@pytest.mark.timeout(300)
def test_an_environment_is_built_locally(workspace, capfd):
    """As a submission would; a second time it is there."""
    environment = Environment("study")  # azureml-defaults alone, so nothing is asked of an index
    interpreter = environment.build_local(workspace)
    assert environment.build_local(workspace) == interpreter
    assert capfd.readouterr().out.count("Built") == 1
    subprocess.run([interpreter, "-I", "-c", "import azml_integrations.core.run"], check=True)
