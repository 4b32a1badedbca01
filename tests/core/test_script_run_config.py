"""What submit takes, and what it refuses: before anything is queued."""

import os
import sys
import warnings
from pathlib import Path

import pytest

from azml_integrations.core import Environment, RunConfiguration, ScriptRunConfig, Workspace
from azml_integrations.core.conda_dependencies import CondaDependencies
from azml_integrations.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azml_integrations.core.script_run_config import plan
from azml_integrations.errors import (
    FieldError,
    InterpreterNotFoundError,
    RunConfigurationException,
    ScriptNotFoundError,
    SettingError,
    SourceNotFoundError,
    SpecificationError,
    SubmissionWarning,
    UserErrorException,
)

WAY_OUT = "python.interpreter_path chooses another interpreter"


@pytest.fixture(autouse=True)
def source(tmp_path):
    """Give a source folder with a script, and one deeper in it."""
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "train.py").write_text("")
    (folder / "deep" / "fit.py").write_text("")
    (tmp_path / "outside.py").write_text("")
    return folder.resolve()


def planned(script="train.py", arguments=None, **settings):
    return plan(ScriptRunConfig("source", script, arguments, **settings))


def with_environment(**settings):
    """Plan a script in an environment with these settings of its Python section."""
    environment = Environment("study")
    for name, value in settings.items():
        setattr(environment.python, name, value)
    return planned(environment=environment)


# -- the configuration -------------------------------------------------------------------------------


def test_the_signature_is_that_of_sdk_v1(signature):
    """Scripts call it by position and by name."""
    assert signature(ScriptRunConfig) == (
        "source_directory, script=None, arguments=None, run_config=None, _telemetry_values=None, compute_target=None, "
        "environment=None, distributed_job_config=None, resume_from=None, max_run_duration_seconds=2592000, "
        "command=None, docker_runtime_config=None"
    )


def test_by_position_as_notebooks_do(source):
    """`ScriptRunConfig('./', 'train.py')`."""
    os.chdir(source)
    found = plan(ScriptRunConfig("./", "train.py"))
    assert (found.source_directory, found.script, found.command, found.arguments) == (source, "train.py", None, [])
    assert (found.target, found.processes, found.backend, found.max_seconds) == ("local", 1, None, 2592000.0)
    assert found.interpreter == Path(sys.executable)
    assert found.variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert found.managed is False
    assert found.run_config.environment.name == "default-environment"


def test_without_a_folder_it_is_the_working_directory(source):
    """As in SDK v1."""
    os.chdir(source)
    assert plan(ScriptRunConfig(None, "train.py")).source_directory == source


def test_what_is_set_later_counts():
    """`src.run_config.environment = env` stands in many notebooks."""
    config = ScriptRunConfig("source", "never.py")
    config.script, config.arguments = "train.py", ["--alpha", 0.1]
    config.run_config.target = "cluster"
    config.run_config.environment = Environment("later", environment_variables={"A": "1"})
    found = plan(config)
    assert (found.script, found.arguments, found.target) == ("train.py", ["--alpha", "0.1"], "cluster")
    assert found.variables == {"A": "1"}
    config.compute_target, config.environment = "other", Environment("last")
    found = plan(config)
    assert (found.target, found.run_config.environment.name) == ("other", "last")
    config.run_config = RunConfiguration()
    assert plan(config).target == "local"
    config.command, config.script = "echo", None
    assert plan(config).command == "echo"


def test_an_attribute_that_does_not_exist_is_refused():
    """A typing error would have no effect."""
    with pytest.raises(FieldError, match="did you mean 'arguments'"):
        ScriptRunConfig("source", "train.py").argumnets = []


def test_a_plan_is_a_copy():
    """A loop changes the configuration and submits it again; what was submitted stays."""
    config = ScriptRunConfig("source", "train.py", ["--alpha", 0.1], environment=Environment("study"))
    first = plan(config)
    config.arguments[1] = 0.2
    config.environment.environment_variables["LATER"] = "1"
    config.run_config.target = "later"
    assert first.arguments == first.run_config.arguments == ["--alpha", "0.1"]
    assert "LATER" not in first.variables | first.run_config.environment_variables
    assert first.run_config.target == "local"
    assert plan(config).arguments == ["--alpha", "0.2"]
    assert config.run_config.script is None


