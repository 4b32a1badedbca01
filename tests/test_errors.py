"""The error tree: old `except` clauses catch, and each error says the way out."""

import copy
import json
import pickle

import pytest

from azml_integrations import errors
from azml_integrations.errors import (
    ActivityFailedException,
    ArtifactNotFoundError,
    AzmlError,
    ConfigError,
    ConfigNotFoundError,
    EnvironmentBuildError,
    EnvironmentNotFoundError,
    ExperimentStateError,
    FieldError,
    IndexUnavailableError,
    InterpreterNotFoundError,
    MetricError,
    NameRefusedError,
    OptionError,
    PropertyError,
    RunExistsError,
    RunNotFoundError,
    RunStateError,
    ScriptNotFoundError,
    ServiceException,
    SettingError,
    SourceNotFoundError,
    SpecificationError,
    StoreError,
    TrashEntryNotFoundError,
    UserErrorException,
    WorkspaceException,
    WorkspaceNotFoundError,
)

V1_NAMES = [
    "AzureMLException",
    "UserErrorException",
    "AuthenticationException",
    "ActivityFailedException",
    "ActivityCanceledException",
    "ExperimentExecutionException",
    "RunEnvironmentException",
    "RunConfigurationException",
    "SnapshotException",
    "ServiceException",
    "WebserviceException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "WorkspaceException",
    "ProjectSystemException",
    "ComputeTargetException",
    "TrainingException",
    "HyperDriveConfigException",
    "HyperDriveNotImplementedException",
    "DiscoveryUrlNotFoundException",
    "DatasetTimestampMissingError",
    "ParallelRunException",
    "AzureMLAggregatedException",
    "WorkspacePrivateEndpointException",
]

BUSY = OSError(28, "No space left on device")

SAMPLES = [
    (
        errors.ModelFormatUnknownError("ubj", "m/model.json", "run r", ["npz"], "xgboost.Booster"),
        (ValueError, LookupError),
        {"format": "ubj"},
    ),
    (
        errors.OfferError("renderer 'x'", "acme", OSError("no"), "draw it"),
        (ValueError, RuntimeError),
        {"plugin": "acme"},
    ),
    (
        MetricError("loss", [1], "one number"),
        (UserErrorException, ValueError, TypeError),
        {"name": "loss", "value": [1]},
    ),
    (NameRefusedError("tag", 5, "a string"), (UserErrorException, ValueError), {"name": 5}),
    (ArtifactNotFoundError("a", "r", ["b"]), (UserErrorException, FileNotFoundError), {"name": "a"}),
    (SourceNotFoundError("/x"), (UserErrorException, FileNotFoundError), {"path": "/x"}),
    (ConfigNotFoundError("/x"), (UserErrorException, FileNotFoundError), {"path": "/x"}),
    (ConfigError("/x", "is no JSON"), (UserErrorException, ValueError), {"path": "/x"}),
    (OptionError("no such option"), (UserErrorException, TypeError), {}),
    (FieldError("RunConfiguration", "tarqet", ["target"]), (UserErrorException, AttributeError), {"field": "tarqet"}),
    (SettingError("arguments", 5, "a list"), (UserErrorException, TypeError), {"name": "arguments", "value": 5}),
    (SpecificationError("/x", "holds a list", "a mapping"), (UserErrorException, ValueError), {"path": "/x"}),
    (ScriptNotFoundError("x.py", "/s", []), (UserErrorException, FileNotFoundError), {"script": "x.py"}),
    (InterpreterNotFoundError("py", "on PATH"), (UserErrorException, FileNotFoundError), {"path": "py"}),
    (
        EnvironmentNotFoundError("e", "environment 'e'", []),
        (ServiceException, KeyError),
        {"name": "e", "status_code": 404},
    ),
    (
        EnvironmentBuildError(["numpy"], "pip install", "no"),
        (errors.ExperimentExecutionException, RuntimeError),
        {"requirements": ["numpy"], "output": "no"},
    ),
    (RunNotFoundError("r", "here"), (ServiceException, KeyError), {"run_id": "r", "status_code": 404}),
    (PropertyError("k", "1", "2"), (ServiceException, ValueError), {"key": "k", "status_code": 409}),
    (RunStateError("r", "goes on"), (ServiceException, RuntimeError), {"run_id": "r", "why": "goes on"}),
    (TrashEntryNotFoundError("e"), (ServiceException, KeyError), {"entry": "e", "status_code": 404}),
    (RunExistsError("r"), (ServiceException, FileExistsError), {"run_id": "r", "status_code": 409}),
    (WorkspaceNotFoundError("w", []), (WorkspaceException, KeyError), {"name": "w"}),
    (
        ExperimentStateError("e", "is archived"),
        (errors.ExperimentExecutionException, RuntimeError),
        {"name": "e"},
    ),
    (
        errors.RegisteredModelNotFoundError("ridge:9", "w", ["ridge:1"]),
        (errors.ModelNotFoundException, errors.WebserviceException, KeyError),
        {"wanted": "ridge:9"},
    ),
    (
        errors.ModelPathNotFoundError("outputs/x", "run r", ["a"], "upload it"),
        (errors.ModelPathNotFoundException, errors.WebserviceException, FileNotFoundError),
        {"path": "outputs/x"},
    ),
    (
        errors.ModelNameRefusedError("model name", "-", "expected a letter"),
        (NameRefusedError, errors.WebserviceException, ValueError),
        {"name": "-"},
    ),
    (errors.ModelFileExistsError("/x"), (errors.WebserviceException, FileExistsError), {"path": "/x"}),
    (
        errors.NeedsCloudError("Model.deploy", "load it"),
        (errors.WebserviceException, NotImplementedError),
        {"what": "Model.deploy"},
    ),
    (StoreError("/x", BUSY), (AzmlError, OSError), {"path": "/x", "errno": 28}),
    (IndexUnavailableError("/x", BUSY, passing=True), (StoreError, OSError), {"path": "/x", "passing": True}),
]


