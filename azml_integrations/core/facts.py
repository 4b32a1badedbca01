"""What stands beside a run about where it came from: git, script, packages, arguments; never a secret.

Git facts come from the files of ``.git`` without starting a process; only whether the tree is dirty needs git
itself, which is asked in the background and answers when the run ends.
"""

import configparser
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

REDACTED = "***"
_SECRET = re.compile(
    r"(?i)pass(word|wd|phrase)|secret|token(?!i)|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|credential|"
    r"connection[-_]?string|(?<![a-z])(pass|sas|auth|pwd)(?![a-z])"
)


# -- git ---------------------------------------------------------------------------------------------


def git(start: Path) -> dict[str, str]:
    """Return SDK v1's git properties of the tree around a folder; empty outside one or where git's files are odd."""
    try:
        folder = _git_folder(start)
        return _facts(folder) if folder else {}
    except (OSError, ValueError, configparser.Error):
        return {}


def _git_folder(start: Path) -> Path | None:
    for parent in (start, *start.parents):
        candidate = parent / ".git"
        if candidate.is_dir():
            return candidate
        if candidate.is_file():  # a worktree or submodule points to its folder
            return (parent / candidate.read_text().removeprefix("gitdir:").strip()).resolve()
    return None


def _facts(folder: Path) -> dict[str, str]:
    common = folder / (folder / "commondir").read_text().strip() if (folder / "commondir").exists() else folder
    head = (folder / "HEAD").read_text().strip()
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else None
    commit = _commit(common, head.removeprefix("ref: ")) if branch else head
    facts = {"repository_uri": _remote(common / "config"), "branch": branch, "commit": commit}
    named = {f"azureml.git.{key}": value for key, value in facts.items() if value}
    words = {"repository_uri": "repoURL"}
    mirrored = {f"mlflow.source.git.{words.get(key, key)}": value for key, value in facts.items() if value}
    return named | mirrored


def _commit(common: Path, ref: str) -> str | None:
    if (common / ref).exists():
        return (common / ref).read_text().strip()
    if (common / "packed-refs").exists():
        for line in (common / "packed-refs").read_text().splitlines():
            if line.endswith(" " + ref):
                return line.split(" ")[0]
    return None


