"""A model's weights as a file, beside it what one must know before loading it, and the way back."""

import importlib
import io
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from azml_integrations.autologging import paused
from azml_integrations.core.stored_model import FACTS, StoredModel, checked_name, find, free_name
from azml_integrations.errors import ModelExistsError, OptionError, UntrustedModelError, UserErrorException

from .errors import ModelMismatchError, ModelNotStorableError
from .modules import name_of, undisturbed, unwrapped
from .randomness import unmoved_randomness
from .stored import Facts, store

if TYPE_CHECKING:
    import os

    from azml_integrations import Run
    from azml_integrations.core import Model


@dataclass(frozen=True)
class Format:
    """A way to keep a model.

    Attributes
    ----------
    file : str
        Name of the file.
    how : str
        How to load it, for people who read model.json.
    packages : tuple of str
        Whose versions matter.
    writes : callable
        ``writes(model, path, example_inputs)``.
    """

    file: str
    how: str
    packages: tuple[str, ...]
    writes: Callable[[nn.Module, Path, Any], None]


def save_model(
    run: "Run",
    model: nn.Module,
    name: str | None = None,
    format: str = "safetensors",
    *,
    example_inputs: Any = None,
    overwrite: bool = False,
) -> str:
    """Store a model in a run, with its class, the shapes of its weights, versions and the sha256 beside it.

    Parameters
    ----------
    run : Run
        Where to; it may be over.
    model : torch.nn.Module
        What to store; of a compiled or data-parallel one, the user's own module.
    name : str, default=None
        Folder below ``outputs/``; the class name by default, or a free name after it.
    format : {"safetensors", "pickle", "export"}, default="safetensors"
        The weights; the whole module as a pickle, which only those can load who trust it; or the program that
        ``torch.export`` makes of it in evaluation mode, which needs no class.
    example_inputs : tensor or tuple, default=None
        What the model is called with, for ``export``.
    overwrite : bool, default=False
        Whether a model of that name may be replaced: that of the best epoch so far.

    Returns
    -------
    str
        The name, for `load_model`.

    Raises
    ------
    OptionError
        If there is no such format.
    ModelNotStorableError
        If the format cannot hold this model.
    ModelExistsError
        If the run has a model under that name.
    NameRefusedError
        If `name` is no plain folder name.

    Examples
    --------
    >>> name = azml_torch.save_model(run, model)  # doctest: +SKIP
    >>> model = azml_torch.load_model(run, Net(), name=name)  # doctest: +SKIP
    """
    if not hasattr(run, "upload_file"):
        raise UserErrorException(f"save_model got {type(run).__name__} as run; expected a Run, then the model")
    model = unwrapped(model)
    if not isinstance(model, nn.Module):
        raise UserErrorException(f"save_model got {model!r} as model; expected a torch.nn.Module")
    if format not in FORMATS:
        raise OptionError(f"format is one of {', '.join(map(repr, FORMATS))}, not {format!r}")
    place = (
        free_name(name_of(model), _taken(run))
        if name is None
        else _untaken(run, checked_name(name), overwrite=overwrite)
    )
    chosen = FORMATS[format]
    with tempfile.TemporaryDirectory(prefix="azml-model-") as folder, paused():
        path = Path(folder, chosen.file)
        chosen.writes(model, path, example_inputs)
        facts = {"format": format, "load": chosen.how} | facts_of(model)
        store(run, f"outputs/{place}", path, FACTS, facts, chosen.packages)
    return place


