"""Which strings may be the name of something, and how a name becomes a file name.

No name becomes a path unchecked: every path of the house is made here.
"""

import re
from pathlib import PurePosixPath

from .errors import ModelNameRefusedError, NameRefusedError

MOST = 4096
"""Characters in the longest name of a metric, tag, property or column."""

_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w-]{0,254}")
_WORKSPACE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_RUN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_SAFE = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.+=@,()\[\] -]{0,119}")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_PATH = 180
_OURS = frozenset({"journal", "about"})


def label(what: str, name: object) -> str:
    """Return the name of a metric, tag, property or column, byte for byte as it came.

    Raises
    ------
    NameRefusedError
        If it is no string, is longer than `MOST`, or holds a NUL or a lone surrogate.
    """
    if not isinstance(name, str):
        raise NameRefusedError(what, name, "expected a string")
    if len(name) > MOST:
        raise NameRefusedError(what, name, f"expected at most {MOST} characters")
    return text(what, name)


def text(what: str, value: str) -> str:
    """Return a string that can be stored, however long.

    Raises
    ------
    NameRefusedError
        If it holds a NUL or a lone surrogate.
    """
    if "\0" in value:
        raise NameRefusedError(what, value, "it holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NameRefusedError(what, value, "it holds a lone surrogate, which is no character") from None
    return value if type(value) is str else str.__str__(value)  # numpy.str_ and StrEnum are no JSON


def experiment(name: object) -> str:
    """Return the name of an experiment.

    Raises
    ------
    NameRefusedError
        If it does not begin with a letter or digit, goes on with others than letters, digits, ``-`` and ``_``,
        or is longer than 255 characters.
    """
    return _checked("experiment name", name, _EXPERIMENT, "letters, digits, - and _, first a letter or digit, 1 to 255")


def workspace(name: object) -> str:
    """Return the name of a workspace.

    Raises
    ------
    NameRefusedError
        If it is not 3 to 33 letters, digits, ``-`` and ``_``, the first a letter or digit.
    """
    return _checked("workspace name", name, _WORKSPACE, "letters, digits, - and _, first a letter or digit, 3 to 33")


def run(run_id: object) -> str:
    """Return the id of a run, which is also the name of its folder.

    Raises
    ------
    NameRefusedError
        If it is not 1 to 255 letters, digits, ``-``, ``_`` and ``.``, the first a letter or digit, or a name that
        some platform reserves.
    """
    name = _checked("run id", run_id, _RUN, "letters, digits, -, _ and ., first a letter or digit, 1 to 255")
    if name.endswith(".") or _RESERVED.fullmatch(name):
        raise NameRefusedError("run id", name, "it is reserved on some platform, or ends in a dot")
    return name


def model(name: object) -> str:
    """Return the name of a registered model.

    Raises
    ------
    ModelNameRefusedError
        If it is not 1 to 255 letters, digits, ``-``, ``_`` and ``.``, the first a letter or digit.
    """
    if not isinstance(name, str) or not _MODEL.fullmatch(name):
        wanted = "expected letters, digits, -, _ and ., first a letter or digit, 1 to 255 characters"
        raise ModelNameRefusedError("model name", name, wanted)
    return name


def artifact(name: object) -> str:
    """Return the name of a file of a run as a relative POSIX path, a leading ``./`` taken away.

    Raises
    ------
    NameRefusedError
        If it is absolute, has a drive, a ``..`` or an empty part, or a control character.
    """
    checked = label("artifact name", name).replace("\\", "/")
    while checked.startswith("./"):
        checked = checked[2:].lstrip("/")
    parts = checked.split("/")
    if checked.startswith("/") or re.match(r"[a-zA-Z]:", checked):
        raise NameRefusedError("artifact name", name, "it is absolute; expected a path relative to the run")
    if any(part in ("", ".", "..") for part in parts):
        raise NameRefusedError("artifact name", name, "expected a relative path without empty, . or .. parts")
    if _CONTROL.search(checked):
        raise NameRefusedError("artifact name", name, "it holds a control character")
    return checked


def path_of(name: str) -> PurePosixPath:
    """Return where the artifact `name` lies below its run's folder.

    A name that is safe on every platform is its own path; any other, and every name below a folder of ours, lies
    in ``escaped/`` under its hash, with its suffix kept.
    """
    path = PurePosixPath(name)
    if path.parts[0].lower() not in _OURS | {"escaped"} and all(map(_safe, path.parts)) and len(name) <= _LONGEST_PATH:
        return path
    return escaped(name)


def escaped(name: str) -> PurePosixPath:
    """Return the path of a name that cannot be its own path: its hash, with the suffix kept."""
    suffix = PurePosixPath(name).suffix
    kept = suffix if re.fullmatch(r"\.[a-zA-Z0-9]{1,10}", suffix) else ""
    return PurePosixPath("escaped", digest(name) + kept)


def folder(name: str) -> str:
    """Return the folder name of an experiment or model: its own where that is safe on every platform, else a hash."""
    return name if _safe(name) else "x-" + digest(name)


def digest(name: str) -> str:
    """Return 32 hexadecimal digits that stand for a name."""
    from hashlib import sha256

    return sha256(name.encode()).hexdigest()[:32]


def _safe(part: str) -> bool:
    """Tell whether every platform takes this as a file name and gives it back unchanged."""
    return bool(_SAFE.fullmatch(part)) and part[-1] not in ". " and not _RESERVED.fullmatch(part)


def _checked(what: str, name: object, rule: re.Pattern[str], wanted: str) -> str:
    if not isinstance(name, str) or not rule.fullmatch(name):
        raise NameRefusedError(what, name, f"expected {wanted} characters")
    return name