def _remote(config: Path) -> str | None:
    state = config.stat()
    return _remote_in(config, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _remote_in(config: Path, *_: int) -> str | None:
    """Return the address in a file that is as it was; to read it takes longer than to begin a run."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.read_string(re.sub(r"(?m)^\s+", "", config.read_text()))
    remotes = [section for section in parser.sections() if section.startswith("remote ")]
    chosen = 'remote "origin"' if 'remote "origin"' in remotes else next(iter(remotes), None)
    url = parser.get(chosen, "url", fallback=None) if chosen else None
    return without_user(url.strip().strip('"')) if url else None  # git quotes what holds a # or ;


_ADDRESS = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]*://)(?P<authority>[^/]*)(?P<path>[^?#]*)")


def without_user(url: str) -> str:
    """Return an address without user name, password and query; a password may hold any character but a slash."""
    parts = _ADDRESS.match(url)
    if parts is None:
        login, at, rest = url.rpartition("@")
        return f"{login.partition(':')[0]}{at}{rest}"  # git@host:path names a login; who:secret@host:path does more
    return parts["scheme"] + re.split(r"[?#]", parts["authority"].rpartition("@")[2])[0] + parts["path"]


class Dirtiness:
    """Whether a tree has uncommitted changes: asked in the background, answered when a run ends."""

    def __init__(self, start: Path) -> None:
        self._asked = _ask(start)
        self._answer: str | None = None

    def answer(self, patience: float) -> str | None:
        """Return ``"True"`` or ``"False"``; None when git is missing, failed, or takes too long [s]."""
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer = _heard(asked, patience)
        return self._answer


def at(start: Path) -> tuple[dict[str, str], Dirtiness]:
    """Return git's properties of a tree, and its dirtiness; many runs of one commit share one answer [30 s]."""
    found = git(start)
    return found, _dirtiness(start, found.get("azureml.git.commit"), round(time.monotonic() / 30))


@lru_cache(maxsize=1)
def _dirtiness(start: Path, _commit: str | None, _when: int) -> Dirtiness:
    return Dirtiness(start)


def _ask(start: Path) -> "subprocess.Popen[bytes] | None":
    if _git_folder(start) is None:
        return None
    command = ["git", "-C", str(start), "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]
    try:
        return subprocess.Popen(  # noqa: S603 - a fixed command
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


def _heard(asked: "subprocess.Popen[bytes]", patience: float) -> str | None:
    try:
        out, _ = asked.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.communicate()
        return None
    return str(bool(out.strip())) if asked.returncode == 0 else None


# -- program -----------------------------------------------------------------------------------------


def script() -> Path | None:
    """Return the file that this process runs, or None in a notebook, shell or frozen program."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    return _resolved(path) if path and not cells() else None


@lru_cache(maxsize=1)
def _resolved(path: str) -> Path:
    return Path(path).resolve()


def stem() -> str:
    """Return the name that this process's runs go under when nobody names an experiment."""
    path = script()
    name = path.parent.name if path and path.stem == "__main__" else path.stem if path else _notebook()
    return named_like(name or "")


def named_like(text: str) -> str:
    """Return the name of an experiment that is as near to a text as a name can be; ``default`` where none is."""
    cleaned = re.sub(r"[^\w-]+", "-", text).strip("-_")[:255]
    return cleaned if re.match(r"[a-zA-Z0-9]", cleaned) else "default"


def program() -> dict[str, str]:
    """Return texts that tell what ran, by file name: the script, or the notebook's cells so far."""
    if found := cells():
        return {"cells.py": "\n\n".join(f"# In[{n}]\n{cell}" for n, cell in found)}
    path = script()
    try:
        return {path.name: _text(path, path.stat().st_mtime_ns)} if path else {}
    except (OSError, UnicodeDecodeError):
        return {}


@lru_cache(maxsize=1)
def _text(path: Path, _: int) -> str:
    return path.read_text(encoding="utf-8")


def arguments() -> list[str]:
    """Return the command line with whatever looks like a secret taken out; bytes that are no text are escaped."""
    return redacted(word.encode("utf-8", "backslashreplace").decode() for word in sys.argv)


def is_secret(name: str) -> bool:
    """Tell whether an option or variable looks as if its value were a secret."""
    return bool(_SECRET.search(name))


def redacted(words: Iterable[str]) -> list[str]:
    """Return command-line words with the values of secret-looking options, and passwords in addresses, taken out."""
    cleaned, hide = [], False
    for word in words:
        option, equals, _ = word.partition("=")
        if hide and not word.startswith("-"):
            cleaned.append(REDACTED)
        elif equals and _SECRET.search(option):
            cleaned.append(f"{option}={REDACTED}")
        else:
            cleaned.append(re.sub(r"(://)[^/\s]+@", rf"\1{REDACTED}@", word))
        hide = word.startswith("-") and not equals and bool(_SECRET.search(word))
    return cleaned


def cells() -> list[tuple[int, str]]:
    """Return the cells that a notebook or IPython shell has run, with their numbers."""
    shell = _shell()
    source = getattr(shell, "user_ns", {}).get("In", []) if shell else []
    return [(n, cell) for n, cell in enumerate(source) if cell]


def _shell() -> object | None:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _notebook() -> str | None:
    """Return the stem of the notebook's file, where the front end tells it."""
    for variable in ("JPY_SESSION_NAME", "AZML_NOTEBOOK"):
        if path := os.environ.get(variable):
            return Path(path).stem
    shell = _shell()
    found = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__") if shell else None
    return Path(found).stem if isinstance(found, str) else None


# -- packages ----------------------------------------------------------------------------------------


@cache
def packages() -> str:
    """Return the installed distributions as ``name==version`` lines, read from folder names alone."""
    found: dict[str, str] = {}
    for entry in dict.fromkeys(sys.path):
        try:
            listed = [found.name for found in Path(entry or ".").iterdir()]
        except OSError:
            continue
        for name in listed:
            if name.endswith((".dist-info", ".egg-info")) and "-" in (base := name.rpartition(".")[0]):
                distribution, version = base.split("-")[:2]
                found.setdefault(distribution.replace("_", "-").lower(), version)
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))
