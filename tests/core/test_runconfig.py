"""Run configurations: settings under fixed names, in memory and in YAML."""

import copy
import json

import pytest
import yaml

from azml_integrations.core import Environment, RunConfiguration
from azml_integrations.core.runconfig import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    CondaDependencies,
    DataReferenceConfiguration,
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azml_integrations.errors import (
    FieldError,
    RunConfigurationException,
    SettingError,
    SourceNotFoundError,
    SpecificationError,
    SubmissionWarning,
    UserErrorException,
)


@pytest.fixture
def configuration():
    """Give one that differs from the default in every part that scripts set."""
    configuration = RunConfiguration("train.py", ["--alpha", 0.1, ""], framework="PyTorch", communicator="Gloo")
    configuration.environment = Environment("study")
    configuration.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["tqdm"])
    configuration.environment_variables = {"SOME_name": "1"}
    configuration.pytorch = PyTorchConfiguration("Gloo", 2)
    configuration.data_references = {"my_data": DataReferenceConfiguration("store", path_on_datastore="a/b")}
    configuration.spark.configuration = {"spark.some_thing": 1}
    configuration.history.directories_to_watch = ["logs", "more_logs"]
    configuration.node_count = 2
    return configuration


# -- the classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (
            RunConfiguration,
            (
                "script=None, arguments=None, framework=None, communicator=None, conda_dependencies=None, "
                "_history_enabled=None, _path=None, _name=None, command=None"
            ),
        ),
        (RunConfiguration.save, "path=None, name=None, separate_environment_yaml=False"),
        (RunConfiguration.load, "path, name=None"),
        (MpiConfiguration, "process_count_per_node=1, node_count=1"),
        (PyTorchConfiguration, "communication_backend='Nccl', process_count=None, node_count=1"),
        (TensorflowConfiguration, "worker_count=1, parameter_server_count=1"),
        (
            DataReferenceConfiguration,
            "datastore_name=None, mode='mount', path_on_datastore=None, path_on_compute=None, overwrite=False",
        ),
    ],
)
def test_the_signatures_are_those_of_sdk_v1(signature, verb, expected):
    """Scripts call them by position and by name."""
    assert signature(verb) == expected


def test_the_defaults_are_those_of_sdk_v1():
    """Scripts read them."""
    configuration = RunConfiguration()
    assert (configuration.target, configuration.framework, configuration.communicator) == ("local", "Python", "None")
    assert (configuration.script, configuration.command, configuration.arguments) == (None, "", [])
    assert configuration.node_count == 1
    assert configuration.max_run_duration_seconds == 2592000
    assert configuration.environment.name == "default-environment"
    assert configuration.history.directories_to_watch == ["logs"]
    assert configuration.history.output_collection is True
    assert configuration.history.snapshot_project is True
    assert DockerConfiguration() == DockerConfiguration(False, True, [], "2g")
    assert isinstance(DEFAULT_CPU_IMAGE, str)
    assert isinstance(DEFAULT_GPU_IMAGE, str)


@pytest.mark.parametrize(
    ("set_it", "meant"),
    [
        (lambda c: setattr(c, "enviroment", None), "environment"),
        (lambda c: setattr(c, "nodecount", 2), "node_count"),
        (lambda c: setattr(c.history, "output_colection", True), "output_collection"),
        (lambda c: setattr(c.mpi, "process_count", 2), "process_count_per_node"),
    ],
)
def test_an_attribute_that_does_not_exist_is_refused(set_it, meant):
    """A typing error would have no effect; the error is an AttributeError and says what was meant."""
    with pytest.raises(FieldError, match=f"did you mean '{meant}'") as caught:
        set_it(RunConfiguration())
    assert isinstance(caught.value, AttributeError)


def test_a_name_that_is_like_no_other_gets_the_list():
    """So that one finds the right one."""
    with pytest.raises(FieldError, match=r"it has .*node_count"):
        RunConfiguration().zzz = 1


def test_what_the_notebooks_of_2018_set_is_there():
    """They go on running."""
    configuration = RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=["tqdm"]))
    configuration.auto_prepare_environment = True
    configuration.environment.python.user_managed_dependencies = True
    configuration.environment.docker.enabled = False
    configuration.environment.spark.precache_packages = False
    assert list(configuration.environment.python.conda_dependencies.pip_packages) == ["tqdm"]