def test_a_run_configuration_counts_before_single_settings():
    """As in SDK v1, which warned too; what it has itself is fallen back to."""
    configuration = RunConfiguration("train.py", ["--a", 1])
    configuration.target = "cluster"
    with pytest.warns(SubmissionWarning, match="compute_target, environment, max_run_duration_seconds"):
        config = ScriptRunConfig(
            "source",
            run_config=configuration,
            compute_target="other",
            environment=Environment("other"),
            max_run_duration_seconds=5,
        )
    found = plan(config)
    assert (found.script, found.arguments, found.target) == ("train.py", ["--a", "1"], "cluster")
    assert found.run_config.environment.name == "default-environment"
    assert found.max_seconds == 2592000
    assert plan(ScriptRunConfig("source", arguments=[], run_config=configuration)).arguments == []
    assert plan(ScriptRunConfig("source", command="echo", run_config=configuration)).script is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ScriptRunConfig("source", "train.py", run_config=configuration)


def test_docker_is_kept_as_data():
    """There is no container here."""
    found = planned(docker_runtime_config=DockerConfiguration(use_docker=True))
    assert found.run_config.as_definition()["docker"]["useDocker"] is True


# -- script and command ------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["deep/fit.py", "./deep/fit.py", "deep/../deep/fit.py", Path("deep", "fit.py")])
def test_a_script_in_a_folder_below(script):
    """Its path is relative, POSIX and without detours."""
    assert planned(script).script == "deep/fit.py"


def test_an_absolute_path_inside_is_made_relative(source, tmp_path):
    """Also where the folder is reached by a symbolic link."""
    assert planned(str(source / "deep" / "fit.py")).script == "deep/fit.py"
    (tmp_path / "link").symlink_to(source)
    assert plan(ScriptRunConfig("link", str(tmp_path / "link" / "train.py"))).script == "train.py"
    assert plan(ScriptRunConfig("link", str(source / "train.py"))).source_directory == source


def test_a_script_that_is_missing_is_told_with_what_lies_there():
    """It is found at submit, as in SDK v1."""
    with pytest.raises(ScriptNotFoundError, match=r"did you mean 'train\.py'") as caught:
        planned("trian.py")
    assert isinstance(caught.value, UserErrorException)
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(ScriptNotFoundError, match=r"it has deep/fit\.py, train\.py"):
        planned("zzz")
    with pytest.raises(ScriptNotFoundError, match=r"arguments of the script go into arguments"):
        planned("train.py --alpha 0.1")


