"""The names of ``azureml``: where they are, what they are, and how they agree with the table of `azml check`."""

import importlib
import inspect
import pickle
from pathlib import Path

import pytest

from azml_integrations import checking, core, errors
from azml_integrations.checking import Verdict, table
from azml_integrations.errors import NeedsCloudError

ENTRIES = [
    (f"{place}.{entry.fact.name}", entry)
    for entry in table.ENTRIES
    for place in entry.places
    if entry.fact.verdict is not Verdict.CLOUD
]


def resolve(name: str) -> object:
    """Return what stands under a full name, as ``from module import name`` finds it."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=[name for name, _ in ENTRIES])
def test_every_name_of_the_table_is_there(name, entry):
    """In each of its places the same object, with the parameters of the reference and the members that are promised."""
    thing = resolve(name)
    assert thing is resolve(table.full_name(entry)) or isinstance(thing, str), name
    if entry.fact.parameters is not None:
        check_parameters(name, thing, entry.fact.parameters)
    for member in entry.members:
        if member.verdict in (Verdict.RUNS, Verdict.DIFFERS) and name == table.full_name(entry):
            check_member(f"{name}.{member.name}", thing, member)


def check_member(name: str, kind: object, member: checking.Fact) -> None:
    if kind.__name__ == "Run" and member.name in VERBS_OF_SUBCLASSES:
        kind = resolve(VERBS_OF_SUBCLASSES[member.name])
    if member.parameters is None and not hasattr(kind, member.name):
        assert member.name in made_when_constructed(kind), f"{name} is not there"
        return
    found = getattr(kind, member.name)
    if member.parameters is not None:
        check_parameters(name, found, member.parameters)


_SWEEP = "azureml.train.hyperdrive.HyperDriveRun"
_SUBMITTED = "azureml.core.run._SubmittedRun"
VERBS_OF_SUBCLASSES = {
    "get_children_sorted_by_primary_metric": _SWEEP,
    "get_best_run_by_primary_metric": _SWEEP,
    "get_hyperparameters": _SWEEP,
    "input_datasets": _SUBMITTED,
    "output_datasets": _SUBMITTED,
}


def made_when_constructed(kind: type) -> set[str]:
    """Return the names of attributes that instances have: annotated ones, and those that a constructor sets."""
    names = set()
    for one in kind.__mro__:
        names |= set(getattr(one, "__annotations__", {}))
        for method in ("__init__", "_settle", "_prepare"):
            code = getattr(getattr(one, method, None), "__code__", None)
            names |= set(code.co_names) if code is not None else set()
    return names


def check_parameters(name: str, found: object, spelled: str) -> None:
    """Compare names, order and defaults; more may follow, and what was needed may be left out."""
    namespace: dict[str, object] = {}
    exec(f"def wanted({spelled}): ...", namespace)
    wanted = list(inspect.signature(namespace["wanted"]).parameters.values())
    ours = [p for p in inspect.signature(found).parameters.values() if p.name not in ("self", "cls")]
    takes_more = {p.kind for p in ours} & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    by_name = {p.name: p for p in ours}
    for place, parameter in enumerate(wanted):
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name not in by_name:
            assert takes_more, f"{name} has no parameter {parameter.name}"
            continue
        assert ours[place].name == parameter.name, f"{name}: parameter {place} is {ours[place].name}"
        default = by_name[parameter.name].default
        if parameter.default is not inspect.Parameter.empty:
            made_later = repr(default) == "<factory>"  # of a dataclass
            assert made_later or default == parameter.default, f"{name}({parameter.name}=) is {default!r}"


CLOUD = [name for name, fact in checking.everything() if fact.verdict is Verdict.CLOUD and not name.endswith(".*")]


@pytest.mark.parametrize("name", CLOUD)
def test_every_name_of_the_cloud_is_there_and_raises_on_use(name):
    """Scripts import it at their top, and need it perhaps never."""
    owner, _, last = name.rpartition(".")
    try:
        thing = resolve(name)
    except ModuleNotFoundError:
        thing = getattr(resolve(owner), last)
    if isinstance(thing, property):
        return
    with pytest.raises(errors.NeedsCloudError, match=r"Message: .*needs the cloud"):
        thing(*[None] * _needed(thing))


def _needed(thing: object) -> int:
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return 0
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


@pytest.mark.parametrize("room", checking.ROOMS, ids=lambda room: room.module)
def test_rooms_of_the_cloud_can_be_imported(room):
    """Any name of them and any module below, since nobody can list them all; what raises is the use."""
    module = importlib.import_module(f"{room.module}.some.where")
    thing = module.Anything
    with pytest.raises(NeedsCloudError, match=r"some\.where\.Anything needs the cloud") as caught:
        thing(workspace=None, steps=[])
    assert room.why in str(caught.value)
    with pytest.raises(NeedsCloudError, match=r"Anything\.deploy_configuration needs the cloud"):
        thing.deploy_configuration(cpu_cores=1)


def test_a_stand_in_takes_part_in_everything_but_its_use():
    """isinstance, annotations, subclasses, star imports, hasattr, repr, and a docstring that says why."""
    from azureml.core import Webservice
    from azureml.pipeline.core import PipelineData
    from azureml.train.estimator import Estimator

    assert not isinstance(3, Estimator)
    assert Estimator | None

    class Mine(Estimator):
        pass

    with pytest.raises(NeedsCloudError):
        Mine(source_directory=".")
    assert repr(PipelineData) == "<azureml.pipeline.core.PipelineData, which needs the cloud>"
    assert "ScriptRunConfig" in Estimator.__doc__
    assert not hasattr(Estimator, "__wrapped__")
    with pytest.raises(NeedsCloudError, match=r"azureml\.core\.Webservice\.list needs the cloud"):
        Webservice.list(None)


def test_exceptions_of_the_cloud_can_be_named_in_except_clauses(python):
    """With anything else there, Python would raise a TypeError over the error that says what to do instead."""
    program = """
        from azureml.core.webservice import Webservice, WebserviceException
        from azureml.exceptions import WebserviceException as known
        from azureml.pipeline.core import PipelineException
        from azureml.train.automl.exceptions import ConfigException

        try:
            Webservice(None, "scorer").delete()
        except (ConfigException, PipelineException):
            print("wrong")
        except WebserviceException as error:
            print(type(error).__name__, WebserviceException is known)
        """
    assert python(program) == "NeedsCloudError True\n"


def test_what_came_with_every_import_comes_with_every_import(python):
    """Old code imports azureml.core and names azureml.exceptions; azureml.train had to be imported."""
    program = """
        import azureml.core
        import azureml.train.hyperdrive as h
        print(azureml.exceptions.UserErrorException.__name__, azureml.data.FileDataset.__name__)
        print(hasattr(azureml, "widgets"), hasattr(azureml, "pipeline"))
        """
    assert python(program) == "UserErrorException FileDataset\nFalse False\n"


def test_our_classes_are_the_classes():
    """Not copies: what one side makes, the other recognises."""
    import azureml._common.exceptions
    import azureml._restclient.exceptions
    import azureml.core
    import azureml.core.run
    import azureml.exceptions

    assert azureml.core.run.Run is core.Run is azureml.core.Run
    assert azureml.core.Workspace is core.Workspace
    assert azureml._common.exceptions.AzureMLException is errors.AzmlError
    assert azureml._restclient.exceptions.ServiceException is errors.ServiceException
    for name in azureml.exceptions.__all__:
        assert getattr(azureml.exceptions, name) is getattr(errors, name), name


def test_runs_travel_by_pickle(workspace):
    """To a worker that has never heard of azureml: they name our modules."""
    from azureml.core import Experiment

    run = Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None)
    sent = pickle.dumps(run)
    assert b"azureml" not in sent
    assert pickle.loads(sent) == run
    run.complete()


def test_version_and_other_names_of_the_package():
    """The first cell of almost every notebook."""
    import azureml.core

    assert azureml.core.VERSION == azureml.core.__version__ == core.VERSION
    assert {"Workspace", "Run", "VERSION"} <= set(dir(azureml.core))
    assert azureml.core.run.Run is azureml.core.Run
    with pytest.raises(AttributeError, match="no attribute 'Runn'"):
        _ = azureml.core.Runn
    with azureml.core.diagnostic_log("log.txt"):
        pass


def test_telemetry_is_a_no_op():
    """With the arguments that notebooks pass."""
    from azureml.telemetry import set_diagnostics_collection

    assert set_diagnostics_collection(send_diagnostics=True) is None


def test_lifting_the_limit_of_snapshots_is_harmless():
    """There is none to lift."""
    import azureml._restclient.snapshots_client

    azureml._restclient.snapshots_client.SNAPSHOT_MAX_SIZE_BYTES = 10**12


def test_other_modules_are_not_found():
    """A misspelt one is an error at the import, as everywhere."""
    with pytest.raises(ModuleNotFoundError, match=r"azureml\.corre"):
        importlib.import_module("azureml.corre")


def modules() -> list[str]:
    """Return the names of all modules of ours that have a file."""
    import azureml.core

    root = Path(azureml.core.__file__).parent.parent
    files = [path.relative_to(root) for path in root.rglob("*.py")]
    names = [".".join(("azureml", *path.with_suffix("").parts)).removesuffix(".__init__") for path in files]
    return sorted(name for name in names if name != "azureml.__init__")


@pytest.mark.parametrize("module", modules())
def test_the_table_knows_every_name_that_is_there(module):
    """Else `azml check` would call a name unknown that runs."""
    found = importlib.import_module(module)
    unknown = [name for name in getattr(found, "__all__", ()) if checking.fact(f"{module}.{name}") is None]
    assert unknown == []
    assert table.is_module(module)


OURS = {
    *(
        "find_runs",
        "queue",
        "scope",
        "snapshots",
        "texts",
        "view",
        "resume_logging",
        "fits",
        "link_file",
        "log_moments",
    ),
    *("archive", "archived_time", "delete", "reactivate", "trash"),
    *("metric_summaries", "note", "over", "owned", "shared_child", "as_definition", "from_definition", "RUN_TYPE"),
    *("definition", "abandon", "within", "place", "locate", "locate_to_write", "get_file_names", "read_file"),
    *("compute_target", "environment"),
}
"""Attributes of our classes that the SDK never had, or that are none of a script's."""


@pytest.mark.parametrize("entry", [entry for _, entry in ENTRIES if entry.members], ids=lambda entry: entry.fact.name)
def test_the_table_knows_every_attribute_that_is_there(entry):
    """Else `azml check` would call it unknown."""
    kind = resolve(table.full_name(entry))
    attributes = {name for name in dir(kind) if not name.startswith("_")} | set(
        getattr(kind, "__dataclass_fields__", ())
    )
    unknown = [name for name in attributes - OURS if table.member(entry.fact.name, name) is None]
    assert unknown == []
