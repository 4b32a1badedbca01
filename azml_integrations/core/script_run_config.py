"""A script with its arguments and how it is run; what `Experiment.submit` takes."""

import copy
import math
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from .. import errors
from ..launch import requirements as lines_of_pip
from .conda_dependencies import CondaDependencies
from .environment import Environment, PythonSection
from .runconfig import (
    LONGEST,
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
    target_name,
)

if TYPE_CHECKING:
    from .experiment import Experiment
    from .script_run import ScriptRun

_BARE = frozenset({"AbstractDataset", "TabularDataset", "FileDataset"})
_DATA = frozenset(
    {
        "DatasetConsumptionConfig",
        "DataReference",
        "DataPath",
        "OutputDatasetConfig",
        "OutputFileDatasetConfig",
        "OutputTabularDatasetConfig",
        "HDFSOutputDatasetConfig",
        "LinkFileOutputDatasetConfig",
        "LinkTabularOutputDatasetConfig",
    }
)
"""Classes of data that stand in arguments; known by name, since their module need not be loaded for that."""

_SEARCHED = 2000  # files looked at for a script that was meant


class ScriptRunConfig:
    """A script with its arguments and how it is run.

    `Experiment.submit` takes a copy: a configuration may be changed and submitted again, in a loop over arguments for
    example. What cannot be run is refused there, not here.

    Parameters
    ----------
    source_directory : str or path-like
        Folder with the script and the modules beside it; None is the working directory.
    script : str, default=None
        Path of the script, relative to the folder.
    arguments : list, default=None
        What it is called with: strings, which arrive byte for byte, numbers, and data.
    run_config : RunConfiguration, default=None
        How it is run; then compute_target, environment, distributed_job_config, max_run_duration_seconds and
        docker_runtime_config are ignored, with a warning, and a script, arguments or command that are not given
        are its own.
    compute_target : str or object, default=None
        "local", a name, or a compute target.
    environment : Environment, default=None
        Its Python, packages and variables; ``default-environment`` by default.
    distributed_job_config : MpiConfiguration, PyTorchConfiguration or TensorflowConfiguration, default=None
        Its processes; one by default.
    resume_from : DataPath, default=None
        Given to the script as ``--resume-from``.
    max_run_duration_seconds : float, default=2592000
        After which it is stopped [s].
    command : str or list, default=None
        A command line, instead of a script; the parts of a list are joined by blanks.
    docker_runtime_config : DockerConfiguration, default=None
        Kept as data.

    Raises
    ------
    RunConfigurationException
        If `distributed_job_config` is something else.
    FieldError
        If an attribute is set that does not exist.

    Warns
    -----
    SubmissionWarning
        When arguments are ignored.
    """

    def __init__(
        self,
        source_directory: str | os.PathLike[str] | None,
        script: str | os.PathLike[str] | None = None,
        arguments: Iterable[Any] | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: object = None,
        compute_target: object = None,
        environment: Environment | None = None,
        distributed_job_config: object = None,
        resume_from: object = None,
        max_run_duration_seconds: float | None = LONGEST,
        command: str | list[str] | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        self.source_directory = source_directory
        self.resume_from = resume_from
        self._script, self._arguments, self._command = script, arguments, command
        self._run_config = RunConfiguration() if run_config is None else run_config
        if run_config is None:
            self._compose(compute_target, environment, max_run_duration_seconds, docker_runtime_config)
            self._distribute(distributed_job_config)
        else:
            given = {
                "compute_target": compute_target is not None,
                "environment": environment is not None,
                "distributed_job_config": distributed_job_config is not None,
                "max_run_duration_seconds": max_run_duration_seconds != LONGEST,
                "docker_runtime_config": docker_runtime_config is not None,
            }
            _warn_of_ignored([name for name, is_given in given.items() if is_given])

    def _compose(
        self, target: object, environment: object, longest: float | None, docker: DockerConfiguration | None
    ) -> None:
        """Write into the run configuration what was given in its place."""
        configuration = self._run_config
        configuration.target = "local" if target is None else target
        configuration.max_run_duration_seconds = longest
        if environment is not None:
            configuration.environment = environment  # type: ignore[assignment]  # checked by submit
        if docker is not None:
            configuration.docker = docker

    def _distribute(self, job: object) -> None:
        configuration = self._run_config
        match job:
            case None:
                return
            case MpiConfiguration():
                configuration.communicator, configuration.mpi = "IntelMpi", job
            case PyTorchConfiguration():
                configuration.framework, configuration.pytorch = "PyTorch", job
                configuration.communicator = job.communication_backend.capitalize()
            case TensorflowConfiguration():
                configuration.framework, configuration.tensorflow = "TensorFlow", job
                configuration.communicator = "ParameterServer"
            case _:
                raise errors.RunConfigurationException(
                    f"distributed_job_config got {errors.a(job)}, expected an MpiConfiguration, a PyTorchConfiguration "
                    f"or a TensorflowConfiguration"
                )
        configuration.node_count = getattr(job, "node_count", 1)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute.

        Raises
        ------
        FieldError
            If there is none of that name: a typing error would have no effect.
        """
        if not name.startswith("_") and name not in _ATTRIBUTES:
            raise errors.FieldError(type(self).__name__, name, _ATTRIBUTES)
        object.__setattr__(self, name, value)

    @property
    def script(self) -> Any:
        """Return the script; that of the run configuration where none is set here."""
        return self._run_config.script if self._script is None else self._script

    @script.setter
    def script(self, script: str | os.PathLike[str] | None) -> None:
        self._script = script

    @property
    def arguments(self) -> Any:
        """Return the arguments; those of the run configuration where none are set here."""
        return self._run_config.arguments if self._arguments is None else self._arguments

    @arguments.setter
    def arguments(self, arguments: Iterable[Any] | None) -> None:
        self._arguments = arguments

    @property
    def command(self) -> Any:
        """Return the command line; that of the run configuration where none is set here."""
        return self._run_config.command if self._command is None else self._command

    @command.setter
    def command(self, command: str | list[str] | None) -> None:
        self._command = command

    @property
    def run_config(self) -> RunConfiguration:
        """Return how the script is run; it may be changed and set."""
        return self._run_config

    @run_config.setter
    def run_config(self, configuration: RunConfiguration) -> None:
        self._run_config = configuration

    @property
    def compute_target(self) -> Any:
        """Return the run configuration's target."""
        return self._run_config.target

    @compute_target.setter
    def compute_target(self, target: object) -> None:
        self._run_config.target = target

    @property
    def environment(self) -> Environment:
        """Return the run configuration's environment."""
        return self._run_config.environment

    @environment.setter
    def environment(self, environment: Environment) -> None:
        self._run_config.environment = environment

    def __repr__(self) -> str:
        """Return the configuration in one line."""
        what = f"script={self.script!r}" if self.script else f"command={self.command!r}"
        return f"ScriptRunConfig({os.fspath(self.source_directory or '.')!r}, {what}, arguments={self.arguments!r})"

    def _submit(self, experiment: "Experiment", tags: Mapping[str, str | None] | None, **kwargs: Any) -> "ScriptRun":
        """Put the script into the queue of its compute target; `Experiment.submit` calls this."""
        from .submission import submit

        return submit(experiment, self, tags, **kwargs)


_ATTRIBUTES = (
    "source_directory",
    "script",
    "arguments",
    "command",
    "run_config",
    "compute_target",
    "environment",
    "resume_from",
)


# -- what submit does --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A submission that can be run: everything checked, nothing shared with what the caller may still change.

    Attributes
    ----------
    source_directory : Path
        Absolute, without symbolic links.
    script : str or None
        POSIX path relative to it; None where there is a command.
    command : str or None
        A command line for a shell.
    arguments : list of object
        Strings, with surrogates for bytes that are no UTF-8, and data as it came.
    run_config : RunConfiguration
        A copy, with script, command and arguments filled in.
    target : str
        Name of the queue.
    interpreter : Path
        Absolute; a symbolic link is kept, since a virtual environment is one.
    managed : bool
        Whether the environment is not user-managed and asks for packages: it can be built.
    wanted : Wanted
        What pip would be asked for then.
    variables : dict of str to str
        For the script's environment.
    processes : int
        How many run the script [>= 1], all on this machine.
    backend : {"nccl", "gloo", "mpi", "parameterserver"} or None
        How they talk; None is one process without variables for ranks.
    max_seconds : float or None
        After which they are stopped [s].
    """

    source_directory: Path
    script: str | None
    command: str | None
    arguments: list[object]
    run_config: RunConfiguration
    target: str
    interpreter: Path
    managed: bool
    wanted: lines_of_pip.Wanted
    variables: dict[str, str]
    processes: int
    backend: str | None
    max_seconds: float | None


def plan(config: ScriptRunConfig) -> Plan:
    """Check a configuration as a whole, and return what shall be run.

    Parameters
    ----------
    config : ScriptRunConfig
        It is copied: later changes have no effect.

    Returns
    -------
    plan : Plan
        Ready for the queue.

    Raises
    ------
    UserErrorException
        If a folder, script or interpreter is not there, or a setting cannot be used; the finer classes are
        `ScriptNotFoundError`, `SourceNotFoundError`, `InterpreterNotFoundError` and `SettingError`.
    RunConfigurationException
        If its processes cannot be counted.

    Warns
    -----
    SubmissionWarning
        When more than one node is asked for: all processes run on this machine.
    """
    configuration = config.run_config
    if not isinstance(configuration, RunConfiguration):
        raise errors.SettingError("run_config", configuration, "a RunConfiguration")
    environment = configuration.environment
    if not isinstance(environment, Environment):
        raise errors.SettingError(
            "environment", environment, "an Environment; Environment.get(workspace, name) finds a registered one"
        )
    _check_sections(configuration)
    folder = _folder(config.source_directory)
    script, command = _either(config, folder)
    arguments = _arguments(config.arguments) + _resumed(config.resume_from)
    processes, backend = _processes(configuration)
    copied = copy.deepcopy(configuration)
    copied.script, copied.command, copied.arguments = script, command or "", list(arguments)
    _fill_in_packages(copied.environment, folder)
    interpreter = _interpreter(environment.python.interpreter_path, folder)
    wanted = _wanted(copied.environment, folder, interpreter)
    return Plan(
        source_directory=folder,
        script=script,
        command=command,
        arguments=arguments,
        run_config=copied,
        target=target_name(configuration.target),
        interpreter=interpreter,
        managed=bool(wanted.packages),
        wanted=wanted,
        variables=_variables(environment.environment_variables),
        processes=processes,
        backend=backend,
        max_seconds=_seconds(configuration.max_run_duration_seconds),
    )


def _check_sections(configuration: RunConfiguration) -> None:
    """See that the groups of settings are still such.

    Raises
    ------
    SettingError
        If something else was put in the place of one.
    """
    wanted = {"mpi": MpiConfiguration, "pytorch": PyTorchConfiguration, "tensorflow": TensorflowConfiguration}
    for name, kind in wanted.items():
        if not isinstance(value := getattr(configuration, name), kind):
            raise errors.SettingError(name, value, f"a {kind.__name__}")
    if not isinstance(python := configuration.environment.python, PythonSection):
        raise errors.SettingError(
            "environment.python", python, "a PythonSection; interpreter_path is one of its fields"
        )


# -- script and command ------------------------------------------------------------------------------


def _folder(source: object) -> Path:
    """Return the source folder.

    Raises
    ------
    SourceNotFoundError
        If there is no such folder.
    """
    if source is None:
        return Path.cwd().resolve()
    if not isinstance(source, str | os.PathLike) or "\0" in os.fspath(source):
        raise errors.SettingError("source_directory", source, "the path of a folder")
    folder = Path(source).expanduser()
    if folder.is_file():
        raise errors.SourceNotFoundError(
            str(source),
            f"a folder: source_directory={str(folder.parent)!r}, script={folder.name!r}",
        )
    if not folder.is_dir():
        raise errors.SourceNotFoundError(str(source), "the folder with the script (source_directory)")
    return folder.resolve()


def _either(config: ScriptRunConfig, folder: Path) -> tuple[str | None, str | None]:
    """Return script or command; what is set in the ScriptRunConfig counts before the run configuration.

    Raises
    ------
    UserErrorException
        If there are both, or neither.
    """
    own = config._script, config._command  # noqa: SLF001 - set here, or fallen back to?
    script, command = own if any(own) else (config.script, config.command)
    if script and command:
        raise errors.UserErrorException(
            f"got script={os.fspath(script)!r} and command={command!r}, expected one of them: a script is run by the "
            f"environment's Python, a command by a shell"
        )
    if command:
        return None, _command(command)
    if not script:
        raise errors.UserErrorException("got neither script nor command, expected script='train.py' or command='...'")
    return _script(script, folder), None


def _command(command: object) -> str:
    parts = [command] if isinstance(command, str) else command
    if not isinstance(parts, list | tuple) or not parts:
        raise errors.SettingError("command", command, "a string or a list of strings")
    for part in parts:
        if not isinstance(part, str | int | float | os.PathLike) or isinstance(part, bool):
            raise errors.SettingError("command", part, "a string or a list of strings; data goes into arguments")
    return _executable("command", " ".join(str(part) for part in parts))


def _script(script: object, folder: Path) -> str:
    """Return the script's path in its folder.

    Raises
    ------
    ScriptNotFoundError
        If it is not there.
    UserErrorException
        If it lies elsewhere, also by way of a symbolic link.
    """
    if not isinstance(script, str | os.PathLike) or "\0" in os.fspath(script):
        raise errors.SettingError("script", script, "the path of a script in the source folder")
    path = folder / Path(os.fspath(script)).expanduser()
    real = path.resolve()
    if not real.is_relative_to(folder):
        by_link = f", by way of a symbolic link to {real}" if path.parent.resolve().is_relative_to(folder) else ""
        raise errors.UserErrorException(
            f"script {os.fspath(script)!r} lies outside of the source folder {folder}{by_link}; only the source folder "
            f"is copied to where the script runs, so move it there, or choose a source_directory above both"
        )
    if not real.is_file():
        if path.is_dir():
            raise errors.SettingError("script", script, f"a script; {script} is a folder, with {_listed(real)}")
        raise errors.ScriptNotFoundError(os.fspath(script), str(folder), sorted(_scripts(folder)))
    return (path.parent.resolve() / path.name).relative_to(folder).as_posix()


def _listed(folder: Path) -> str:
    return errors.few(sorted(_scripts(folder))) or "no Python files"


def _scripts(folder: Path) -> Iterator[str]:
    """Yield the Python files that lie in a folder, for somebody who misspelt one."""
    looked_at = 0
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in sorted(folders) if not name.startswith((".", "__"))]
        looked_at += len(files)
        here = PurePosixPath(Path(root).relative_to(folder).as_posix())
        yield from (str(here / name) for name in files if name.endswith(".py"))
        if looked_at > _SEARCHED:
            return


# -- arguments and variables -------------------------------------------------------------------------


def _arguments(arguments: object) -> list[object]:
    """Return the arguments, numbers as strings.

    Raises
    ------
    SettingError
        If they are no list, or one cannot be an argument.
    """
    if arguments is None:
        return []
    listed = hasattr(arguments, "__len__") and hasattr(arguments, "__getitem__")  # a generator would serve once
    if isinstance(arguments, str | bytes | Mapping) or not listed:
        raise errors.SettingError(
            "arguments", arguments, "a list with a part for each argument, as ['--alpha', 0.1]; shlex.split makes one"
        )
    return [_argument(argument, at) for at, argument in enumerate(cast("Sequence[object]", arguments))]


def _argument(argument: object, at: int) -> object:
    name = f"arguments[{at}]"
    if hasattr(argument, "item") and getattr(argument, "ndim", None) == 0:
        argument = argument.item()  # a number of numpy or torch
    if isinstance(argument, bytes):
        argument = os.fsdecode(argument)
    if isinstance(argument, str):
        return _executable(name, str.__str__(argument))
    if isinstance(argument, int | float):
        return str(argument)
    if isinstance(argument, os.PathLike):
        return _executable(name, os.fsdecode(argument))
    kinds = {kind.__name__ for kind in type(argument).__mro__}
    if kinds & _BARE:
        raise errors.SettingError(
            name,
            argument,
            "data with a name: dataset.as_named_input('training').as_mount(), as_download(), or as_named_input alone",
            f"a bare {type(argument).__name__}",
        )
    if not kinds & _DATA:
        raise errors.SettingError(name, argument, "a string, a number, a path or data")
    return argument


def _resumed(resume_from: object) -> list[object]:
    """Return the arguments that tell a script what it goes on from."""
    if resume_from is None:
        return []
    if "DataPath" not in {kind.__name__ for kind in type(resume_from).__mro__}:
        raise errors.SettingError("resume_from", resume_from, "a DataPath")
    return ["--resume-from", resume_from]


def _variables(variables: object) -> dict[str, str]:
    """Return the variables for a script, numbers as strings.

    Raises
    ------
    SettingError
        If a name or value cannot be one.
    """
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):
        raise errors.SettingError("environment_variables", variables, "a dict of strings")
    return {_variable_name(name): _variable(name, value) for name, value in variables.items()}


def _variable_name(name: object) -> str:
    if not isinstance(name, str) or not name or "=" in name:
        raise errors.SettingError("a name in environment_variables", name, "a string without '='")
    return _executable("a name in environment_variables", name)


def _variable(name: object, value: object) -> str:
    where = f"environment_variables[{name!r}]"
    if isinstance(value, str | os.PathLike):
        return _executable(where, os.fsdecode(value))
    if not isinstance(value, int | float):
        raise errors.SettingError(where, value, "a string or a number")
    return str(value)


def _executable(name: str, text: str) -> str:
    """Return a text that a process can be given.

    Raises
    ------
    SettingError
        If it holds a NUL, or a surrogate that stands for no byte.
    """
    if "\0" in text:
        raise errors.SettingError(name, text, "no NUL character: no process can be given one")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise errors.SettingError(name, text, "text, or bytes as os.fsdecode gives them") from None
    return text


# -- how it is run -----------------------------------------------------------------------------------


def _interpreter(chosen: object, folder: Path) -> Path:
    """Return the interpreter: an absolute path, one relative to the source folder, or a name on PATH.

    Raises
    ------
    InterpreterNotFoundError
        If it is not there.
    """
    if chosen is None or chosen == "python":
        return Path(sys.executable)
    if not isinstance(chosen, str | os.PathLike) or not os.fspath(chosen):
        raise errors.SettingError("python.interpreter_path", chosen, "the path or name of a Python")
    text = os.fsdecode(chosen)
    path = Path(text).expanduser()
    if path.name == text:
        found = shutil.which(text)
        if found is None:
            raise errors.InterpreterNotFoundError(text, "on PATH")
        return Path(found).absolute()
    for base in (folder, Path.cwd()):
        if (base / path).is_file() and os.access(base / path, os.X_OK):
            return Path(os.path.normpath(base / path))
    if (folder / path).exists():
        raise errors.InterpreterNotFoundError(text, "that can be executed")
    raise errors.InterpreterNotFoundError(text, "there" if path.is_absolute() else f"in {folder}")


def _fill_in_packages(environment: Environment, folder: Path) -> None:
    """Read the file of packages that an environment names, into the copy that is submitted."""
    file = environment.python.conda_dependencies_file
    if file is None or environment.python.user_managed_dependencies:
        return
    path = next((base / file for base in (Path.cwd(), folder) if (base / file).is_file()), Path(file))
    environment.python.conda_dependencies = CondaDependencies(path)


def _wanted(environment: Environment, folder: Path, interpreter: Path) -> lines_of_pip.Wanted:
    """Return what pip would be asked for; nothing for an environment whose Python has all packages."""
    packages = environment.python.conda_dependencies
    if environment.python.user_managed_dependencies or packages is None:
        return lines_of_pip.Wanted()
    if not isinstance(packages, CondaDependencies):
        raise errors.SettingError("python.conda_dependencies", packages, "CondaDependencies")
    wanted = lines_of_pip.wanted(packages.as_dict(), packages.folder or Path.cwd(), Path.cwd(), folder)
    here = platform.python_version()
    if interpreter != Path(sys.executable) or wanted.python is None or f"{here}.".startswith(f"{wanted.python}."):
        return wanted
    note = f"Python {wanted.python} asked for, {here} taken; python.interpreter_path chooses another interpreter"
    return replace(wanted, notes=(note, *wanted.notes))


def _processes(configuration: RunConfiguration) -> tuple[int, str | None]:
    """Return how many processes run the script, and how they talk.

    Raises
    ------
    RunConfigurationException
        If they cannot be counted.
    """
    nodes = _count("node_count", configuration.node_count)
    communicator = str(configuration.communicator or "None").lower()
    backend: str | None
    match communicator:
        case "none":
            processes, backend = 1, None
        case "nccl" | "gloo":
            ranks = configuration.pytorch.process_count
            processes, backend = (nodes if ranks is None else _count("process_count", ranks)), communicator
        case "intelmpi" | "openmpi" | "mpi":
            each = _count("process_count_per_node", configuration.mpi.process_count_per_node)
            processes, backend = nodes * each, "mpi"
        case "parameterserver":
            processes, backend = _count("worker_count", configuration.tensorflow.worker_count), "parameterserver"
        case _:
            raise errors.RunConfigurationException(
                f"communicator got {configuration.communicator!r}, expected 'None', 'Nccl', 'Gloo', 'IntelMpi', "
                f"'OpenMpi' or 'ParameterServer'; distributed_job_config sets it"
            )
    if nodes > 1:
        runs = "process runs" if processes == 1 else "processes run"
        errors.warn_outside(
            f"node_count={nodes} was asked for and there is one machine: {processes} {runs} on it",
            errors.SubmissionWarning,
        )
    return processes, backend


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise errors.RunConfigurationException(f"{name} got {value!r}, expected a whole number, 1 or more")
    return value


def _seconds(longest: object) -> float | None:
    """Return after how long a run is stopped.

    Raises
    ------
    SettingError
        If it is no length of time.
    """
    if longest is None:
        return None
    if isinstance(longest, bool) or not isinstance(longest, int | float) or not 0 < longest < math.inf:
        raise errors.SettingError("max_run_duration_seconds", longest, "a number of seconds above 0, or None")
    return float(longest)


def _warn_of_ignored(names: list[str]) -> None:
    if names:
        errors.warn_outside(
            f"ScriptRunConfig got run_config and {errors.few(names)}: run_config counts, the others are ignored; set "
            f"them on run_config",
            errors.SubmissionWarning,
        )