def test_an_empty_folder_says_so(tmp_path):
    """Rather than an empty list."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScriptNotFoundError, match="no Python files"):
        plan(ScriptRunConfig("empty", "train.py"))


def test_a_folder_is_no_script():
    """What lies in it is told."""
    with pytest.raises(SettingError, match=r"a folder, with fit\.py"):
        planned("deep")


@pytest.mark.parametrize("script", ["../outside.py", "deep/../../outside.py", "../never.py", sys.executable])
def test_a_script_outside_of_the_folder_is_refused(script):
    """Only the folder is copied to where the script runs."""
    with pytest.raises(UserErrorException, match="outside of the source folder"):
        planned(script)


def test_a_symbolic_link_that_leads_out_is_refused(source, tmp_path):
    """Of a file and of a folder; one that stays inside is as good as its target."""
    (source / "link.py").symlink_to(tmp_path / "outside.py")
    (source / "up").symlink_to(tmp_path)
    (source / "same.py").symlink_to("train.py")
    (source / "same").symlink_to("deep")
    with pytest.raises(UserErrorException, match="by way of a symbolic link"):
        planned("link.py")
    with pytest.raises(UserErrorException, match="outside of the source folder"):
        planned("up/outside.py")
    assert planned("same.py").script == "same.py"
    assert planned("same/fit.py").script == "deep/fit.py"


def test_a_folder_that_is_not_there_is_told(source):
    """And a file in its place gets the right call."""
    with pytest.raises(SourceNotFoundError, match="source_directory") as caught:
        plan(ScriptRunConfig("nowhere", "train.py"))
    assert isinstance(caught.value, UserErrorException)
    with pytest.raises(SourceNotFoundError, match=r"script='train\.py'"):
        plan(ScriptRunConfig("source/train.py"))
    for wrong in (5, b"source", "a\0b"):
        with pytest.raises(SettingError, match="source_directory"):
            plan(ScriptRunConfig(wrong, "train.py"))


@pytest.mark.parametrize("script", [5, "train\0.py", ["train.py"], b"train.py"])
def test_a_script_is_a_path(script):
    """Nothing else."""
    with pytest.raises(SettingError, match="the path of a script"):
        planned(script)


def test_script_and_command_are_one_or_the_other():
    """Both or neither say nothing clear."""
    with pytest.raises(UserErrorException, match="one of them"):
        planned("train.py", command="python train.py")
    with pytest.raises(UserErrorException, match="neither script nor command"):
        planned(None)
    with pytest.raises(UserErrorException, match="one of them"):
        plan(ScriptRunConfig("source", run_config=RunConfiguration("train.py", command="echo")))


@pytest.mark.parametrize(
    ("command", "line"),
    [("echo 'a  b'", "echo 'a  b'"), (["echo", "a  b", 1], "echo a  b 1"), (("echo",), "echo")],
)
def test_a_command_is_a_line(command, line):
    """The parts of a list are joined by blanks, as in SDK v1."""
    found = planned(None, command=command)
    assert (found.script, found.command) == (None, line)
    assert found.run_config.as_definition()["command"] == line


@pytest.mark.parametrize("command", [5, ["a", None], ["a", True], {"a": 1}, "a\0b"])
def test_a_command_of_another_kind_is_refused(command):
    """One clear error."""
    with pytest.raises(SettingError, match="command"):
        planned(None, command=command)


# -- arguments ---------------------------------------------------------------------------------------


def test_arguments_arrive_byte_for_byte():
    """Empty, blank, dashed, and bytes that are no UTF-8."""
    odd = ["", " ", "--", "-x", "--a=b c", "'\"$HOME`\\", "é\n", os.fsdecode(b"\xff\xfe")]
    found = planned(arguments=odd)
    assert found.arguments == odd
    assert found.run_config.arguments == odd


def test_numbers_paths_and_bytes_become_strings():
    """A loop over numpy's alphas is the classic."""
    numpy = pytest.importorskip("numpy")
    given = ["--alpha", 0.1, 3, True, numpy.float64(0.5), numpy.int64(7), numpy.array(2), Path("data/x"), b"\xff"]
    assert planned(arguments=given).arguments == [
        "--alpha",
        "0.1",
        "3",
        "True",
        "0.5",
        "7",
        "2",
        "data/x",
        os.fsdecode(b"\xff"),
    ]
    assert planned(arguments=("--a", 1)).arguments == ["--a", "1"]
    assert all(type(part) is str for part in planned(arguments=[numpy.str_("a")]).arguments)


@pytest.mark.parametrize("arguments", ["--alpha 0.1", b"--alpha", {"--alpha": 0.1}, {"--alpha"}, iter(["--alpha"]), 5])
def test_arguments_are_a_list(arguments):
    """A string would be taken apart into letters, a set has no order, a generator would serve one submission only."""
    with pytest.raises(SettingError, match=r"a list with a part for each argument"):
        planned(arguments=arguments)


@pytest.mark.parametrize(
    ("argument", "culprit"),
    [
        (None, "NoneType None"),
        ([1, 2], "list"),
        ({"a": 1}, "dict"),
        (object(), "object"),
        (1j, "complex"),
        ("a\0b", "NUL"),
        ("\ud800", "os.fsdecode"),
    ],
)
def test_an_argument_that_no_process_can_be_given_is_told(argument, culprit):
    """By its place, as SDK v1's error and as a TypeError."""
    with pytest.raises(SettingError, match=r"arguments\[1\].*" + culprit) as caught:
        planned(arguments=["--alpha", argument])
    assert isinstance(caught.value, UserErrorException)
    assert isinstance(caught.value, TypeError)
    assert caught.value.value is argument


