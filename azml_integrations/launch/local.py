"""The launcher of this machine: one process that works off a queue, started when there is something in it."""

from collections.abc import Mapping

from . import channel
from .queue import Queue
from .ticket import Ticket


class LocalLauncher:
    """Has the scripts of a queue run here; keeps `records.Launcher`.

    Parameters
    ----------
    queue : Queue
        Whose.
    index : str, default=None
        Address of the workspace's index, where a plugin keeps it.
    """

    def __init__(self, queue: Queue, index: str | None = None) -> None:
        self._queue, self._index = queue, index

    def receive(self, ticket: Ticket, secrets: Mapping[bytes, bytes]) -> None:
        """Hand secrets to the process that works off the queue, in memory."""
        if secrets:
            channel.hand_over(self._queue, self._index, channel.Message(ticket.run_id, dict(secrets)))

    def attend(self, run_id: str) -> None:
        """Wake that process, or start it."""
        channel.ensure(self._queue, self._index)

    cancel = attend
