"""How plugins behave: in the process, and in each run, where there is an end to our patience."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 3
"""So many failures, or so many slow calls, of one plugin in one run; then it is left out for the rest of that run."""

SOURCE = "plugin "
"""How the source of a note begins that tells of a plugin; its name follows."""


@dataclass(frozen=True)
class Life:
    """The run that a hook tells of, where this process writes to it.

    Attributes
    ----------
    run_id : str
        The run.
    note : callable
        Takes source and message, as `Run.note` does.
    family : str
        Id of the topmost run of this process above it, or its own: who misbehaves in the children misbehaves in it.
    """

    run_id: str
    note: Callable[[str, str], None]
    family: str


@dataclass
class Conduct:
    """How one plugin behaved, in the process or in one run."""

    faults: dict[str, str] = field(default_factory=dict)
    """The first fault of each hook."""
    failures: int = 0
    slow: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Of each hook, the calls that took too long, and the longest of them [s]."""
    off: bool = False

    def keep(self, hook: str, reason: str, took: float) -> bool:
        """Add a fault, a call that took too long [s], or both; tell whether the like was known."""
        known = hook in (self.faults if reason else self.slow)
        if reason:
            self.failures += 1
            self.faults.setdefault(hook, reason)
        if took:
            count, longest = self.slow.get(hook, (0, 0.0))
            self.slow[hook] = count + 1, max(longest, took)
        return known

    def told(self) -> list[str]:
        """Return it in short clauses."""
        dawdled = (
            f"{hook} took up to {longest:.2g} s ({_times(count)} too long)"
            for hook, (count, longest) in self.slow.items()
        )
        return [*self.faults.values(), *dawdled]

    def verdict(self) -> str:
        """Return why there is no more patience with it, or nothing."""
        slow = sum(count for count, _ in self.slow.values())
        if self.failures >= PATIENCE:
            return f"it failed {_times(self.failures)}"
        return f"it was too slow {_times(slow)}" if slow >= PATIENCE else ""


class Register:
    """How every plugin behaved, in the process and in the runs that are under way.

    Whatever it answers is to be said by the caller, who knows when everything is in place.
    """

    def __init__(self) -> None:
        self._ever: dict[str, Conduct] = {}
        self._lives: dict[str, dict[str, Conduct]] = {}

    def told(self, name: str) -> list[str]:
        """Return in short clauses how a plugin behaved in this process."""
        return self._ever[name].told() if name in self._ever else []

    def is_off(self, name: str, life: Life | None) -> bool:
        """Tell whether a plugin is left out for the rest of a run."""
        conduct = self._lives.get(life.family, {}).get(name) if life is not None else None
        return conduct is not None and conduct.off

    def judge(self, name: str, hook: str, reason: str, took: float = 0.0, life: Life | None = None) -> list[str]:
        """Keep what a plugin did, and note it in the run: an error at once, slowness too.

        Parameters
        ----------
        name : str
            Name of the plugin.
        hook : str
            Which of its hooks, or of the things it offers.
        reason : str
            What went wrong; empty where it only took too long.
        took : float, default=0.0
            How long, where that was too long [s].
        life : Life, default=None
            The run it was told of.

        Returns
        -------
        list of str
            What the user is to be warned of: each fault once, and that a run goes on without it.
        """
        known = self._ever.setdefault(name, Conduct()).keep(hook, reason, took)
        unsaid = [f"plugin {name!r}: {reason}; all else goes on"] if reason and not known else []
        return unsaid if life is None else unsaid + self._judge_in_run(name, hook, reason, took, life)

    def _judge_in_run(self, name: str, hook: str, reason: str, took: float, life: Life) -> list[str]:
        conduct = self._lives.setdefault(life.family, {}).setdefault(name, Conduct())
        if not conduct.keep(hook, reason, took):
            _note(life, name, reason or f"{hook} took {took:.2g} s, too long for the user's thread")
        why = conduct.verdict()
        if not why or conduct.off:
            return []
        conduct.off = True
        _note(life, name, f"switched off for the rest of the run: {why}")
        return [f"plugin {name!r} is switched off for the rest of run {life.family}: {why}"]

    def end(self, family: str) -> None:
        """Forget how plugins behaved in a run, with which they were left out."""
        self._lives.pop(family, None)

    def forget(self, name: str) -> None:
        """Forget how a plugin behaved in this process."""
        self._ever.pop(name, None)


def _note(life: Life, name: str, message: str) -> None:
    with contextlib.suppress(Exception):  # a full disk; the warning says it too
        life.note(SOURCE + name, message)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
