"""What `torch.profiler` has seen, as files of a run."""

import gzip
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_integrations import Run, current_run
from azml_integrations.autologging import stumble
from azml_integrations.errors import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.profiler import profile

SOURCE = "torch profiler"
MOST_ROWS = 100
"""Operations in the table of a trace."""


def trace_handler(run: Run | None = None, *, name: str = "trace") -> "Callable[[profile], None]":
    """Return what stores each trace of `torch.profiler` in a run, for its argument ``on_trace_ready``.

    A trace is ``outputs/profile/<name>.json.gz``, the next one ``<name>_2.json.gz``; Perfetto and ``chrome://tracing``
    open it. Beside it a table ``<name>_operations`` has the operations that took longest. What fails becomes a warning,
    and training goes on.

    Parameters
    ----------
    run : Run, default=None
        Where to; by default the run that is current when a trace is ready.
    name : str, default="trace"
        Of the files and the table.

    Returns
    -------
    callable
        ``handler(profile)``.

    Raises
    ------
    UserErrorException
        If `run` is no run, or `name` no plain file name.

    Examples
    --------
    >>> schedule = torch.profiler.schedule(wait=1, warmup=1, active=3)  # doctest: +SKIP
    >>> with torch.profiler.profile(schedule=schedule, on_trace_ready=trace_handler(run)) as profiler:  # doctest: +SKIP
    ...     for batch in loader:
    ...         train(batch)
    ...         profiler.step()
    """
    if run is not None and not hasattr(run, "upload_file"):
        raise UserErrorException(f"trace_handler got {run!r} as run; expected a Run, or None for the current one")
    if not isinstance(name, str) or not name.strip(". ") or "/" in name or "\\" in name:
        raise UserErrorException(f"trace_handler got name={name!r}; expected a plain file name")

    def handler(profiler: "profile") -> None:
        into = run
        try:
            into = run or current_run() or Run.get_context()
            _store(into, profiler, name)
        except Exception as error:  # noqa: BLE001 - it is called within the user's training
            stumble(SOURCE, error, into)

    return handler


def _store(run: Run, profiler: "profile", name: str) -> None:
    run.upload_file(_free(run, name), io.BytesIO(_trace(profiler)))
    table = _operations(profiler)
    if table["operation"]:
        run.log_table(f"{name}_operations", table)


def _trace(profiler: "profile") -> bytes:
    """Return a trace, packed."""
    with tempfile.TemporaryDirectory(prefix="azml-trace-") as folder:
        path = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(path))
        return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


def _free(run: Run, name: str) -> str:
    taken = set(run.get_file_names())
    candidates = (f"outputs/profile/{name}{f'_{n}' if n > 1 else ''}.json.gz" for n in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _operations(profiler: "profile") -> dict[str, list[Any]]:
    """Return what took longest by itself: how often it was called, and its time [µs] on the CPU and on a device."""
    events = sorted(
        profiler.key_averages(),
        key=lambda event: -(event.self_cpu_time_total + event.self_device_time_total),
    )[:MOST_ROWS]
    return {
        "operation": [event.key for event in events],
        "calls": [event.count for event in events],
        "cpu_time": [event.self_cpu_time_total for event in events],
        "device_time": [event.self_device_time_total for event in events],
    }
