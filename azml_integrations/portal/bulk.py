"""One action for many runs: a page that says what would happen, and the request that does it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..core import Run
from ..core.trash import Outcome
from ..errors import AzmlError
from ..records import TrashEntry
from .catalogue import Entry
from .studio import Studio, label, nickname, of, query, quoted
from .table import Look, table

T = TypeVar("T")

SHOWN = 50
"""Runs that the page of an action names; the others are counted."""

PER_PAGE = 100
"""Entries on a page of the trash."""

TITLES = {
    "tag": "Tag",
    "untag": "Take a tag from",
    "archive": "Archive",
    "reactivate": "Take out of the archive",
    "cancel": "Cancel",
    "delete": "Move to the trash:",
    "restore": "Restore",
    "purge": "Delete for good:",
}
_COMMANDS = {
    "tag": "azml run tag {} KEY=VALUE",
    "untag": "azml run tag {} --remove KEY",
    "archive": "azml run archive {}",
    "reactivate": "azml run archive --undo {}",
    "cancel": "azml run cancel {}",
    "delete": "azml run delete {}",
    "restore": "azml trash restore {}",
    "purge": "azml trash purge {}",
}
_ONE_BY_ONE = ("tag", "untag")


class RunsAsked(msgspec.Struct, forbid_unknown_fields=True):
    """What a request wants done to runs.

    Attributes
    ----------
    action : str
        What.
    runs : list of str
        Ids of the runs.
    experiment, query : str
        In place of ids: all runs of an experiment that the query string of its page finds.
    count : int
        With `experiment`: how many these were when a person saw them; other than so many are refused.
    key, value : str
        Of a tag.
    """

    action: Literal["tag", "untag", "archive", "reactivate", "cancel", "delete"]
    runs: list[str] = []
    experiment: str | None = None
    query: str = ""
    count: int | None = None
    key: str | None = None
    value: str | None = None


class TrashAsked(msgspec.Struct, forbid_unknown_fields=True):
    """What a request wants done to entries of the trash.

    Attributes
    ----------
    action : str
        What.
    entries : list of str
        Ids of entries.
    older : float
        In place of ids: all that were deleted so many days ago.
    confirm : str
        Of a purge: ``purge`` and how many runs, as a person typed it.
    """

    action: Literal["restore", "purge"]
    entries: list[str] = []
    older: float | None = None
    confirm: str | None = None


@dataclass
class Result:
    """What became of it: how many were done, and which were refused and why."""

    action: str
    done: int
    refused: list[dict[str, str]]
    freed: int | None = None


# -- runs ----------------------------------------------------------------------------------------------


def chosen(studio: Studio, ids: Sequence[str], experiment: str | None, words: Iterable[tuple[str, str]]) -> list[Entry]:
    """Return the runs that are meant: those named, or all of an experiment that a table finds.

    Raises
    ------
    HTTPException
        400 if the filter cannot be read: it would find every run; 404 for a run that is not there.
    """
    if experiment is not None:
        found = table(studio.catalogue, experiment, Look.of(words))
        if found.problem:
            raise HTTPException(400, found.problem)
        return list(found.entries)
    entries = studio.catalogue.several(ids)
    missing = [run_id for run_id, entry in entries.items() if entry is None]
    if missing:
        raise studio.missing(missing[0])
    return [entry for entry in entries.values() if entry is not None]


def page(request: Request) -> Response:
    """Show what an action would do to runs, and ask for what it needs."""
    studio, words = of(request), request.query_params
    action = _known(words, RunsAsked)
    experiment = words.get("all")
    look = [(key, value) for key, value in words.multi_items() if key not in ("action", "runs", "all")]
    entries = chosen(studio, _listed(words, "runs"), experiment, look)
    ids = [entry.record.run_id for entry in entries]
    family = studio.catalogue.family(ids) if action == "delete" else []
    body: dict[str, Any] = {"action": action}
    body |= (
        {"runs": ids} if experiment is None else {"experiment": experiment, "query": _encoded(look), "count": len(ids)}
    )
    return studio.page(
        request,
        "bulk.html",
        action=action,
        title=TITLES[action],
        api="api/runs",
        body=body,
        back=_back(entries, experiment, look),
        rows=[(entry, _refusal(studio, action, entry)) for entry in entries[:SHOWN]],
        count=len(entries),
        children=max(0, len(family) - len(entries)),
        origins=studio.workspace.trash.origins(family) if family else [],
        keys=_tags(entries) if action in ("tag", "untag") else [],
        commands=_commands(action, ids),
    )


def _back(entries: Sequence[Entry], experiment: str | None, look: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the way back to where runs were chosen, and its name."""
    name = experiment or (entries[0].record.experiment if entries else None)
    if name is None:
        return "", "Experiments"
    return f"experiments/{quoted(name)}{'?' + _encoded(look) if look else ''}", name


