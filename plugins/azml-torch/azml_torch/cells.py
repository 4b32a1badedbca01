"""The end of a cell: a training that nobody ends is over with the cell that made its last step."""

import sys
from collections.abc import Callable
from typing import Any


class Cells:
    """Hears of the end of the cell that runs now.

    Parameters
    ----------
    act : callable
        Gets the exception that ended the cell, or None.
    """

    def __init__(self, act: Callable[[BaseException | None], object]) -> None:
        self._act = act
        self._shell: Any = None

    def watch(self) -> None:
        """Hear of the end of this cell, if this is a notebook or an IPython shell."""
        if self._shell is not None:
            return
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None:
            return
        shell.events.register("post_run_cell", self._hear)
        self._shell = shell

    def forget(self) -> None:
        """Hear of nothing any more."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.events.unregister("post_run_cell", self._hear)

    def _hear(self, result: Any) -> None:
        self.forget()
        self._act(result.error_before_exec or result.error_in_exec)
