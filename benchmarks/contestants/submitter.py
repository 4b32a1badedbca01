"""What those who run scripts in the background are asked; standard library only."""

from __future__ import annotations

from typing import ClassVar

from contestant import Contestant, Timings


class Submitter(Contestant):
    """A way to run scripts. A subclass has the verbs it can answer."""

    SCRIPTS: ClassVar[dict[str, str]] = {
        "first": "import time; print(time.time_ns(), flush=True)",
        "print": "print(1)",
        "metric": "from azml_integrations import Run; Run.get_context().log('m', 1.0)",
    }

    def prepare(self) -> None:
        """Write the scripts."""
        self.source = self.home / "source"
        self.source.mkdir()
        for name, text in self.SCRIPTS.items():
            (self.source / f"{name}.py").write_text(text)

    def first_line(self, times: int, living: bool) -> Timings:
        """Run a script until its first line is printed, with a launcher alive before or not."""
        raise NotImplementedError

    def many(self, script: str, count: int, queued: bool) -> Timings:
        """Run a script so many times, two at once; where that is a difference, from when all of them wait."""
        raise NotImplementedError
