"""What is trained, and how: the model, its optimizer, the device and the seed, as properties of a run."""

import gc
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from azml_integrations import Run

    from .recording import Track

SOURCE = "torch"
MOST_LINES = 2000
"""Modules that a summary lists at most."""

MOST_OBJECTS = 3_000_000
"""Living objects among which a model is looked for: to look through so many takes less than a second, once."""

_WRAPPERS = frozenset(
    {"DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "OptimizedModule", "_FabricModule"}
)
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def models_of(optimizer: torch.optim.Optimizer) -> tuple[list[nn.Module], str]:
    """Return the modules whose parameters an optimizer changes: the smallest one that has them all, else the outermost.

    They are looked for among all living objects, because nothing else knows those that were built before we came, that
    were unpickled or copied. Where there are too many objects nobody looks, and the answer says so.

    Returns
    -------
    list of Module
        None of them for weights without a module.
    str
        Why there is none, where that has to be told.
    """
    things = gc.get_objects()
    if len(things) > MOST_OBJECTS:
        return [], f"the model is not described: to find it among {len(things):,} objects would take too long"
    wanted = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    modules = [thing for thing in things if issubclass(type(thing), nn.Module)]
    parents: dict[int, list[nn.Module]] = {}
    for module in modules:
        for child in _children(module):
            parents.setdefault(id(child), []).append(module)
    candidates = _upwards([module for module in modules if _holds(module, wanted)], parents)
    sizes = {key: {id(parameter) for parameter in module.parameters()} for key, module in candidates.items()}
    whole = [key for key in candidates if wanted <= sizes[key]]
    if whole:
        least = min(len(sizes[key]) for key in whole)
        whole = [key for key in whole if len(sizes[key]) == least]
    chosen = {key: candidates[key] for key in whole or candidates}
    chosen = {key: module for key, module in chosen.items() if type(module).__name__ not in _WRAPPERS} or chosen
    return [module for key, module in chosen.items() if not any(id(up) in chosen for up in parents.get(key, []))], ""


def name_of(models: Iterable[nn.Module]) -> str:
    """Return the classes of models as one name; empty for none."""
    return "-".join(dict.fromkeys(type(model).__name__ for model in models))


def describe(run: "Run", track: "Track", optimizer: torch.optim.Optimizer, models: list[nn.Module]) -> None:
    """Write what one optimizer trains, and how, into a run; what cannot be written costs only itself."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    trained = sum(parameter.numel() for parameter in parameters)
    everything = {id(p): p.numel() for model in models for p in model.parameters()}
    facts = {
        "framework": f"PyTorch {torch.__version__}",
        "seed": str(torch.initial_seed()),
        track.named("device"): ", ".join(dict.fromkeys(_device(parameter.device) for parameter in parameters)),
        track.named("model"): name_of(models),
        track.named("model.parameters"): str(sum(everything.values()) or trained),
        track.named("model.trained_parameters"): str(trained),
        track.named("param.optimizer"): type(optimizer).__name__,
    }
    for number, group in enumerate(optimizer.param_groups):
        place = f"_group_{number}" if number else ""
        first = optimizer.param_groups[0]
        for name, value in group.items():
            if name not in ("params", "param_names", "initial_lr") and (not number or value != first.get(name)):
                facts[f"param.{track.named(name)}{place}"] = as_text(value)
    _add(run, {key: text for key, text in facts.items() if text})


def store_summary(run: "Run", track: "Track", models: list[nn.Module]) -> str | None:
    """Store a summary of models as a text; return its name, or None where there is nothing to tell."""
    if not models:
        return None
    import io

    name = f"outputs/{name_of(models)}/summary{track.suffix}.txt"
    run.upload_file(name, io.BytesIO(summary(models).encode()))
    return name


def summary(models: list[nn.Module]) -> str:
    """Return models as a table: one line for each module, with its class and parameters."""
    rows = [("module", "class", "parameters", "trainable")]
    for model in models:
        for path, module in list(model.named_modules())[:MOST_LINES]:
            own = list(module.parameters(recurse=not path))
            rows.append(
                (
                    path or type(model).__name__,
                    type(module).__name__,
                    f"{sum(p.numel() for p in own):,}",
                    f"{sum(p.numel() for p in own if p.requires_grad):,}",
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}" for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_text(value: object) -> str:
    """Return a hyperparameter as text that is the same in the next process."""
    if isinstance(value, torch.Tensor):
        return str(value.item()) if value.is_cpu and value.numel() == 1 else f"a tensor on {value.device}"
    return value if isinstance(value, str) else _ADDRESS.sub("", repr(value))


def _add(run: "Run", facts: dict[str, str]) -> None:
    try:
        run.add_properties(facts)
    except Exception:  # noqa: BLE001 - one of them is refused: find out which, and keep the others
        if run.properties.get("framework", facts["framework"]) != facts["framework"]:  # another adapter's
            facts = {name.replace("framework", "framework.torch"): text for name, text in facts.items()}
        for name, text in facts.items():
            try:
                run.add_properties({name: text})
            except Exception as error:  # noqa: BLE001 - as above
                run.note(SOURCE, f"property {name} is not recorded: {getattr(error, 'message', repr(error))}")


def _device(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _holds(module: nn.Module, wanted: set[int]) -> bool:
    return any(id(parameter) in wanted for parameter in vars(module).get("_parameters", {}).values())


def _children(module: nn.Module) -> list[Any]:
    return [child for child in vars(module).get("_modules", {}).values() if child is not None]


def _upwards(modules: list[nn.Module], parents: dict[int, list[nn.Module]]) -> dict[int, nn.Module]:
    """Return modules and all that they are part of, by identity."""
    found: dict[int, nn.Module] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if id(module) not in found:
            found[id(module)] = module
            waiting += parents.get(id(module), [])
    return found