def test_data_stands_in_arguments_as_it_came():
    """It becomes a path when the run begins; a bare dataset has no name for it, and the way out is told."""

    class AbstractDataset: ...

    class TabularDataset(AbstractDataset): ...

    class DatasetConsumptionConfig: ...

    class Output(type("OutputFileDatasetConfig", (), {})): ...

    named, output = DatasetConsumptionConfig(), Output()
    found = planned(arguments=["--data", named, "--out", output])
    assert found.arguments[1] is named
    assert found.run_config.arguments[3] is output
    with pytest.raises(UserErrorException, match=r"bare TabularDataset.*as_named_input"):
        planned(arguments=["--data", TabularDataset()])


def test_resume_from_is_a_data_path():
    """It becomes the script's ``--resume-from``."""

    class DataPath: ...

    place = DataPath()
    assert planned(arguments=["a"], resume_from=place).arguments == ["a", "--resume-from", place]
    with pytest.raises(UserErrorException, match="a DataPath"):
        planned(resume_from="outputs")


# -- variables ---------------------------------------------------------------------------------------


def test_variables_become_strings():
    """Numbers and paths are understood."""
    environment = Environment("study", environment_variables={"A": 1, "B": 0.5, "C": Path("x"), "D": "", "E": "\udcff"})
    assert planned(environment=environment).variables == {"A": "1", "B": "0.5", "C": "x", "D": "", "E": "\udcff"}
    assert planned(environment=Environment("study", environment_variables=None)).variables == {}


@pytest.mark.parametrize(
    "variables",
    [
        {"A": None},
        {"A": ["x"]},
        {"A": "x\0"},
        {"A\0": "x"},
        {"A=B": "x"},
        {"": "x"},
        {1: "x"},
        {"A": "\ud800"},
        ["A"],
        "A=1",
    ],
)
def test_variables_that_no_process_can_have_are_refused(variables):
    """By name."""
    with pytest.raises(SettingError, match="environment_variables"):
        planned(environment=Environment("study", environment_variables=variables))


# -- interpreter and packages ------------------------------------------------------------------------


def test_the_interpreter_is_the_one_that_submits():
    """`python` is not looked for on PATH: another one would answer there."""
    assert with_environment(interpreter_path="python").interpreter == Path(sys.executable)
    assert with_environment(user_managed_dependencies=True).interpreter == Path(sys.executable)


def test_an_interpreter_is_a_path_or_a_name(source, tmp_path, monkeypatch):
    """A link is kept: a virtual environment's Python is one, and its target knows none of the packages."""
    (source / "venv").mkdir()
    (source / "venv" / "mypython").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(source / "venv"))
    for chosen in (source / "venv" / "mypython", "venv/mypython", "./venv/mypython", "mypython"):
        assert with_environment(interpreter_path=chosen).interpreter == source / "venv" / "mypython"


@pytest.mark.parametrize("chosen", ["/nowhere/python", "no-such-python", "venv/python", "~/no/python"])
def test_an_interpreter_that_is_not_there_is_told(chosen):
    """At submit, as SDK v1's error and as Python's."""
    with pytest.raises(InterpreterNotFoundError, match="no interpreter") as caught:
        with_environment(interpreter_path=chosen, user_managed_dependencies=True)
    assert isinstance(caught.value, UserErrorException)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_file_that_cannot_be_executed_is_no_interpreter(source):
    """Another reason, told apart."""
    with pytest.raises(InterpreterNotFoundError, match="that can be executed"):
        with_environment(interpreter_path=str(source / "train.py"))
    for wrong in (5, ""):
        with pytest.raises(SettingError, match="interpreter_path"):
            with_environment(interpreter_path=wrong)


def test_an_environment_is_managed_when_it_asks_for_packages(source):
    """The SDK's own do not count, and an index alone is no package."""
    asks = CondaDependencies.create(pip_packages=["azureml-defaults", "tqdm"])
    sdk = CondaDependencies.create(pip_indexurl="https://index")
    assert with_environment(conda_dependencies=asks).managed
    assert with_environment(conda_dependencies=asks).wanted.requirements == ("tqdm",)
    assert not with_environment(conda_dependencies=asks, user_managed_dependencies=True).managed
    assert not with_environment(conda_dependencies=sdk).managed
    assert not with_environment(conda_dependencies=None).managed
    assert with_environment(conda_dependencies=CondaDependencies.create(conda_packages=["numpy"])).managed
    with pytest.raises(SettingError, match="conda_dependencies"):
        with_environment(conda_dependencies=["tqdm"])


