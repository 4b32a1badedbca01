"""The proof that a training does not notice us."""

import contextlib
import io
import os
import pickle
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .entry_modules import package_of
from .portraits import Portrait, differences, portrait
from .surfaces import surface, told

if TYPE_CHECKING:
    from ..records import AutologOptions

ASPECTS = ("result", "pickle", "random state", "warnings", "exception", "files", "framework")
"""What two trainings are compared in; `assert_training_unchanged` may be told to ignore some."""

SEED = 1234


def assert_training_unchanged(
    train: Callable[[], object],
    *,
    framework: str | None = None,
    activate: "Callable[[AutologOptions], object] | None" = None,
    raises: type[BaseException] | None = None,
    recorded: bool = True,
    ignore: Collection[str] = (),
    **options: Any,
) -> None:
    """Prove that a training is the same with autolog as without it, and that nothing of ours stays behind.

    The training runs three times in equal circumstances: in an empty working directory, with the random generators of
    python, numpy and torch at the same state. Twice without autolog, to know that it can be repeated at all, and once
    with it. Compared are what it returns (attributes, items, arrays, at any depth, also after autolog is off again),
    its pickle (by its bytes where they can be repeated, else by the types that it needs), the states of the random
    generators, the warnings, the exception, the files it leaves in the working directory; and, after
    ``autolog(False)``, each attribute of the framework's modules and classes, which has to be the object that it was.
    Runs are written to a temporary home. Autolog is off afterwards.

    Parameters
    ----------
    train : callable
        Trains, from the beginning, without arguments; returns what shall be compared: the trained object, and whatever
        else the training may have touched.
    framework : str, default=None
        Name of an installed adapter, as ``autolog("sklearn")`` has it; with `activate`, the import name of the
        framework. None means all adapters.
    activate : callable, default=None
        An adapter's function, to prove one that no plugin offers.
    raises : type of exception, default=None
        What the training raises, if it is meant to; it has to be the same exception with autolog.
    recorded : bool, default=True
        Whether autolog has to write a run: a training that nobody watched proves nothing.
    ignore : collection of str, default=()
        What differs between any two trainings: ``"result"``, or a place in it, ``"result.refit_time_"``; ``"pickle"``,
        ``"random state"``, ``"warnings"``, ``"exception"``, ``"files"``, ``"framework"``.
    **options
        Options of `autolog`, also the adapter's own.

    Raises
    ------
    AssertionError
        With one line for each difference; or if the training cannot be repeated, or was not recorded.
    ValueError
        If `ignore` names something else, or `activate` comes without a `framework`.

    Examples
    --------
    ::

        def test_a_training_is_unchanged():
            assert_training_unchanged(lambda: toy.Model().fit(X, y), framework="toy")
    """
    _check(activate, framework, ignore)
    with _stage() as stage:
        first = stage.play(train, raises)
        packages = _packages(framework, activate)
        before = surface(packages)
        plain = stage.play(train, raises)
        restless = before.unlike(surface(packages))
        _refuse_unlike(
            "the training cannot be repeated: without autolog, a second one", first, plain, {*ignore, *_FIRST}
        )

        repeatable = first.pickled == plain.pickled  # not where it holds addresses, as a tensor's does
        before = surface(packages)
        with _watching(framework, activate, options):
            watched = stage.play(train, raises)
        after = surface(packages)
        faults = [f"{aspect}: {fault}" for aspect, fault in _unlike(plain, watched, ignore, by_bytes=repeatable)]
        left = result_faults(plain.seen, portrait(watched.result), ignore)
        faults += [f"after autolog(False): {fault}" for fault in left]
        if "framework" not in ignore:
            changed = before.unlike(after) - restless
            faults += [f"after autolog(False): {fault}" for fault in told(changed, before, after)]
        if recorded and not stage.has_run():
            faults.append("autolog recorded no run: the adapter has not seen the training, so nothing is proved")
    if faults:
        raise AssertionError(
            "with autolog the training is another one:\n" + "\n".join(f"  {fault}" for fault in faults)
        )


@dataclass(frozen=True)
class _Pickle:
    """A pickle and what it is made of.

    Attributes
    ----------
    content : bytes or None
        None where it cannot be pickled.
    kinds : frozenset of str
        Types, and classes and functions by name, that loading it needs; of what cannot be pickled, why.
    """

    content: bytes | None
    kinds: frozenset[str]


@dataclass(frozen=True)
class _Outcome:
    """What a training left behind."""

    result: object
    seen: Portrait
    pickled: "_Pickle"
    random_state: dict[str, Portrait]
    warned: list[str]
    raised: BaseException | None
    files: list[str]


_FIRST = ("random state", "warnings")
"""What a first training may have for itself: it imports, and with that draws numbers and warns."""


