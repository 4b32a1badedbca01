"""What shows runs in a browser: a store that is filled with the same runs, and a server that is asked about them."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
from pathlib import Path

from contestant import Contestant, clock, started_by


class Viewer(Contestant):
    """A server that shows runs. A subclass fills its store, starts the server, and knows how it is asked."""

    _server: subprocess.Popen[bytes]
    _connection: http.client.HTTPConnection

    def fill_table(self, runs: int) -> None:
        """Store ended runs as `told`, by the fastest way that leaves a usual store."""
        raise NotImplementedError

    def fill_charts(self, points: int, charts: int) -> None:
        """Store a run with one metric of so many points, and one with so many metrics of 1,000 points."""
        raise NotImplementedError

    def serve(self) -> None:
        """Start the server, and return when it answers."""
        raise NotImplementedError

    def request(self, question: str) -> tuple[str, str, bytes | None]:
        """Method, path and body of a question to the server."""
        raise NotImplementedError

    def names(self, question: str) -> list[str]:
        """The names of the runs that answer a question."""
        raise NotImplementedError

    def page(self, what: str) -> dict[str, object]:
        """Where a browser finds the "table" or the "charts", and by which selector they are seen."""
        raise NotImplementedError

    def measure(self, question: str, times: int) -> list[list[int]]:
        """Ask so many times over one connection.

        Each time: what it took [ns], the processor time of the server [ns], and the size of the answer [bytes].
        """
        method, path, body = self.request(question)
        self.connect()
        found = []
        for _ in range(times):
            spent, began = self._spent(), clock()
            length = len(self.send(method, path, body))
            took = clock() - began
            found.append([took, self._spent() - spent, length])
        return found

    def send(self, method: str, path: str, body: bytes | None = None, *, packed: bool = True) -> bytes:
        """Send a request over the connection that is kept open; the body of the answer, as it came.

        Raises
        ------
        ValueError
            If it was refused.
        ConnectionError
            If nobody answered.
        """
        headers = {"Accept-Encoding": "gzip"} if packed else {}
        headers |= {"Content-Type": "application/json"} if body else {}
        try:
            self._connection.request(method, path, body, headers | self.headers())
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionError(f"no answer to {path.partition('?')[0]}: {error}") from error
        if answer.status != http.client.OK:
            raise ValueError(f"{path[:60]} answered {answer.status}: {content[:200]!r}")
        return content

    def connect(self) -> None:
        """Open the connection anew: the server closes one that nothing has come over for a while."""
        self._connection.close()
        self._connection.connect()

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {}

    def _spent(self) -> int:
        """Processor time of the server and the processes that it has started [ns]."""
        members = [str(self._server.pid), *started_by(self._server.pid)]
        return sum(map(_ran, members))


def _ran(pid: str) -> int:
    total = 0
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total