def test_another_python_than_the_one_that_was_asked_for_is_noted():
    """Conda would have brought it, here the interpreter that submits is built upon."""
    here = ".".join(map(str, sys.version_info[:3]))
    for asked, noted in (("3.6.2", True), ("3.1", True), ("3", False), (here, False), (here.rpartition(".")[0], False)):
        packages = CondaDependencies.create(pip_packages=["tqdm"], python_version=asked)
        notes = with_environment(conda_dependencies=packages).wanted.notes
        assert notes == ((f"Python {asked} asked for, {here} taken; {WAY_OUT}",) if noted else ())


def test_a_file_of_packages_is_read_at_submit(source):
    """It may be changed afterwards."""
    (source / "env.yml").write_text("dependencies: [{pip: [tqdm]}]")
    found = with_environment(conda_dependencies_file="env.yml")
    assert found.wanted.requirements == ("tqdm",)
    assert list(found.run_config.environment.python.conda_dependencies.pip_packages) == ["tqdm"]
    (source / "env.yml").write_text("[]")
    with pytest.raises(SpecificationError):
        with_environment(conda_dependencies_file="env.yml")
    with pytest.raises(SourceNotFoundError):
        with_environment(conda_dependencies_file="missing.yml")


def test_a_requirements_file_lies_beside_the_specification_or_in_the_source_folder(source, tmp_path):
    """Conda looks beside the specification, people write it beside the script."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "env.yml").write_text("dependencies: [python, {pip: [-r packages.txt]}]")
    packages = CondaDependencies(tmp_path / "envs" / "env.yml")
    with pytest.raises(SourceNotFoundError) as caught:
        with_environment(conda_dependencies=packages)
    assert caught.value.path == str((tmp_path / "envs" / "packages.txt").resolve())
    (source / "packages.txt").write_text("numpy")
    assert with_environment(conda_dependencies=packages).wanted.requirements == ("numpy",)
    (tmp_path / "envs" / "packages.txt").write_text("tqdm")
    assert with_environment(conda_dependencies=packages).wanted.requirements == ("tqdm",)


@pytest.mark.parametrize("environment", ["study", 5, RunConfiguration()])
def test_an_environment_of_another_kind_is_refused(environment):
    """A name is not enough: the way to one is told."""
    with pytest.raises(SettingError, match=r"Environment\.get"):
        planned(environment=environment)


@pytest.mark.parametrize(
    ("spoil", "culprit"),
    [
        (lambda c: setattr(c, "mpi", 2), "an? MpiConfiguration"),
        (lambda c: setattr(c, "pytorch", None), "PyTorchConfiguration"),
        (lambda c: setattr(c, "tensorflow", MpiConfiguration()), "TensorflowConfiguration"),
        (lambda c: setattr(c.environment, "python", "python3"), "interpreter_path"),
    ],
)
def test_a_group_of_settings_is_not_replaced_by_something_else(spoil, culprit):
    """`env.python = "python3"` is refused with the way out, not with a missing attribute of a string."""
    config = ScriptRunConfig("source", "train.py")
    spoil(config.run_config)
    with pytest.raises(SettingError, match=culprit):
        plan(config)


def test_a_run_configuration_of_another_kind_is_refused():
    """Before its attributes are asked for."""
    config = ScriptRunConfig("source", "train.py")
    config.run_config = Environment("study")
    with pytest.raises(SettingError, match="a RunConfiguration"):
        plan(config)


# -- processes and time ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "processes", "backend"),
    [
        (None, 1, None),
        (PyTorchConfiguration(process_count=2), 2, "nccl"),
        (PyTorchConfiguration("Gloo"), 1, "gloo"),
        (MpiConfiguration(3), 3, "mpi"),
        (TensorflowConfiguration(worker_count=2), 2, "parameterserver"),
    ],
)
def test_processes_are_counted(job, processes, backend):
    """By what the configuration is for."""
    found = planned(distributed_job_config=job)
    assert (found.processes, found.backend) == (processes, backend)


def test_a_job_is_written_into_the_run_configuration():
    """In SDK v1's words."""
    mpi = planned(distributed_job_config=MpiConfiguration(2)).run_config
    torch = planned(distributed_job_config=PyTorchConfiguration("Gloo", 2)).run_config
    tensorflow = planned(distributed_job_config=TensorflowConfiguration()).run_config
    assert (mpi.framework, mpi.communicator) == ("Python", "IntelMpi")
    assert (torch.framework, torch.communicator) == ("PyTorch", "Gloo")
    assert (tensorflow.framework, tensorflow.communicator) == ("TensorFlow", "ParameterServer")