def _refusal(studio: Studio, action: str, entry: Entry) -> str | None:
    """Return why an action will not be done to a run, as far as that can be told."""
    if action == "cancel" and entry.record.ended:
        return f"is {entry.record.status}: there is nothing to cancel"
    if action != "delete":
        return None
    why = studio.workspace.trash.refusal(entry.record.run_id)
    return why and _without_name(why, entry.record.run_id)


def _tags(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(key for entry in entries for key in entry.record.tags))


async def act_on_runs(request: Request) -> Response:
    """Do one action to many runs, and say of each that was refused why.

    ``{"action": "tag", "runs": ["..."], "key": "stage", "value": "draft"}``, or all that a table finds:
    ``{"action": "delete", "experiment": "ridge", "query": "q=mse>3000", "count": 12}``.
    """
    asked = _decoded(await request.body(), RunsAsked)
    result = await run_in_threadpool(_on_runs, of(request), asked)
    return JSONResponse(msgspec.to_builtins(result))


def _on_runs(studio: Studio, asked: RunsAsked) -> Result:
    if bool(asked.runs) == (asked.experiment is not None):
        raise HTTPException(400, "expected either runs or an experiment")
    if asked.action in ("tag", "untag") and not asked.key:
        raise HTTPException(400, f"{asked.action} expects the key of a tag")
    words = parse_qsl(asked.query, keep_blank_values=True)
    entries = chosen(studio, asked.runs, asked.experiment, words)
    if asked.experiment is not None and asked.count != len(entries):
        were = "nobody said how many it should be" if asked.count is None else f"it found {asked.count} before"
        raise HTTPException(409, f"the table finds {len(entries)} runs now, and {were}; look again")
    if asked.action == "delete":
        outcome = studio.workspace.trash.delete(*(entry.record.run_id for entry in entries))
        gone = outcome.run_ids
        done = sum(entry.record.run_id in gone for entry in entries)
        return Result("delete", done, _refused(outcome, {one.record.run_id: one for one in entries}))
    result = Result(asked.action, 0, [])
    for entry in entries:
        try:
            _do(studio, asked, entry)
        except AzmlError as error:
            result.refused.append(_said(entry, error.message))
        else:
            result.done += 1
    return result


def _do(studio: Studio, asked: RunsAsked, entry: Entry) -> None:
    run = studio.workspace.get_run(entry.record.run_id)
    try:
        _act(run, asked, entry)
    finally:
        run._journal.close()  # noqa: SLF001 - a page keeps no journal open
        studio.workspace.view.fold(run.id)


def _act(run: Run, asked: RunsAsked, entry: Entry) -> None:
    """Do an action to a run.

    Raises
    ------
    AzmlError
        If it cannot be done.
    """
    match asked.action:
        case "tag":
            run.tag(str(asked.key), asked.value or None)
        case "untag":
            run.remove_tags([str(asked.key)])
        case "archive":
            run.archive()
        case "reactivate":
            run.reactivate()
        case _:
            if entry.record.ended:
                raise AzmlError(f"is {entry.record.status}: there is nothing to cancel")
            run.cancel()


def _refused(outcome: Outcome, entries: dict[str, Entry]) -> list[dict[str, str]]:
    return [_said(entries[one], _without_name(why, one)) for one, why in outcome.refused.items()]


def _without_name(why: str, run_id: str) -> str:
    """Return a reason as it stands beside the run's name."""
    return why.removeprefix(f"run {run_id!r} ")


def _said(entry: Entry, why: str) -> dict[str, str]:
    return {"run_id": entry.record.run_id, "run": f"{label(entry.record)} #{entry.record.number}", "why": why}


# -- trash ---------------------------------------------------------------------------------------------