class _Stage:
    """An empty directory to train in, with a home for runs beside it."""

    def __init__(self, root: Path) -> None:
        self.home, self._floor, self._root = root / "home", root / "floor", root

    def play(self, train: Callable[[], object], raises: type[BaseException] | None) -> _Outcome:
        """Train once, and take down what comes of it."""
        self._floor.mkdir()
        with contextlib.chdir(self._floor), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seed()
            result, raised = _called(train, raises)
            states = {name: portrait(state) for name, state in _random_states()}
        files = sorted(str(path.relative_to(self._floor)) for path in self._floor.rglob("*"))
        self._floor.rename(self._root / f"floor-{id(result)}-{len(list(self._root.iterdir()))}")
        warned = [f"{each.category.__name__}: {each.message}" for each in caught]
        return _Outcome(result, portrait(result), _pickled(result), states, warned, raised, files)

    def has_run(self) -> bool:
        """Tell whether anything was recorded."""
        return any(self.home.glob("*/runs/*"))


@contextlib.contextmanager
def _stage() -> Iterator[_Stage]:
    """Set a stage, and put everything back: variables, working directory, random generators."""
    from ..core import process

    kept = {name: value for name, value in os.environ.items() if name.startswith(("AZML_", "AZUREML_"))}
    ours = {"AZML_PLUGINS", "AZML_DISABLE_PLUGINS", "AZML_LOCAL_PLUGINS"}
    states = _restoring()
    with tempfile.TemporaryDirectory(prefix="azml-unchanged-") as root:
        stage = _Stage(Path(root))
        for name in kept.keys() - ours:
            del os.environ[name]
        os.environ |= {"AZML_HOME": str(stage.home), "AZML_EXPERIMENT": "unchanged"}
        try:
            yield stage
        finally:
            for name in ("AZML_HOME", "AZML_EXPERIMENT"):
                os.environ.pop(name, None)
            os.environ |= kept
            process.forget()
            states()


def _called(train: Callable[[], object], raises: type[BaseException] | None) -> tuple[object, BaseException | None]:
    """Train as if nobody had begun a run: in a context of its own."""
    try:
        return Context().run(train), None
    except BaseException as error:
        if raises is None or not isinstance(error, raises):
            raise
        return None, error


@contextlib.contextmanager
def _watching(
    framework: str | None, activate: "Callable[[AutologOptions], object] | None", options: dict[str, Any]
) -> Iterator[None]:
    from ..autologging import autolog

    autolog(False)
    if activate is not None:
        with _active(str(framework), activate, options):
            yield
        return
    try:
        autolog(*([framework] if framework else []), **{"silent": True, **options})
        yield
    finally:
        autolog(False)


@contextlib.contextmanager
def _active(framework: str, activate: "Callable[[AutologOptions], object]", options: dict[str, Any]) -> Iterator[None]:
    """Use an adapter's function as the switch does."""
    from msgspec.structs import fields

    from ..autologging import Patches
    from ..autologging.switch import begin
    from ..records import AutologOptions

    known = {one.name for one in fields(AutologOptions)} - {"extra"}
    given = {name: value for name, value in {"silent": True, **options}.items() if name in known}
    extra = {name: value for name, value in options.items() if name not in known}
    patches = Patches(framework)
    try:
        begin(activate, AutologOptions(**given, extra=extra), patches)
        yield
    finally:
        patches.undo()


def _packages(framework: str | None, activate: object) -> set[str]:
    """Return the packages whose attributes an adapter could have replaced."""
    from ..autologging.switch import adapters

    if activate is not None:
        names = {str(framework)}
    else:
        known = adapters()
        names = {known[name].import_name for name in ([framework] if framework in known else known)}
    return {package_of(name) for name in names}


def result_faults(one: Portrait, other: Portrait, ignore: Collection[str]) -> list[str]:
    """Return how two results differ, but for the places that begin with one of `ignore`."""
    left_out = tuple(ignore)
    return [fault for fault in differences(one, other, "result") if not fault.startswith(left_out)]


