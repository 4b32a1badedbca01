"""A sweep's YAML file: from its lines to a configuration, with the line of each mistake.

YAML is read as version 1.2 has it where 1.1 surprises: ``1e-3`` is a number, ``yes`` and ``on`` are texts, and so is
a date.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import errors, sweeps
from ..sweeps import parameter_expressions

if TYPE_CHECKING:
    import yaml

    from ..core.script_run_config import ScriptRunConfig
    from ..sweeps import HyperDriveConfig

KEYS = {
    "experiment": "the experiment; by default named like the script",
    "source_directory": "folder of the script, relative to this file; by default this file's",
    "script": "script in that folder",
    "command": "a line for the shell instead of a script",
    "arguments": "list of arguments that stay the same",
    "target": "compute target; local by default",
    "space": "a mapping of hyperparameters to what they may be",
    "sampling": "random, grid or bayesian",
    "metric": "name of the primary metric",
    "goal": "minimize or maximize",
    "total": "children at most; of a grid, all by default",
    "concurrent": "children at one time; all by default",
    "minutes": "how long at most [min]; a week by default",
    "max_seconds": "how long one child may take [s]",
    "policy": "what ends children early: bandit, median or truncation, with its settings",
    "tags": "a mapping of tags",
}
"""What a file may say."""

POLICIES: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "bandit": (sweeps.BanditPolicy, ("slack_factor", "slack_amount", "evaluation_interval", "delay_evaluation")),
    "median": (sweeps.MedianStoppingPolicy, ("evaluation_interval", "delay_evaluation")),
    "truncation": (
        sweeps.TruncationSelectionPolicy,
        ("truncation_percentage", "evaluation_interval", "delay_evaluation"),
    ),
    "none": (sweeps.NoTerminationPolicy, ()),
}

SAMPLINGS: Mapping[str, Callable[..., sweeps.HyperParameterSampling]] = {
    "random": sweeps.RandomParameterSampling,
    "grid": sweeps.GridParameterSampling,
    "bayesian": sweeps.BayesianParameterSampling,
}


@dataclass(frozen=True)
class Spec:
    """What a file says, checked.

    Attributes
    ----------
    config : HyperDriveConfig
        The sweep.
    experiment : str
        Where it belongs.
    tags : dict of str to str
        Tags of the sweep.
    """

    config: "HyperDriveConfig"
    experiment: str
    tags: dict[str, str]


class Mistake(Exception):
    """Something in a file that cannot be.

    Attributes
    ----------
    line : int
        Where, counted from 1.
    message : str
        What came, what was wanted.
    """

    def __init__(self, line: int, message: str) -> None:
        self.line, self.message = line, message
        super().__init__(line, message)


class _FollowsError(Exception):
    """Something is not there because of a mistake that is told."""


class SpecError(errors.UserErrorException):
    """A file with mistakes.

    Attributes
    ----------
    mistakes : list of Mistake
        All of them, by line.
    """

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda one: one.line)
        super().__init__("\n".join(f"{path}:{one.line}: {one.message}" for one in self.mistakes))


@dataclass(frozen=True)
class Item:
    """A value of a file, and where it stands.

    Attributes
    ----------
    value : object
        What it is; of a mapping or list, the items in it.
    line : int
        Counted from 1.
    """

    value: Any
    line: int

    def plain(self) -> Any:
        """Return the value without its lines."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return [item.plain() for item in self.value] if isinstance(self.value, list) else self.value


