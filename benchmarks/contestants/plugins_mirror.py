"""Our recording core with a mirror installed, which gets every event while they are logged."""

from __future__ import annotations

from pathlib import Path

from contestant import serve
from plugins_none import Plugged

MODULE = """
from azml_integrations import Mirror, hookimpl

@hookimpl
def azml_mirrors():
    return [Mirror("count", activate="acme_mirror:Counting")]

class Counting:
    def __init__(self, workspace):
        self.events = 0
    def apply(self, run_id, batch):
        self.events += len(batch.events)
"""


class Mirrored(Plugged):
    """The thread that feeds it shares the interpreter with whoever logs."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.install("acme_mirror", MODULE)


if __name__ == "__main__":
    serve(Mirrored)