def load_model(
    source: "Run | Model | str | os.PathLike[str]",
    model: nn.Module | None = None,
    *,
    name: str | None = None,
    trust: bool = False,
) -> Any:
    """Load a model, after its size and sha256 were found to be those of ``model.json``.

    The digest guards against damage and against a file that was exchanged alone. Whoever may write in the run's folder
    can exchange both files, so it is no reason to trust a pickle.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run, running or over; a registered model; or what was downloaded of either, a folder or the file
        in it.
    model : torch.nn.Module, default=None
        What the weights go into, on its device; they fit all of it or nothing of it is changed.
    name : str, default=None
        Folder below ``outputs/``; may be left out where there is one model only.
    trust : bool, default=False
        Without a `model`, weights need their class: with True it is imported by the name in ``model.json`` and made
        without arguments. A pickle or an exported program is loaded only with True, because loading it runs what it
        holds.

    Returns
    -------
    torch.nn.Module
        `model`, or a new one, on the CPU; of an exported program its module.

    Raises
    ------
    ModelNotFoundError
        If there is no model, or none of that name.
    AmbiguousModelError
        If there are several and none is named.
    ModelChangedError
        If the file is not the one that was stored.
    ModelFactsError
        If the model.json makes no sense.
    ModelMismatchError
        If the weights are those of another model.
    UntrustedModelError
        If loading it takes trust.
    UserErrorException
        If the class cannot be found, or takes arguments.

    Examples
    --------
    >>> model = azml_torch.load_model(run, Net(hidden=64))  # doctest: +SKIP
    >>> model = azml_torch.load_model(Model(workspace, "digits"), Net(hidden=64))  # doctest: +SKIP
    """
    if not isinstance(trust, bool):
        raise OptionError(f"trust is True or False, not {trust!r}")
    place = find(source, name, FACTS)
    facts = place.facts(Facts, {one: known.file for one, known in FORMATS.items()})
    if facts.format != "safetensors" and model is not None:
        raise UserErrorException(
            f"{facts.file} of {place.where} holds a whole model, and load_model got one, too; leave it out"
        )
    if not trust and (model is None or facts.format != "safetensors"):
        raise UntrustedModelError(facts.file, place.where, _why_untrusted(facts))
    content = io.BytesIO(place.content(facts))
    with paused():
        if facts.format == "pickle":
            return torch.load(content, map_location="cpu", weights_only=False)
        if facts.format == "export":
            return torch.export.load(content).module()
        target = unwrapped(_made(facts, place) if model is None else model)
        _pour(content, target, facts, place)
        return target if model is None else model


# -- in ----------------------------------------------------------------------------------------------


def facts_of(model: nn.Module) -> dict[str, Any]:
    """Return what is to be known of a model: its class, and type and shape of each tensor of its state."""
    state = {name: value for name, value in model.state_dict().items() if _has_values(value)}
    return {
        "class_": type(model).__qualname__,
        "module": type(model).__module__,
        "parameters": sum(one.numel() for one in model.parameters() if _has_values(one)),
        "tensors": {
            name: (str(value.dtype).removeprefix("torch."), list(value.shape)) for name, value in state.items()
        },
        "shared": _shared(state),
    }


def _has_values(value: object) -> bool:
    return isinstance(value, Tensor) and not nn.parameter.is_lazy(value)


def _shared(state: dict[str, Tensor]) -> dict[str, str]:
    """Return names of tensors that are the very same as an earlier one, with its name."""
    first: dict[object, str] = {}
    shared = {}
    for name, value in state.items():
        if value.layout is torch.strided and value.numel() and not value.is_meta:
            place = (value.device, value.data_ptr(), value.shape, value.stride(), value.dtype)
            if first.setdefault(place, name) != name:
                shared[name] = first[place]
    return shared


def _write_safetensors(model: nn.Module, path: Path, _: Any) -> None:
    from safetensors.torch import save_file

    name = type(model).__name__
    state = model.state_dict()
    for key, value in state.items():
        if not isinstance(value, Tensor):
            why = f"its state has {key} of type {type(value).__name__}, which is no tensor"
            raise ModelNotStorableError(name, "safetensors", why, 'format="pickle" holds it')
        if nn.parameter.is_lazy(value) or value.is_meta:
            why = f"{key} has no values yet"
            raise ModelNotStorableError(name, "safetensors", why, "call the model once, or load its weights, before")
    try:
        save_file(_apart(state), str(path), metadata={"format": "pt"})
    except Exception as error:
        raise ModelNotStorableError(name, "safetensors", error, 'format="pickle" may') from error


