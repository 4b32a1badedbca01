"""Runs a submitted script as ``python script.py`` would, in whatever interpreter was chosen for it.

`bootstrap` beside it is started by its path, and neither imports anything else of ours: the interpreter may know
nothing of this package. It adds three things to a plain start: output appears line by line, records of `logging`
reach the output whatever handler the script sets, and an exception that leaves the script is written down for whoever
submitted it.

Usage: ``bootstrap.py ABOUT KIND NAME [ARGUMENT ...]`` with KIND ``script`` or ``module``. In the folder ABOUT it leaves
word: ``began`` before the script's first line, ``ended.json`` after its last.
"""

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than many a script to run
if TYPE_CHECKING:
    from types import ModuleType, TracebackType
    from typing import Any


def main() -> None:
    """Run what the command line names."""
    about, kind, name = sys.argv[1:4]
    report = about + "/ended.json"
    write_down(about + "/began", "")
    sys.argv[:] = [name, *sys.argv[4:]]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a file's, as the launcher opened it
    if "logging" in sys.modules:  # something of the environment came first
        listen(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, Listener())
    try:
        if kind == "module":
            run_module(name)
        else:
            run_script(name)
    except SystemExit as leaving:
        write_down(report, in_parting(leaving.code))
        raise
    except BaseException as error:  # noqa: BLE001 - told as Python tells it, and written down
        error.__traceback__ = outside(error.__traceback__)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
        write_down(report, in_words(error, code))
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(code)
    write_down(report, '{"code": 0}')


def run_script(name: str) -> None:
    """Execute a file as the main module."""
    path = os.path.abspath(name)  # noqa: PTH100 - pathlib takes longer to import than all of this
    make_first(os.path.dirname(path))  # noqa: PTH120 - as above
    program = type(sys)("__main__")
    program.__dict__.update(__file__=path, __builtins__=__builtins__, __spec__=None, __cached__=None)
    keep.append(sys.modules["__main__"])
    sys.modules["__main__"] = program
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        source = file.read()
    exec(compile(source, path, "exec"), program.__dict__)  # noqa: S102 - what it is for


def run_module(name: str) -> None:
    """Execute a module as ``python -m`` would."""
    import runpy

    make_first(os.getcwd())  # noqa: PTH109 - as above
    keep.append(sys.modules["__main__"])
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def make_first(folder: str) -> None:
    """Look for modules in a folder where Python would, in place of ours."""
    sys.path[:1] = [] if getattr(sys.flags, "safe_path", False) else [folder]


keep: "list[object]" = []
"""Modules that must not be cleared while the script runs."""


def outside(trace: "TracebackType | None") -> "TracebackType | None":
    """Return a traceback without the frames of this file and of what started the module."""
    ours = (__file__, "<frozen runpy>")
    while trace is not None and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return trace


def exit_code(given: object) -> int:
    """Return the exit code that Python makes of what ``sys.exit`` was given."""
    if given is None:
        return 0
    return given & 0xFF if isinstance(given, int) else 1


def in_parting(given: object) -> str:
    """Return what is written down of what ``sys.exit`` was given: its exit code, and its text if it was one."""
    if not isinstance(given, str):
        return '{"code": %d}' % exit_code(given)  # noqa: UP031 - every interpreter can
    import json

    told = given.encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps({"code": exit_code(given), "message": told})


def in_words(error: BaseException, code: int) -> str:
    """Return an exception's type, message and traceback as JSON."""
    import json
    import traceback

    try:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        told = [text.encode("utf-8", "backslashreplace").decode("utf-8") for text in (str(error), trace)]
        return json.dumps({"code": code, "type": type(error).__name__, "message": told[0], "trace": told[1]})
    except Exception:  # noqa: BLE001 - one that cannot be told
        return json.dumps({"code": code, "type": type(error).__name__, "message": "", "trace": ""})


def write_down(report: str, said: str) -> None:
    """Leave word of how the script ended, for a launcher that is not there to see it."""
    partial = "%s.%d" % (report, os.getpid())  # noqa: UP031 - every interpreter can
    try:
        with open(partial, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123 - as above
            file.write(said)
        os.replace(partial, report)  # noqa: PTH105 - as above
    except OSError:
        pass  # a full disk; the exit code still speaks


class Listener:
    """Waits for the script to import `logging`: most never do, and it takes longer to import than they to start."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> "Any":
        """Answer for ``logging`` only, with the module's own spec and a loader that listens."""
        if name != "logging":
            return None
        from importlib.util import find_spec

        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            self.execute = spec.loader.exec_module
            spec.loader.exec_module = self.exec_module  # type: ignore[method-assign]
        return spec

    def exec_module(self, module: "ModuleType") -> None:
        """Execute the module, then listen to its records."""
        self.execute(module)
        listen(module)


def listen(logging: "Any") -> None:
    """Let records that only went elsewhere, into a file say, reach the output too."""
    call_handlers = logging.Logger.callHandlers
    formatter = logging.Formatter("%(levelname)s:%(name)s:%(message)s")

    def hear(logger: "Any", record: "Any") -> None:
        call_handlers(logger, record)
        try:
            if went_elsewhere(logger, record):
                sys.stderr.write(formatter.format(record) + "\n")
        except Exception:  # noqa: BLE001, S110 - a record that cannot be formatted is its handlers' matter
            pass

    def went_elsewhere(logger: "Any", record: "Any") -> bool:
        """Tell whether some handler took the record, and none of them writes to the output."""
        took = [handler for handler in handlers_of(logger) if record.levelno >= handler.level]
        return bool(took) and all(is_plain(handler) for handler in took)

    def handlers_of(logger: "Any") -> "list[Any]":
        found = []
        while logger is not None:
            found += [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)]
            logger = logger.parent if logger.propagate else None
        return found

    def is_plain(handler: object) -> bool:
        """Tell whether a handler is one of Python's own, and writes elsewhere than to the output."""
        output = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        return (
            type(handler).__module__ in ("logging", "logging.handlers")
            and getattr(handler, "stream", None) not in output
        )

    hear.__wrapped__ = call_handlers  # type: ignore[attr-defined]
    logging.Logger.callHandlers = hear
    for name in ("matplotlib", "PIL"):  # they tell each font they look at to whoever asks for everything
        logging.getLogger(name).setLevel(logging.INFO)