def test_variables_are_those_of_the_environment():
    """One dict under two names."""
    configuration = RunConfiguration()
    configuration.environment_variables["A"] = "1"
    assert configuration.environment.environment_variables["A"] == "1"
    configuration.environment_variables = {"B": "2"}
    assert configuration.environment.environment_variables == {"B": "2"}


@pytest.mark.parametrize("backend", ["mpi", None, 5])
def test_a_backend_that_torch_does_not_have_is_refused(backend):
    """At once, also when it is set later."""
    with pytest.raises(RunConfigurationException, match="'nccl' or 'gloo'"):
        PyTorchConfiguration(backend)
    assert PyTorchConfiguration("NCCL").communication_backend == "nccl"
    with pytest.raises(RunConfigurationException):
        PyTorchConfiguration().communication_backend = backend


def test_a_copy_shares_nothing(configuration):
    """A submission takes one."""
    twin = copy.deepcopy(configuration)
    twin.environment_variables["MORE"] = "1"
    twin.arguments.append("more")
    assert configuration.environment_variables == {"SOME_name": "1"}
    assert configuration.arguments == ["--alpha", 0.1, ""]


# -- definitions -------------------------------------------------------------------------------------


def test_the_definition_is_in_camel_case_and_json_holds_it(configuration):
    """Names of settings only: what users named keeps its spelling."""
    definition = json.loads(json.dumps(configuration.as_definition()))
    assert definition["nodeCount"] == 2
    assert definition["arguments"] == ["--alpha", 0.1, ""]
    assert definition["pyTorch"] == {"communicationBackend": "gloo", "processCount": 2, "nodeCount": 1}
    assert definition["environment"]["environmentVariables"] == {"SOME_name": "1"}
    assert definition["environment"]["python"]["condaDependencies"]["dependencies"][-1] == {"pip": ["tqdm"]}
    assert definition["dataReferences"]["my_data"]["pathOnDatastore"] == "a/b"
    assert definition["spark"]["configuration"] == {"spark.some_thing": 1}
    assert "enableMLflowTracking" in definition["history"]


def test_a_definition_tells_of_objects_what_json_can_hold():
    """A compute target by its name, data by its own definition, a path as a string, numpy's numbers as numbers."""
    numpy = pytest.importorskip("numpy")

    class Target:
        name = "cluster"

    class Reference:
        def as_definition(self):
            return {"dataStoreName": "store"}

    configuration = RunConfiguration("train.py", [numpy.float64(0.5), Reference()])
    configuration.target = Target()
    definition = json.loads(json.dumps(configuration.as_definition()))
    assert definition["target"] == "cluster"
    assert definition["arguments"] == [0.5, {"dataStoreName": "store"}]
    configuration.target = 5
    with pytest.raises(SettingError, match="a compute target"):
        configuration.as_definition()


# -- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separate", [False, True])
def test_it_goes_into_a_file_and_comes_back(tmp_path, configuration, separate):
    """As YAML below .azureml, with the packages in a file that conda reads."""
    configuration.save(tmp_path, "study", separate_environment_yaml=separate)
    names = {"study", "conda_dependencies.yml"} | ({"environment.yml"} if separate else set())
    assert {path.name for path in (tmp_path / ".azureml").iterdir()} == names
    assert yaml.safe_load((tmp_path / ".azureml" / "study").read_text())["nodeCount"] == 2
    for back in (
        RunConfiguration.load(tmp_path, "study"),
        RunConfiguration.load(tmp_path / ".azureml", "study"),
        RunConfiguration.load(tmp_path / ".azureml" / "study"),
    ):
        assert back.as_definition() == configuration.as_definition()


def test_odd_values_come_back(tmp_path):
    """YAML reads `no` as False and `1e3` as a string, unless it is written with care."""
    odd = [
        "no",
        "1e3",
        "0x10",
        "",
        " x ",
        "-",
        "#",
        "é\n\t",
        "\udcff",
        "null",
        "~",
        "2020-01-01",
        "a: b",
        1,
        1.5,
        10**30,
    ]
    RunConfiguration("train.py", odd).save(tmp_path, "odd")
    assert RunConfiguration.load(tmp_path, "odd").arguments == odd


