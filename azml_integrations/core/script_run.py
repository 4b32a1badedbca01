"""A submitted run, seen from outside its script."""

from typing import TYPE_CHECKING, Any

import msgspec

from .. import errors
from .detail_verbs import DEFINITION
from .run import Run
from .submission import SCRIPT_RUN

if TYPE_CHECKING:
    from .environment import Environment


class ScriptRun(Run):
    """A run that was submitted; it belongs to the launcher of its compute target, not to any process that looks at it.

    `Experiment.submit` and the lookups of runs return it.
    """

    RUN_TYPE = SCRIPT_RUN

    def get_environment(self) -> "Environment":
        """Return the environment that the run was submitted with.

        Raises
        ------
        UserErrorException
            If the run's definition cannot be read.
        """
        from .environment import Environment

        return Environment.from_definition(self.definition["environment"], f"the definition of run {self.id}")

    @property
    def definition(self) -> dict[str, Any]:
        """Return the run configuration that the run was submitted with, secrets left out.

        Raises
        ------
        UserErrorException
            If it cannot be read.
        """
        try:
            found: dict[str, Any] = msgspec.json.decode((self._folder / DEFINITION).read_bytes())
        except (OSError, msgspec.MsgspecError) as error:
            raise errors.UserErrorException(f"the definition of run {self.id} cannot be read: {error}") from error
        return found

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing but warn: the exit code of its script decides how a submitted run ends."""
        self._warn_once("", f"run {self.id} was submitted; its script's exit code ends it", errors.AzmlWarning)