def read(path: Path) -> Spec:
    """Return what a file says.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    SourceNotFoundError
        If it is not there.
    SpecError
        If there are mistakes in it: all of them, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise errors.SourceNotFoundError(str(path), "a YAML file that describes a sweep") from None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UserErrorException(f"{path} cannot be read: {error}") from error
    mistakes: list[Mistake] = []
    root = _parsed(path, text, mistakes)
    spec = _Reader(path, root, mistakes).spec()
    if mistakes or spec is None:
        raise SpecError(path, mistakes)
    return spec


# -- YAML --------------------------------------------------------------------------------------------


def _parsed(path: Path, text: str, mistakes: list[Mistake]) -> Item:
    """Return a file's mapping; syntax that is none leaves nothing to look at."""
    import yaml

    loader = _loader(text)
    try:
        node = loader.get_single_node()
        root = Item({}, 1) if node is None else _item(loader, node, mistakes)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpecError(path, [Mistake(1 if mark is None else mark.line + 1, f"no YAML: {error.problem}")]) from None
    except yaml.YAMLError as error:
        raise SpecError(path, [Mistake(1, f"no YAML: {error}")]) from None
    except RecursionError:
        raise SpecError(path, [Mistake(1, "an alias stands within itself")]) from None
    if not isinstance(root.value, dict):
        raise SpecError(path, [Mistake(root.line, f"expected a mapping of {', '.join(KEYS)}")])
    return root


_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")


_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


def _loader(text: str) -> "yaml.SafeLoader":
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML's safe tags, with the scalars of version 1.2."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML declares it
            first: [(tag, pattern) for tag, pattern in several if tag.rpartition(":")[2] in ("int", "null", "merge")]
            for first, several in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
    return Loader(text)