def trash(request: Request) -> Response:
    """Show what was deleted and can be restored."""
    studio = of(request)
    entries = studio.workspace.trash.list()
    pages = max(1, -(-len(entries) // PER_PAGE))
    asked = request.query_params.get("page", "1")
    place = min(pages, max(1, int(asked))) if asked.isdecimal() and len(asked) < 10 else 1  # noqa: PLR2004 - a page
    return studio.page(
        request,
        "trash.html",
        entries=entries[(place - 1) * PER_PAGE : place * PER_PAGE],
        count=len(entries),
        page=place,
        pages=pages,
        runs=sum(len(entry.run_ids) for entry in entries),
        length=sum(entry.size for entry in entries),
    )


def list_trash(request: Request) -> Response:
    """List what was deleted and can be restored, the last first."""
    return JSONResponse([msgspec.to_builtins(entry) for entry in of(request).workspace.trash])


def trash_page(request: Request) -> Response:
    """Show what an action would do to entries of the trash, and ask for what it needs."""
    studio, words = of(request), request.query_params
    action = _known(words, TrashAsked)
    older = _days(words.get("older"))
    entries, missing = in_trash(studio, _listed(words, "entries"), older)
    if missing:
        raise HTTPException(404, f"no {missing[0]} in the trash of workspace {studio.workspace.name}")
    body: dict[str, Any] = {"action": action}
    body |= {"entries": [entry.entry_id for entry in entries]} if older is None else {"older": older}
    purging = action == "purge"
    command = f"azml trash purge --older-than {older:g}" if purging and older is not None else None
    return studio.page(
        request,
        "trash_action.html",
        action=action,
        title=TITLES[action],
        api="api/trash",
        body=body,
        entries=entries[:SHOWN],
        count=len(entries),
        runs=sum(len(entry.run_ids) for entry in entries),
        length=sum(entry.size for entry in entries),
        phrase=phrase(entries) if purging else None,
        origins=studio.workspace.trash.origins(run for one in entries for run in one.run_ids) if purging else [],
        commands=[command] if command else _commands(action, [entry.entry_id for entry in entries]),
    )


def in_trash(studio: Studio, ids: Sequence[str], older: float | None) -> tuple[list[TrashEntry], list[str]]:
    """Return the entries that are meant, and the ids that are not there."""
    if older is not None:
        return studio.workspace.trash.older_than(older), []
    there = {entry.entry_id: entry for entry in studio.workspace.trash}
    return [there[one] for one in dict.fromkeys(ids) if one in there], [one for one in ids if one not in there]


def phrase(entries: Sequence[TrashEntry]) -> str:
    """Return what a person types to have entries purged: it holds how many runs that are."""
    return f"purge {sum(len(entry.run_ids) for entry in entries)}"


async def act_on_trash(request: Request) -> Response:
    """Restore or purge entries of the trash, and say of each that was refused why.

    ``{"action": "restore", "entries": ["..."]}``; ``{"action": "purge", "older": 30, "confirm": "purge 12"}``, with the
    number of runs that this deletes for good.
    """
    asked = _decoded(await request.body(), TrashAsked)
    result = await run_in_threadpool(_on_trash, of(request), asked)
    return JSONResponse(msgspec.to_builtins(result))


def _on_trash(studio: Studio, asked: TrashAsked) -> Result:
    if bool(asked.entries) == (asked.older is not None):
        raise HTTPException(400, "expected either entries or older")
    entries, missing = in_trash(studio, asked.entries, asked.older)
    if asked.action == "purge" and asked.confirm != phrase(entries):
        raise HTTPException(409, f"to delete these runs for good, confirm with: {phrase(entries)}")
    bin_ = studio.workspace.trash
    outcome = bin_.restore(*entries) if asked.action == "restore" else bin_.purge(*entries)
    named = {entry.entry_id: f"{entry.label or nickname(entry.run_id)} #{entry.number}" for entry in entries}
    why = {**outcome.refused, **dict.fromkeys(missing, "it is not in the trash any more")}
    refused = [{"entry_id": one, "run": named.get(one, one), "why": reason} for one, reason in why.items()]
    freed = outcome.freed if asked.action == "purge" else None
    return Result(asked.action, len(outcome.run_ids), refused, freed)


# -- parts ---------------------------------------------------------------------------------------------


def _decoded(body: bytes, kind: Callable[..., T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)  # type: ignore[no-any-return]  # one of the two
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"the body is not what was expected: {error}") from None


def _known(words: QueryParams, asked: type) -> str:
    """Return the action that an address names.

    Raises
    ------
    HTTPException
        404 if it is none.
    """
    actions = msgspec.json.schema(asked)["$defs"][asked.__name__]["properties"]["action"]["enum"]
    action = words.get("action", "")
    if action not in actions:
        raise HTTPException(404, f"expected an action: {', '.join(actions)}")
    return action


def _listed(words: QueryParams, key: str) -> list[str]:
    return [one for several in words.getlist(key) for one in several.split(",") if one]


def _days(text: str | None) -> float | None:
    try:
        days = None if text is None else float(text)
    except ValueError:
        days = -1.0
    if days is not None and not 0 <= days < 1e6:  # noqa: PLR2004 - NaN is refused, too
        raise HTTPException(400, f"expected a number of days, got {text!r}")
    return days


def _encoded(look: list[tuple[str, str]]) -> str:
    return query({key: [value for one, value in look if one == key] for key, _ in look})[1:]


def _commands(action: str, ids: Sequence[str]) -> list[str]:
    """Return what does the same where no script runs."""
    several = list(ids)[:SHOWN]
    if action in _ONE_BY_ONE:
        return [_COMMANDS[action].format(one) for one in several]
    return [_COMMANDS[action].format(" ".join(several))]


BODIES: dict[str, type] = {"/api/runs": RunsAsked, "/api/trash": TrashAsked}
"""What the requests of this room hold, by address."""

__all__ = ["BODIES", "act_on_runs", "act_on_trash", "list_trash", "page", "trash", "trash_page"]
