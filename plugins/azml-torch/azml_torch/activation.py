"""Where PyTorch is listened to, and how it is given back as it was.

One official hook tells of steps. The functions that compute losses, the one that begins a backward pass, iteration over
a data loader, the scaler of mixed precision and gradient clipping are covered by thin functions that call the
original; a compiler sees the original only. No module is hooked: that would slow down each call of each module.
"""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from azml_integrations.autologging import Patches
from azml_integrations.errors import AutologWarning, warn_outside

from .session import LISTENING, SOURCE, Session

if TYPE_CHECKING:
    from azml_integrations import AutologOptions

CRITERIA = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear_cross_entropy",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
)
"""Names in ``torch.nn.functional`` that are losses, some newer than others; the modules of ``torch.nn`` call these."""


def activate(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to PyTorch, which is imported by now.

    Parameters
    ----------
    options : AutologOptions
        What the user asked for.

    Returns
    -------
    callable
        Puts PyTorch back as it was.

    Raises
    ------
    RuntimeError
        If this PyTorch does not let its optimizers' steps be seen.
    """
    session = Session(options)
    patches = Patches(SOURCE, on_error=options.on_error)
    LISTENING.append(session)
    patches.also(lambda: LISTENING.remove(session))
    patches.also(session.close)  # before that: it hears of the runs that it ends
    try:
        _listen_to_steps(session, patches)
    except Exception as error:
        patches.undo()
        raise RuntimeError(_unknown(error)) from error
    for what, listen in PARTS.items():
        part = Patches(SOURCE, on_error=options.on_error)
        try:
            listen(session, part)
        except Exception as error:  # noqa: BLE001 - the others work without it
            part.undo()
            session.missing.append(f"{what}: PyTorch {torch.__version__} is not as azml-torch knows it ({error})")
            warn_outside(f"autolog of torch: {session.missing[-1]}", AutologWarning, SOURCE)
        else:
            patches.also(part.undo)
    return patches.undo


# -- steps -------------------------------------------------------------------------------------------


def _listen_to_steps(session: Session, patches: Patches) -> None:
    from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

    seen: list[Optimizer] = []
    trial = register_optimizer_step_post_hook(lambda optimizer, *_: seen.append(optimizer))
    try:
        probe = _probe(Optimizer)
    finally:
        trial.remove()
    if seen != [probe]:
        raise RuntimeError("the step of a tiny optimizer was not seen")

    compiled, is_compiling = session.compiled, torch.compiler.is_compiling

    def on_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not patches.active:
            return
        if is_compiling():  # compiled code can do this much: it is heard when the step is over
            compiled.append(optimizer)
            return
        try:
            session.stepped(optimizer, args, kwargs)
        except Exception as error:  # noqa: BLE001 - nothing of ours reaches the user's training
            session.stumble("step", error)

    patches.also(register_optimizer_step_post_hook(on_step).remove)


def _probe(kind: Any) -> Any:
    """Make one step of an optimizer of nothing; its constructor would load the compiler, which takes a second."""
    from collections import OrderedDict

    class Probe(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            self._optimizer_step_pre_hooks: OrderedDict[int, Any] = OrderedDict()
            self._optimizer_step_post_hooks: OrderedDict[int, Any] = OrderedDict()

        step = kind.profile_hook_step(lambda _: None)

    probe = Probe()
    probe.step()
    return probe


# -- losses ------------------------------------------------------------------------------------------


def _listen_to_criteria(session: Session, patches: Patches) -> None:
    seen: list[str] = []
    trial = Patches(SOURCE)
    trial.replace(functional, "mse_loss", lambda *_, **__: seen.append("mse_loss"))
    try:
        torch.nn.MSELoss()(None, None)
    finally:
        trial.undo()
    if not seen:
        raise RuntimeError("the modules of torch.nn do not call torch.nn.functional")
    for name in CRITERIA:
        if hasattr(functional, name):
            patches.replace(functional, name, _listening(name, getattr(functional, name), session, patches))


def _listening(name: str, original: Callable[..., Any], session: Session, patches: Patches) -> Callable[..., Any]:
    """Return a criterion that tells what it returns."""
    is_compiling, is_traced = torch.compiler.is_compiling, torch._C._is_tracing  # noqa: SLF001 - no public one
    has_override, override = torch.overrides.has_torch_function, torch.overrides.handle_torch_function

    @functools.wraps(original)
    def criterion(*args: Any, **kwargs: Any) -> Any:
        if is_compiling() or not patches.active or is_traced():
            return original(*args, **kwargs)
        inputs = args or tuple(kwargs.values())
        overridden = has_override(inputs)  # the original would hand on its name, under which we stand
        result = override(original, inputs, *args, **kwargs) if overridden else original(*args, **kwargs)
        try:
            session.called(name, result, inputs)
        except Exception as error:  # noqa: BLE001 - nothing of ours reaches the user's training
            session.stumble("loss", error)
        return result

    return _as_original(criterion, original)


def _listen_to_backward(session: Session, patches: Patches) -> None:
    if "autograd" not in Tensor.backward.__code__.co_names:
        raise RuntimeError("Tensor.backward does not call torch.autograd.backward")
    original = torch.autograd.backward
    is_compiling = torch.compiler.is_compiling

    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if is_compiling() or not patches.active:
            return original(tensors, *args, **kwargs)
        try:
            if isinstance(tensors, Tensor):
                session.went_back_from(tensors)
            elif isinstance(tensors, (list, tuple)):  # of anything else there is only one turn
                session.went_back(tensors)
        except Exception as error:  # noqa: BLE001 - as above
            session.stumble("backward", error)
        return original(tensors, *args, **kwargs)

    patches.replace(torch.autograd, "backward", _as_original(backward, original))


# -- the rest ----------------------------------------------------------------------------------------


def _listen_to_loaders(session: Session, patches: Patches) -> None:
    from torch.utils.data import DataLoader

    original = DataLoader.__iter__

    @functools.wraps(original)
    def begin(self: Any) -> Any:
        iterator = original(self)
        if patches.active:
            try:
                session.iterates(iterator, self)
            except Exception as error:  # noqa: BLE001 - as above
                session.stumble("epoch", error)
        return iterator

    patches.replace(DataLoader, "__iter__", begin)


def _listen_to_clipping(session: Session, patches: Patches) -> None:
    original = torch.nn.utils.clip_grad_norm_

    @functools.wraps(original)
    def clip(*args: Any, **kwargs: Any) -> Any:
        norm = original(*args, **kwargs)
        if patches.active and not torch.compiler.is_compiling():
            try:
                session.clipped(norm)
            except Exception as error:  # noqa: BLE001 - as above
                session.stumble("clipping", error)
        return norm

    for module in (torch.nn.utils, torch.nn.utils.clip_grad):
        patches.replace(module, "clip_grad_norm_", _as_original(clip, original))


def _listen_to_scaler(session: Session, patches: Patches) -> None:
    from torch.amp.grad_scaler import GradScaler

    scale, step, update = GradScaler.scale, GradScaler.step, GradScaler.update
    inspect.signature(step).bind(None, None)

    def heard(call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as above
            session.stumble("scaler", error)

    @functools.wraps(scale)
    def listening_scale(self: Any, outputs: Any) -> Any:
        if patches.active and isinstance(outputs, Tensor) and outputs.grad_fn is not None and self.is_enabled():
            heard(lambda: session.trained_on(outputs))
        return scale(self, outputs)

    @functools.wraps(step)
    def listening_step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        clock = session.here.seen.clock
        result = step(self, optimizer, *args, **kwargs)
        if patches.active and self.is_enabled():
            heard(lambda: session.scaled(optimizer) if session.here.seen.clock > clock else session.skipped(optimizer))
        return result

    @functools.wraps(update)
    def listening_update(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = update(self, *args, **kwargs)
        if patches.active and self.is_enabled():
            heard(lambda: session.know_scale(self._scale))  # the public way to ask waits for the device
        return result

    patches.replace(GradScaler, "scale", listening_scale)
    patches.replace(GradScaler, "step", listening_step)
    patches.replace(GradScaler, "update", listening_update)


PARTS: dict[str, Callable[[Session, Patches], None]] = {
    "losses are recorded where a backward pass begins, and evaluations are not": _listen_to_criteria,
    "losses are recorded by the name of their criterion only": _listen_to_backward,
    "epochs are not recorded": _listen_to_loaders,
    "norms of clipped gradients are not recorded": _listen_to_clipping,
    "the scale of mixed precision is not recorded": _listen_to_scaler,
}
"""What is listened to beside steps, by what holds without it."""


def _as_original(function: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Let compilers take the original in place of a function of ours."""
    vars(function)["__script_if_tracing_wrapper"] = True
    vars(function)["__original_fn"] = original
    return function


def _unknown(why: object) -> str:
    return (
        f"PyTorch {torch.__version__} does not let the steps of its optimizers be seen the way azml-torch knows "
        f"({why}); a newer azml-torch may"
    )