def _item(loader: Any, node: Any, mistakes: list[Mistake]) -> Item:
    import yaml

    line = node.start_mark.line + 1
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        raise yaml.MarkedYAMLError(problem=f"{node.tag} is no kind of value here", problem_mark=node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return Item([_item(loader, part, mistakes) for part in node.value], line)
    if not isinstance(node, yaml.MappingNode):
        return Item(loader.construct_object(node), line)
    loader.flatten_mapping(node)
    found: dict[str, Item] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            mistakes.append(Mistake(key_node.start_mark.line + 1, f"{key} stands here a second time"))
        value = _item(loader, value_node, mistakes)
        found[key] = Item(value.value, key_node.start_mark.line + 1)
    return Item(found, line)


# -- meaning -----------------------------------------------------------------------------------------


class _Reader:
    """Makes a configuration of a file's items, and collects what is wrong with them."""

    def __init__(self, path: Path, root: Item, mistakes: list[Mistake]) -> None:
        self._path, self._root, self._mistakes = path, root, mistakes

    def spec(self) -> Spec | None:
        """Return what the file says; None if it cannot be said."""
        for key, item in self._root.value.items():
            if key not in KEYS:
                self._mistakes.append(Mistake(item.line, f"{key} is no key of a sweep; {_nearest(key, KEYS)}"))
        script = self._try(self._script)
        made = self._try(lambda: self._config(script))
        tags = self._try(self._tags) or {}
        experiment = self._try(self._experiment) or ""
        return None if made is None else Spec(made, experiment, tags)

    def _try(self, make: Callable[[], Any]) -> Any:
        """Return what is made, or None, with the mistake kept; one that follows from another is not told."""
        try:
            return make()
        except _FollowsError:
            return None
        except Mistake as mistake:
            self._mistakes.append(mistake)
        return None

    def _get(self, key: str, default: Any = None) -> Item:
        return self._root.value.get(key, Item(default, self._root.line))  # type: ignore[no-any-return]  # a mapping

    def _needed(self, key: str) -> Item:
        if key not in self._root.value:
            meant = any(_near(word, KEYS) == key for word in self._root.value if word not in KEYS)
            raise _FollowsError if meant else Mistake(self._root.line, f"{key} is missing: {KEYS[key]}")
        return self._get(key)

    # -- the script ------------------------------------------------------------------------------------

    def _script(self) -> "ScriptRunConfig":
        from ..core.runconfig import LONGEST
        from ..core.script_run_config import ScriptRunConfig

        given = [key for key in ("script", "command") if key in self._root.value]
        if len(given) != 1:
            line = self._get(given[-1]).line if given else self._root.line
            raise Mistake(line, "expected either script or command")
        folder = self._folder()
        script, command = self._text("script"), self._text("command")
        if script is not None and not (folder / script).is_file():
            raise Mistake(self._get("script").line, f"there is no script {script} in {folder}")
        return ScriptRunConfig(
            str(folder),
            script,
            self._arguments(),
            compute_target=self._text("target") or "local",
            command=command,
            max_run_duration_seconds=self._number("max_seconds") or LONGEST,
        )

    def _folder(self) -> Path:
        """Return the source folder; a relative one is relative to the file."""
        named = self._text("source_directory") or "."
        folder = (self._path.resolve().parent / Path(named).expanduser()).resolve()
        if not folder.is_dir():
            raise Mistake(self._get("source_directory").line, f"source_directory {named}: there is no folder {folder}")
        return folder

    def _arguments(self) -> list[str]:
        item = self._get("arguments", [])
        if not isinstance(item.value, list):
            raise Mistake(item.line, f"arguments got {item.value!r}; expected a list: [--steps, 100]")
        for one in item.value:
            if isinstance(one.value, (list, dict)) or one.value is None:
                raise Mistake(one.line, f"an argument got {one.plain()!r}; expected a text or a number")
        return [str(one.value) for one in item.value]

    def _text(self, key: str) -> str | None:
        item = self._get(key)
        if item.value is None and key not in self._root.value:
            return None
        if not isinstance(item.value, str) or not item.value:
            raise Mistake(item.line, f"{key} got {item.plain()!r}; expected {KEYS[key]}")
        return item.value

    def _number(self, key: str) -> float | None:
        item = self._get(key)
        if key not in self._root.value:
            return None
        if isinstance(item.value, bool) or not isinstance(item.value, (int, float)) or item.value <= 0:
            raise Mistake(item.line, f"{key} got {item.plain()!r}; expected {KEYS[key]}")
        return item.value

    def _experiment(self) -> str:
        from .. import names
        from ..core.facts import named_like

        item = self._get("experiment")
        if "experiment" not in self._root.value:
            script = self._get("script").value
            return named_like(Path(str(script)).stem if script else self._path.stem)
        return str(_told(item.line, partial(names.experiment, item.plain())))

    def _tags(self) -> dict[str, str]:
        item = self._get("tags", {})
        if not isinstance(item.value, dict):
            raise Mistake(item.line, f"tags got {item.plain()!r}; expected a mapping")
        return {key: str(one.plain()) for key, one in item.value.items()}

    # -- the sweep -------------------------------------------------------------------------------------

    def _config(self, script: "ScriptRunConfig | None") -> "HyperDriveConfig | None":
        """Return the configuration; each part is tried, so that each mistake is found at once."""
        sampling = self._try(self._sampling)
        policy = self._try(self._policy)
        metric = self._try(self._metric)
        goal = self._try(self._goal)
        total = self._try(lambda: self._total(sampling))
        rest = {word: self._try(partial(self._count, key)) for key, word in _REST.items() if key in self._root.value}
        if self._mistakes or script is None:
            return None
        made = partial(sweeps.HyperDriveConfig, sampling, metric, goal, total, policy=policy, run_config=script, **rest)
        return _told(self._root.line, made)  # type: ignore[no-any-return]  # what it returns

    def _sampling(self) -> Any:
        space = self._needed("space")
        if not isinstance(space.value, dict) or not space.value:
            raise Mistake(space.line, f"space got {space.plain()!r}; expected {KEYS['space']}")
        made = {name: self._try(partial(_expression, name, item)) for name, item in space.value.items()}
        named = self._needed("sampling")
        if named.plain() not in SAMPLINGS:
            raise Mistake(named.line, f"sampling got {named.plain()!r}; {_nearest(named.plain(), SAMPLINGS)}")
        if None in made.values():
            return None
        for name, expression in made.items():
            _told(space.value[name].line, partial(SAMPLINGS[named.value], {name: expression}))
        sampling = SAMPLINGS[named.value](made)
        _told(named.line, sampling.check_installed)
        return sampling

    def _policy(self) -> Any:
        """Return the policy: its name alone, or its name with its settings."""
        item = self._get("policy", "none")
        chosen = {item.value: Item({}, item.line)} if isinstance(item.value, str) else item.value
        if not isinstance(chosen, dict) or len(chosen) != 1 or not chosen.keys() <= POLICIES.keys():
            raise Mistake(item.line, f"policy got {item.plain()!r}; expected one of {', '.join(POLICIES)}")
        ((name, settings),) = chosen.items()
        make, words = POLICIES[name]
        given = settings.plain() or {}
        if not isinstance(given, dict):
            raise Mistake(settings.line, f"policy {name} got {given!r}; expected a mapping of {', '.join(words)}")
        for key in given.keys() - set(words):
            raise Mistake(settings.value[key].line, f"policy {name} does not know {key}; {_nearest(key, words)}")
        return _told(settings.line, partial(make, **given))

    def _metric(self) -> str | None:
        self._needed("metric")
        return self._text("metric")

    def _goal(self) -> Any:
        item = self._needed("goal")
        return _told(item.line, partial(sweeps.PrimaryMetricGoal.from_str, item.plain()))

    def _total(self, sampling: Any) -> Any:
        if "total" not in self._root.value and (sampling is None or sampling.size() is not None):
            return sampling and sampling.size()
        self._needed("total")
        return self._count("total")

    def _count(self, key: str) -> Any:
        item = self._get(key)
        fits = isinstance(item.value, (int, float) if key == "minutes" else int) and not isinstance(item.value, bool)
        if not fits or not 0 < item.value < float("inf"):
            raise Mistake(item.line, f"{key} got {item.plain()!r}; expected {KEYS[key]}")
        return item.value


_REST = {"concurrent": "max_concurrent_runs", "minutes": "max_duration_minutes"}


def _expression(name: str, item: Item) -> Any:
    """Return what a hyperparameter may be: a list of values, or a function with its arguments."""
    given = item.plain()
    if isinstance(given, list):
        return _told(item.line, partial(parameter_expressions.choice, given))
    functions = parameter_expressions.__all__
    if not isinstance(given, dict) or len(given) != 1:
        _refuse(item.line, f"{name} got {given!r}; expected a list of values, or for example uniform: [0, 1]")
    ((function, arguments),) = given.items()
    if function not in functions:
        _refuse(item.line, f"{name}: {function} is no distribution; {_nearest(function, functions)}")
    words = arguments if isinstance(arguments, list) and function != "choice" else [arguments]
    try:
        return _told(item.line, partial(getattr(parameter_expressions, function), *words), f"{name}: ")
    except TypeError:
        _refuse(item.line, f"{name}: {function} got {len(words)} arguments; expected {_arguments_of(function)}")


def _arguments_of(function: str) -> str:
    import inspect

    return f"[{', '.join(inspect.signature(getattr(parameter_expressions, function)).parameters)}]"


def _refuse(line: int, message: str) -> NoReturn:
    raise Mistake(line, message)


def _told(line: int, make: Callable[[], Any], about: str = "") -> Any:
    """Return what is made; an error of ours becomes a mistake of this line."""
    try:
        return make()
    except errors.AzmlError as error:
        raise Mistake(line, about + error.message) from None


def _nearest(word: object, known: Any) -> str:
    near = _near(word, known)
    return f"did you mean {near}?" if near else f"expected one of {', '.join(known)}"


def _near(word: object, known: Any) -> str | None:
    return next(iter(difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.55)), None)


def preview(spec: Spec, most: int) -> Iterator[str]:
    """Yield the arguments of the first children, as far as they can be known before the sweep has begun."""
    from ..sweeps import space

    sampling = spec.config.hyperparameter_sampling
    for number in range(min(most, spec.config.max_total_runs)):
        drawn = sampling.draw(number, "preview", spec.config.primary_metric_goal)
        if drawn is None:
            return
        yield " ".join(space.arguments(drawn))