def _apart(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors that lie in memory each by itself, which the format demands; of the very same ones, the first."""
    shared, stores, apart = _shared(state), set(), {}
    for name, value in state.items():
        if name in shared:
            continue
        whole = value.detach().contiguous()
        store = whole.untyped_storage().data_ptr()
        apart[name] = whole.clone() if store in stores else whole
        stores.add(store)
    return apart


def _write_pickle(model: nn.Module, path: Path, _: Any) -> None:
    try:
        torch.save(model, path)
    except Exception as error:
        way_out = 'format="safetensors" stores the weights alone'
        raise ModelNotStorableError(type(model).__name__, "pickle", error, way_out) from error


def _write_export(model: nn.Module, path: Path, example_inputs: Any) -> None:
    if example_inputs is None:
        raise OptionError('format="export" needs example_inputs: a tensor, or a tuple of what the model is called with')
    inputs = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    try:
        with unmoved_randomness(), undisturbed(model), torch.no_grad():
            torch.export.save(torch.export.export(model, inputs), path)
    except Exception as error:
        way_out = 'format="safetensors" stores the weights alone'
        raise ModelNotStorableError(type(model).__name__, "export", error, way_out) from error


def _untaken(run: "Run", name: str, *, overwrite: bool) -> str:
    if not overwrite and name in _taken(run):
        raise ModelExistsError(name, f"run {run.id}", "overwrite=True replaces them, another name keeps both")
    return name


def _taken(run: "Run") -> set[str]:
    matches = (re.fullmatch(r"outputs/([^/]+)/model\.[^/]+", file) for file in run.get_file_names())
    return {match[1] for match in matches if match}


# -- out ---------------------------------------------------------------------------------------------


def _why_untrusted(facts: Facts) -> str:
    if facts.format == "safetensors":
        return (
            f"holds weights of {facts.path}: load_model(run, model) takes an instance for them, and trust=True imports "
            f"the class and makes one"
        )
    what = "is a pickle" if facts.format == "pickle" else "is a program"
    return (
        f"{what}, and loading it runs whatever whoever wrote it has put into it; if you know who that was, pass "
        f'trust=True; models for strangers are better stored with format="safetensors"'
    )


def _made(facts: Facts, place: StoredModel) -> nn.Module:
    """Make an instance of the class that a trusted model.json names."""
    way_out = "make one and pass it: load_model(run, model)"
    try:
        holder: Any = sys.modules.get(facts.module) or importlib.import_module(facts.module)
        for part in facts.class_.split("."):
            holder = getattr(holder, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserErrorException(
            f"the class {facts.path} of {place.where} is not found here: {error}; {way_out}"
        ) from error
    if not (isinstance(holder, type) and issubclass(holder, nn.Module)):
        raise UserErrorException(f"{facts.path} of {place.where} is no torch.nn.Module; {way_out}")
    try:
        with unmoved_randomness():
            return holder()
    except TypeError as error:
        raise UserErrorException(
            f"{facts.path} of {place.where} is not made without arguments: {error}; {way_out}"
        ) from error


def _pour(content: IO[bytes], model: nn.Module, facts: Facts, place: StoredModel) -> None:
    """Load weights into a model that they fit."""
    from safetensors.torch import load

    state = load(content.read())
    state |= {alias: state[kept] for alias, kept in facts.shared.items() if kept in state}
    check_fit(model.state_dict(), state, type(model).__name__, place.where)
    model.load_state_dict(state)


def check_fit(wanted: dict[str, Any], state: dict[str, Any], model: str, where: str) -> None:
    """Refuse weights that are not those of a model, before one of them is changed.

    Raises
    ------
    ModelMismatchError
        If a name or a shape differs.
    """
    missing, unexpected = [name for name in wanted if name not in state], [name for name in state if name not in wanted]
    unequal = [
        f"{name} {tuple(value.shape)} for {tuple(wanted[name].shape)}"
        for name, value in state.items()
        if isinstance(value, Tensor)
        and isinstance(wanted.get(name), Tensor)
        and not nn.parameter.is_lazy(wanted[name])
        and value.shape != wanted[name].shape
    ]
    if missing or unexpected or unequal:
        raise ModelMismatchError(model, where, missing, unexpected, unequal)


FORMATS = {
    "safetensors": Format(
        "model.safetensors",
        "azml_torch.load_model(run, model), or model.load_state_dict(safetensors.torch.load_file(file))",
        ("torch", "safetensors"),
        _write_safetensors,
    ),
    "pickle": Format(
        "model.pt",
        "torch.load(file, weights_only=False); a pickle can run any code, so load only what you trust",
        ("torch",),
        _write_pickle,
    ),
    "export": Format("model.pt2", "torch.export.load(file).module()", ("torch",), _write_export),
}
"""The formats, by name."""
