"""A model told as text and numbers, without calling it."""

from typing import Any

MOST_LINES = 2000


def summary(model: Any) -> str:
    """Return what a module is made of, and how many parameters each of its parts has.

    No forward pass is made: it could draw random numbers, or change the model.
    """
    lines = str(model).splitlines()
    told = lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], f"... {len(lines) - MOST_LINES} more lines"]
    total, trainable = count(model)
    parts = {name: count(part)[0] for name, part in model.named_children()}
    width = max((len(name) for name in parts), default=0)
    table = [f"  {name:<{width}}  {number:>15,}" for name, number in parts.items()]
    totals = [f"parameters            {total:,}", f"trainable parameters  {trainable:,}"]
    return "\n".join([*told, "", "parameters of each part", *table, "", *totals, ""])


def count(model: Any) -> tuple[int, int]:
    """Return the number of parameters, and of those that are trained; lazy ones that have no size yet count as none."""
    sized = [p for p in model.parameters() if not type(p).__name__.startswith("Uninitialized")]
    return sum(p.numel() for p in sized), sum(p.numel() for p in sized if p.requires_grad)


def described(model: Any, trainer: Any) -> dict[str, str]:
    """Return what is trained and by what, as properties."""
    total, trainable = count(model)
    facts = {
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "model.parameters": str(total),
        "model.trained_parameters": str(trainable),
    }
    optimizers = list(getattr(trainer, "optimizers", None) or ())
    for number, optimizer in enumerate(optimizers):
        name = "param.optimizer" if len(optimizers) == 1 else f"param.optimizer_{number}"
        facts[name] = type(optimizer).__name__
        set_to = {key: value for key, value in optimizer.defaults.items() if value is not None and value is not False}
        facts.update({f"{name}.{key}": str(value) for key, value in set_to.items()})  # not the switches that are off
    return facts