@pytest.mark.parametrize("name", V1_NAMES)
def test_the_names_of_sdk_v1_are_there(name):
    """An old `except` clause needs the class, and all derive from one root."""
    assert issubclass(getattr(errors, name), errors.AzureMLException)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("UserErrorException", ValueError),
        ("RunEnvironmentException", RuntimeError),
        ("ExperimentExecutionException", RuntimeError),
        ("ActivityFailedException", RuntimeError),
        ("ActivityCanceledException", RuntimeError),
        ("ModelNotFoundException", KeyError),
        ("ModelPathNotFoundException", FileNotFoundError),
        ("HyperDriveConfigException", ValueError),
        ("HyperDriveNotImplementedException", NotImplementedError),
    ],
)
def test_each_is_also_the_builtin_that_a_stranger_expects(name, builtin):
    """Who does not know our tree catches with Python's own."""
    assert issubclass(getattr(errors, name), builtin)


def test_the_family_of_sdk_v1_is_kept():
    """`except UserErrorException` caught authentication, `except WebserviceException` missing models."""
    assert issubclass(errors.AuthenticationException, errors.UserErrorException)
    assert issubclass(errors.ModelNotFoundException, errors.WebserviceException)
    assert errors.AzureMLException is AzmlError


@pytest.mark.parametrize(("error", "bases", "culprit"), SAMPLES, ids=lambda value: type(value).__name__)
def test_a_finer_error_has_its_bases_and_its_culprit(error, bases, culprit):
    """Code reads the attribute, people read the sentence."""
    assert isinstance(error, bases)
    assert {key: getattr(error, key) for key in culprit} == culprit
    assert error.message
    assert f"Message: {error.message}" in str(error)


@pytest.mark.parametrize("error", [error for error, *_ in SAMPLES], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_travels_between_processes(error, travel):
    """A worker's error reaches its parent whole, whatever `__init__` wants."""
    there = travel(error)
    assert type(there) is type(error)
    assert (str(there), there.args) == (str(error), error.args)
    mine, theirs = dict(error.__dict__), dict(there.__dict__)
    assert repr(theirs) == repr(mine)  # exceptions themselves do not compare equal


def test_an_error_prints_the_lines_of_sdk_v1():
    """Scripts grep for the `Message:` line."""
    inner = KeyError("x")
    error = UserErrorException("no such thing", inner)

    lines = str(error).split("\n")
    assert lines[:3] == ["UserErrorException:", "\tMessage: no such thing", "\tInnerException 'x'"]
    assert lines[3].startswith("\tErrorResponse ")
    assert json.loads(lines[3].removeprefix("\tErrorResponse ")) == {"error": {"message": "no such thing"}}
    assert (error.message, error.inner_exception) == ("no such thing", inner)


def test_an_error_without_a_cause_says_none():
    """SDK v1 printed the line all the same."""
    assert UserErrorException("no").inner_exception is None
    assert "InnerException None" in str(ActivityFailedException("no"))


def test_sdk_v1s_further_keywords_are_taken():
    """Old code raises these classes itself, with keywords that mean nothing here."""
    error = UserErrorException("no", exception_message="x", target="y", details=[])
    assert error.message == "no"


def test_a_key_error_is_not_printed_as_a_quoted_key():
    """Python's KeyError shows the repr of its argument; ours shows the sentence."""
    assert str(RunNotFoundError("r7", "workspace w")).startswith(
        "RunNotFoundError:\n\tMessage: no run 'r7' in workspace w"
    )


def test_a_monstrous_culprit_is_shown_short():
    """A name of a million characters must not fill the terminal."""
    error = NameRefusedError("metric name", "x" * 1_000_000, "expected less")
    assert len(error.message) < 200
    assert "(1000000 characters)" in error.message
    assert len(error.name) == 1_000_000


def test_a_missing_artifact_names_its_neighbours():
    """Most missing files are misspelt ones."""
    assert "it has a, b;" in ArtifactNotFoundError("c", "r", ["a", "b"]).message
    assert "a, b, c, d, e, ..." in ArtifactNotFoundError("x", "r", list("abcdefg")).message
    assert "no files yet" in ArtifactNotFoundError("x", "r", []).message


def test_a_full_disk_tells_what_is_safe_and_the_way_on():
    """Who trains for a week wants to know what is left of it."""
    error = StoreError("/data/runs/r1", BUSY)
    assert "No space left on device" in error.message
    assert "what was logged before is safe" in error.message
    assert "AZML_ON_ERROR=warn" in error.message
    assert error.inner_exception is BUSY


def test_warnings_are_user_warnings_of_one_root():
    """One filter silences all of ours, and nobody else's."""
    kinds = ["MetricWarning", "AutologWarning", "PluginWarning", "StoreWarning", "IndexWarning"]
    assert all(issubclass(getattr(errors, kind), errors.AzmlWarning) for kind in kinds)
    assert issubclass(errors.AzmlWarning, UserWarning)


def test_the_tree_is_drawn_whole():
    """The docstring shows every class: it is where people look first."""
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, (AzmlError, Warning)) and not name.startswith("_")
    }
    assert sorted(name for name in classes if name not in (errors.__doc__ or "")) == []