def _unlike(
    one: _Outcome, other: _Outcome, ignore: Collection[str], *, by_bytes: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the aspects that differ, and how, but for those that are ignored."""
    yield from (each for each in _all_unlike(one, other, ignore, by_bytes=by_bytes) if each[0] not in ignore)


def _all_unlike(
    one: _Outcome, other: _Outcome, ignore: Collection[str], *, by_bytes: bool
) -> Iterator[tuple[str, str]]:
    yield from (("result", fault) for fault in result_faults(one.seen, other.seen, ignore))
    yield from (("pickle", fault) for fault in _pickle_faults(one.pickled, other.pickled, by_bytes=by_bytes))
    for name in one.random_state.keys() & other.random_state.keys():
        if one.random_state[name] != other.random_state[name]:
            yield "random state", f"the generator of {name} stands elsewhere; draw from one of your own"
    for said in other.warned:
        if said not in one.warned:
            yield "warnings", f"with autolog only: {said}"
    for said in one.warned:
        if said not in other.warned:
            yield "warnings", f"missing with autolog: {said}"
    yield from (("exception", fault) for fault in _exception_faults(one.raised, other.raised))
    for name in sorted({*one.files} ^ {*other.files}):
        yield (
            "files",
            f"{name} is {'missing' if name in one.files else 'left in the working directory only'} with autolog",
        )


def _exception_faults(one: BaseException | None, other: BaseException | None) -> Iterator[str]:
    said = ["".join(traceback.format_exception_only(each)) if each is not None else "none" for each in (one, other)]
    if said[0] != said[1]:
        yield f"{said[1].strip()}, without autolog {said[0].strip()}"
    elif one is not None and other is not None:
        for name in ("__cause__", "__context__"):
            found = [repr(getattr(each, name)) for each in (one, other)]
            if found[0] != found[1]:
                yield f"its {name} is {found[1]}, without autolog {found[0]}"


def _pickle_faults(one: _Pickle, other: _Pickle, *, by_bytes: bool) -> Iterator[str]:
    """Tell how two pickles differ; bytes are compared where two trainings without autolog have the same."""
    if one.content is None or other.content is None:
        if one != other:
            told = ["can be pickled" if each.content is not None else ", ".join(each.kinds) for each in (one, other)]
            yield f"the result {told[1]}, without autolog it {told[0]}"
    elif one.kinds != other.kinds:
        yield from (f"it needs {kind} with autolog only" for kind in sorted(other.kinds - one.kinds))
        yield from (f"it does not need {kind} with autolog" for kind in sorted(one.kinds - other.kinds))
    elif by_bytes and one.content != other.content:
        pairs = enumerate(zip(one.content, other.content, strict=False))
        place = next((number for number, (a, b) in pairs if a != b), min(len(one.content), len(other.content)))
        yield f"{len(other.content)} bytes, without autolog {len(one.content)}; the first other one is number {place}"


def _refuse_unlike(what: str, one: _Outcome, other: _Outcome, ignore: Collection[str]) -> None:
    faults = list(_unlike(one, other, ignore))
    if faults:
        lines = "\n".join(f"  {aspect}: {fault.replace('with autolog', 'the second time')}" for aspect, fault in faults)
        names = ", ".join(repr(aspect) for aspect in dict(faults))
        hint = f"make it repeatable (it is seeded already), or leave this out: ignore=({names},)"
        raise AssertionError(f"{what} is another one:\n{lines}\n{hint}")


def _pickled(result: object) -> _Pickle:
    content = io.BytesIO()
    pickler = _NamingPickler(content)
    try:
        pickler.dump(result)
    except Exception as error:  # noqa: BLE001 - holds what no pickle can; then it must not be able to with us either
        return _Pickle(None, frozenset({f"cannot be pickled ({type(error).__name__})"}))
    return _Pickle(content.getvalue(), frozenset(pickler.kinds))


class _NamingPickler(pickle.Pickler):
    """A pickler that notes what it meets."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.kinds: set[str] = set()

    def reducer_override(self, value: Any) -> Any:
        named = value if isinstance(value, type) or not hasattr(type(value), "__dict__") else type(value)
        self.kinds.add(f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}")
        return NotImplemented


def seed() -> None:
    """Put the random generators of python, numpy and torch where every training begins."""
    random.seed(SEED)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(SEED)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(SEED)


def _random_states() -> Iterator[tuple[str, object]]:
    """Yield the states of all random generators that a training may share with us."""
    yield "random", random.getstate()
    if numpy := sys.modules.get("numpy"):
        yield "numpy.random", numpy.random.get_state()
    if torch := sys.modules.get("torch"):
        yield "torch", torch.get_rng_state()
        if torch.cuda.is_initialized():
            yield "torch.cuda", torch.cuda.get_rng_state_all()


def _restoring() -> Callable[[], None]:
    """Return what puts the random generators of the test's own process back."""
    found = dict(_random_states())

    def restore() -> None:
        random.setstate(found["random"])  # type: ignore[arg-type]
        if "numpy.random" in found:
            sys.modules["numpy"].random.set_state(found["numpy.random"])
        if "torch" in found:
            sys.modules["torch"].set_rng_state(found["torch"])
        if "torch.cuda" in found:
            sys.modules["torch"].cuda.set_rng_state_all(found["torch.cuda"])

    return restore


def _check(activate: object, framework: str | None, ignore: Collection[str]) -> None:
    if unknown := {name for name in ignore if name not in ASPECTS and not name.startswith(("result.", "result["))}:
        raise ValueError(f"ignore got {', '.join(sorted(unknown))}; it knows {', '.join(ASPECTS)}, result.<place>")
    if activate is not None and framework is None:
        raise ValueError("activate needs a framework: the import name of what it observes")
