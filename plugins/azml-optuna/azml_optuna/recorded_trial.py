"""One trial in a run of its own, from the moment it is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import as_current, log_parameters

from .wording import SOURCE, attribute_text

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from azml_integrations import Run

NOTHING = object()
INTERMEDIATE = "intermediate_value"
"""Metric of what a trial reports, step by step."""


class RecordedTrial:
    """A trial while it is under way.

    Parameters
    ----------
    number : int
        Its number in the study.
    run : Run or None
        Its child run; None beyond ``max_child_runs``.
    study_run : Run
        The study's run, where there is none of its own.
    optimized : bool, default=False
        Whether ``Study.optimize`` asked for it, and ends it.

    Attributes
    ----------
    error : BaseException or None
        What the objective raised.
    returned : object
        What it returned instead.
    where : Run
        What the user logs during the trial belongs there.
    """

    def __init__(self, number: int, run: "Run | None", study_run: "Run", *, optimized: bool = False) -> None:
        self.number, self.run, self.optimized = number, run, optimized
        self.where = study_run if run is None else run
        self.error: BaseException | None = None
        self.returned: object = NOTHING
        self._parameters: set[str] = set()
        self._steps: set[int] = set()
        self._attributes: dict[str, str] = {}

    def tell_parameter(self, name: str, value: object) -> None:
        """Write down a parameter that has been suggested."""
        if name not in self._parameters:
            self._parameters.add(name)
            if self.run is not None:
                log_parameters(self.run, SOURCE, {name: value})

    def tell_intermediate(self, value: float, step: int) -> None:
        """Write down what the trial reports; of one step the first value counts, as it does for Optuna."""
        if step not in self._steps:
            self._steps.add(step)
            if self.run is not None:
                self.run.log(INTERMEDIATE, float(value), step=int(step))

    def tell_attribute(self, key: str, value: object) -> None:
        """Write down a user attribute."""
        self.tell_attributes({key: value})

    def tell_attributes(self, attributes: "dict[str, Any]") -> None:
        """Write down user attributes as tags."""
        texts = {str(name): attribute_text(value) for name, value in attributes.items()}
        news = {name: text for name, text in texts.items() if self._attributes.get(name) != text}
        if news:
            self._attributes |= news
            if self.run is not None:
                self.run.set_tags(news)

    def become_current(self) -> None:
        """Let what is logged from now on in this context land in the trial, until `step_back`."""
        as_current(self.where).__enter__()

    def step_back(self) -> None:
        """Undo `become_current`, if it was done in this context."""
        as_current(self.where).__exit__(None, None, None)

    def end(self, frozen: "FrozenTrial", objectives: Sequence[str]) -> None:
        """Write down what is not there yet, and end the run as the trial ended.

        Parameters
        ----------
        frozen : FrozenTrial
            As Optuna has it now.
        objectives : sequence of str
            Names of its values.
        """
        if self.run is None:
            return
        self._complete_facts(frozen)
        numbers = {} if frozen.duration is None else {"duration": frozen.duration.total_seconds()}
        match frozen.state.name:
            case "COMPLETE":
                self.run.log_metrics(dict(zip(objectives, frozen.values, strict=True)) | numbers)
                self.run.complete()
            case "PRUNED":
                if frozen.last_step is not None:
                    log_parameters(self.run, SOURCE, {"pruned_step": frozen.last_step}, prefix="")
                self.run.log_metrics(numbers)
                self.run.cancel()
            case "FAIL":
                self.run.log_metrics(numbers)
                self.run.fail(self.error or self._why_failed())
            case _:
                self.break_off()

    def _why_failed(self) -> str:
        """Return why a trial failed that raised nothing that we have seen."""
        if self.returned is NOTHING:
            return "Optuna was told that the trial has failed"
        return f"Optuna takes no such value of an objective: {self.returned!r:.200}"

    def break_off(self) -> None:
        """End the run of a trial that Optuna counts as running, but that nobody will come back to."""
        if self.run is None:
            return
        if self.error is not None:
            self.run.fail(self.error)
        else:
            self.run.cancel()

    def _complete_facts(self, frozen: "FrozenTrial") -> None:
        late = {name: value for name, value in frozen.params.items() if name not in self._parameters}
        if late and self.run is not None:
            self._parameters.update(late)
            log_parameters(self.run, SOURCE, late)
        for step, value in frozen.intermediate_values.items():
            self.tell_intermediate(value, step)
        self.tell_attributes(frozen.user_attrs)