@pytest.mark.parametrize(
    ("job", "processes"),
    [
        (PyTorchConfiguration(process_count=4, node_count=2), 4),
        (PyTorchConfiguration(node_count=2), 2),
        (MpiConfiguration(2, node_count=3), 6),
    ],
)
def test_more_nodes_than_one_run_here(job, processes):
    """The world keeps its size, and says where it is."""
    config = ScriptRunConfig("source", "train.py", distributed_job_config=job)
    assert config.run_config.node_count == job.node_count
    with pytest.warns(SubmissionWarning, match=rf"there is one machine: {processes} processes run on it"):
        assert plan(config).processes == processes


def test_a_job_of_another_kind_is_refused():
    """At once, as in SDK v1."""
    with pytest.raises(RunConfigurationException, match="expected an MpiConfiguration"):
        ScriptRunConfig("source", "train.py", distributed_job_config={"process_count": 2})


@pytest.mark.parametrize(
    "job",
    [
        MpiConfiguration(0),
        MpiConfiguration(1, node_count="2"),
        PyTorchConfiguration(process_count=-1),
        PyTorchConfiguration(process_count=1.5),
        TensorflowConfiguration(worker_count=True),
    ],
)
def test_processes_that_cannot_be_counted_are_refused(job):
    """By what was meant to be counted."""
    with pytest.raises(RunConfigurationException, match="a whole number, 1 or more"):
        planned(distributed_job_config=job)


def test_a_communicator_that_is_none_is_refused():
    """A typing error in a hand-written configuration."""
    configuration = RunConfiguration("train.py", communicator="Nickel")
    with pytest.raises(RunConfigurationException, match="'Nccl'"):
        plan(ScriptRunConfig("source", run_config=configuration))


@pytest.mark.parametrize(("given", "seconds"), [(5, 5.0), (0.5, 0.5), (None, None)])
def test_the_longest_time(given, seconds):
    """In seconds, or none."""
    assert planned(max_run_duration_seconds=given).max_seconds == seconds


@pytest.mark.parametrize("given", [0, -1, "60", True, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(given):
    """Also one that would never pass."""
    with pytest.raises(SettingError, match="seconds above 0"):
        planned(max_run_duration_seconds=given)


# -- target ------------------------------------------------------------------------------------------


def test_a_target_is_a_name_or_has_one():
    """A compute target of SDK v1 has a name."""

    class Cluster:
        name = "cpu-cluster"

    assert planned(compute_target=Cluster()).target == "cpu-cluster"
    assert planned(compute_target="cpu-cluster").target == "cpu-cluster"
    for wrong in (5, "", object()):
        with pytest.raises(SettingError, match="target"):
            planned(compute_target=wrong)


def test_a_plan_with_a_workspace_in_it_is_a_copy(workspace: Workspace):
    """Data knows its workspace, which travels as an address."""

    class Reference:
        def __init__(self, workspace):
            self.workspace = workspace

    configuration = RunConfiguration("train.py")
    configuration.data_references["data"] = Reference(workspace)
    found = plan(ScriptRunConfig("source", run_config=configuration))
    assert found.run_config.data_references["data"].workspace == workspace


def test_the_representation_says_what_runs():
    """In one line."""
    assert (
        repr(ScriptRunConfig("source", "train.py", [1]))
        == "ScriptRunConfig('source', script='train.py', arguments=[1])"
    )
    assert "command='echo'" in repr(ScriptRunConfig(None, command="echo"))