def test_the_suffix_of_sdk_v1_is_accepted(tmp_path):
    """In either folder of its time."""
    (tmp_path / "aml_config").mkdir()
    RunConfiguration("train.py").save(tmp_path / "aml_config", "old.runconfig")
    assert RunConfiguration.load(tmp_path, "old").script == "train.py"
    RunConfiguration.delete(tmp_path, "old")
    with pytest.raises(SourceNotFoundError):
        RunConfiguration.load(tmp_path, "old")


def test_the_working_directory_is_the_default(tmp_path):
    """As in SDK v1."""
    RunConfiguration("train.py").save(name="study")
    assert (tmp_path / ".azureml" / "study").is_file()


def test_two_configurations_in_one_folder_keep_their_packages(tmp_path):
    """SDK v1 overwrote the first one's."""
    for name in ("one", "two"):
        RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=[name])).save(tmp_path, name)
    for name in ("one", "two"):
        packages = RunConfiguration.load(tmp_path, name).environment.python.conda_dependencies
        assert list(packages.pip_packages) == [name]


def test_a_file_of_sdk_v1_is_read(tmp_path):
    """With settings that mean nothing here, which are told; packages lie beside it, or beside its folder."""
    folder = tmp_path / "aml_config"
    folder.mkdir()
    (folder / "docker.runconfig").write_text(
        "script: train.py\narguments: []\ntarget: local\nframework: Python\nnodeCount: 1\n"
        "environment:\n  python:\n    userManagedDependencies: false\n    interpreterPath: python\n"
        "    condaDependenciesFile: aml_config/conda_dependencies.yml\n"
        "  environmentVariables:\n    EXAMPLE_ENV_VAR: v\n"
        "  docker:\n    enabled: false\n    sharedVolumes: true\nhistory:\n  outputCollection: true\n"
        "tensorflow:\n  workerCount: 1\ndataReferences:\ndata:\ncommand:\nuseAbsolutePath: false\n"
    )
    (folder / "conda_dependencies.yml").write_text("dependencies: [python=3.6.2, numpy]")
    with pytest.warns(SubmissionWarning, match="useAbsolutePath"):
        configuration = RunConfiguration.load(tmp_path, "docker")
    assert configuration.script == "train.py"
    assert list(configuration.environment.python.conda_dependencies.conda_packages) == ["numpy"]
    assert configuration.environment_variables == {"EXAMPLE_ENV_VAR": "v"}
    assert (configuration.data_references, configuration.data, configuration.command) == ({}, {}, "")


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("[]", "holds a list"),
        ("{broken", "cannot be read"),
        ("history: 5", "HistoryConfiguration"),
        ("nodeCuont: 2", "did you mean 'nodeCount'"),
        ("dataReferences: {a: 5}", "DataReferenceConfiguration"),
        ("script: !!python/object/apply:os.system ['touch owned']", "cannot be read"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(tmp_path, text, culprit):
    """With what is wrong in it; and nothing in it is executed."""
    (tmp_path / "bad").write_text(text)
    with pytest.raises(SpecificationError, match=culprit):
        RunConfiguration.load(tmp_path / "bad")
    assert not (tmp_path / "owned").exists()


def test_packages_that_are_not_there_are_told(tmp_path):
    """An environment without them would be another one."""
    RunConfiguration("train.py").save(tmp_path, "study")
    (tmp_path / ".azureml" / "conda_dependencies.yml").unlink()
    with pytest.raises(SourceNotFoundError) as caught:
        RunConfiguration.load(tmp_path, "study")
    assert caught.value.path.endswith("conda_dependencies.yml")


def test_what_is_not_there_is_told(tmp_path):
    """With what is meant; as SDK v1's error and as Python's."""
    with pytest.raises(FileNotFoundError):
        RunConfiguration().save(tmp_path / "nowhere", "study")
    for name in (None, "", "a/b"):
        with pytest.raises(UserErrorException, match="the name of a file"):
            RunConfiguration().save(tmp_path, name)
    RunConfiguration().save(tmp_path, "study")
    with pytest.raises(UserErrorException, match="did you mean 'study'") as caught:
        RunConfiguration.load(tmp_path, "studdy")
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(UserErrorException, match="name="):
        RunConfiguration.load(tmp_path)
    with pytest.raises(UserErrorException):
        RunConfiguration.delete(tmp_path, "never")
