"""An account of a run as HTML: a page of its own, or what stands in a notebook's cell."""

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from .._version import __version__
from ..records import MetricSummary, RunRecord
from ..units import duration, size
from . import style
from .account import Account, Grid
from .charts import Chart, svg
from .evaluation import Evaluation, Matrix
from .family import Child, Family
from .files import Picture
from .markup import clipped, escaped, moment, number, pairs, table

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser may do for a report: show it. No script, no request, wherever the file lies."""


def page(told: Account) -> str:
    """Return a complete document that needs nothing else: no server, no script, no other file."""
    title = escaped(f"{told.label}: {told.record.status}")
    written = f"Written {moment(told.at)} by azml_integrations {__version__}."
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f'<title>{title}</title><link rel="icon" href="data:,"><style>{style.page()}{style.fragment()}</style></head>'
        f'<body class="azml-page"><main><div class="azml">{"".join(_sections(told, top=1))}</div></main>'
        f"<footer>{escaped(written)}</footer></body></html>"
    )


def fragment(told: Account) -> str:
    """Return what stands in a cell of a notebook: one element with its own style."""
    return f'<div class="azml"><style>{style.fragment()}</style>{"".join(_sections(told, top=3))}</div>'


def _sections(told: Account, top: int) -> Iterator[str]:
    """Yield the parts; the title is a heading of rank `top`."""
    yield _head(told, top)
    yield _error(told)
    if told.family is not None:
        yield from _family(told, told.family)
    yield _metrics(told)
    yield _figures(told.charts, "Charts", told.left_out["chart"])
    yield from _evaluations(told)
    yield _pictures(told)
    yield from _grids(told)
    yield _terms("Parameters", told.parameters, told)
    yield _terms("Tags", {key: value or "" for key, value in told.record.tags.items()}, told)
    yield _log(told)
    yield _files(told)
    yield _folded("Properties", _listed(told.properties, told)) if told.properties else ""
    yield _notes(told)


# -- the head ----------------------------------------------------------------------------------------


def _head(told: Account, rank: int) -> str:
    record = told.record
    status = f'<span class="azml-status azml-{escaped(record.status)}">{escaped(record.status)}</span>'
    facts = {
        "experiment": escaped(record.experiment),
        "run": escaped(record.number),
        "id": f'<span class="azml-id">{escaped(record.run_id)}</span>',
        "type": escaped(record.type or ""),
        "child of": escaped(record.parent_id or ""),
        "started": escaped(moment(record.started_at)),
        "took": "" if told.taken is None else escaped(duration(told.taken)) + (" so far" if not record.ended else ""),
        "by": escaped(" on ".join(filter(None, (record.user, record.host)))),
        "target": escaped(record.target),
        "workspace": escaped(told.workspace),
    }
    shown = "".join(f"<span><b>{name}</b>{value}</span>" for name, value in facts.items() if value)
    remark = f' <span class="azml-soft">{escaped(told.remark)}</span>' if told.remark else ""
    described = (
        f'<p class="azml-described">{escaped(clipped(record.description, 20_000))}</p>' if record.description else ""
    )
    link = f"<span>{_studio(told.address, 'Page in the studio')}</span>"
    return (
        f"<header><h{rank}>{escaped(clipped(told.label, 200))}</h{rank}><div>{status}{remark}</div>"
        f'<div class="azml-facts">{shown}{link}</div>{described}</header>'
    )


def _studio(address: str, words: str) -> str:
    if not address.startswith(("http://", "https://", "/")):
        return ""
    return f'<a href="{escaped(address)}" target="_blank" rel="noopener noreferrer">{escaped(words)}</a>'


def _error(told: Account) -> str:
    error = told.record.error
    if error is None:
        return ""
    lines = escaped(clipped(error.trace or "", 100_000))
    trace = f'<details><summary>Traceback</summary><pre tabindex="0">{lines}</pre></details>'
    return (
        f'<section class="azml-error" aria-label="Error"><b>{escaped(error.type or error.code)}</b> '
        f'<span class="azml-described">{escaped(clipped(error.message, told.extent.characters * 4))}</span>'
        f"{trace if error.trace else ''}</section>"
    )


# -- metrics -----------------------------------------------------------------------------------------


def _metrics(told: Account) -> str:
    most = told.extent.rows if told.extent.rows < 100 else len(told.scalars)  # noqa: PLR2004 - a file has them all
    if not (shown := told.scalars[:most]):
        return ""
    rows = ([escaped(clipped(one.name, 200)), *map(escaped, _of_metric(one, told))] for one in shown)
    content = table(("Metric", "Last", "Lowest", "Highest", "Points"), rows, numbers=range(1, 5))
    return _section("Metrics", content + _more(len(told.scalars) - len(shown), "metric"))


def _of_metric(one: MetricSummary, told: Account) -> Iterable[str]:
    last = one.last_value if one.kind == "scalar" else one.last
    yield clipped(number(last), min(told.extent.characters, 300))
    if one.last is not None and (one.count > 1 or one.kind == "list"):
        yield from (number(one.min), number(one.max))
    else:
        yield from ("", "")
    yield f"{one.count:,}"


def _figures(charts: Sequence[Chart], title: str, left: int = 0) -> str:
    if not charts:
        return ""
    return _section(title, _grid(map(_figure, charts)) + _more(left, "chart"))


def _figure(chart: Chart) -> str:
    said = f"<figcaption>{escaped(clipped(chart.remark, 300))}</figcaption>" if chart.remark else ""
    return f"<figure><h3>{escaped(clipped(chart.title, 120))}</h3>{svg(chart)}{said}</figure>"


def _grid(parts: Iterable[str]) -> str:
    return f'<div class="azml-grid-of">{"".join(parts)}</div>'


def _grids(told: Account) -> Iterator[str]:
    if not told.grids:
        return
    parts = "".join(_logged_table(grid, told.extent.characters) for grid in told.grids)
    yield _section("Tables", parts + _more(told.left_out["table"], "table"))


def _logged_table(grid: Grid, most: int) -> str:
    columns = list(grid.columns.values())
    shown = max(map(len, columns), default=0)
    right = [place for place, column in enumerate(columns) if all(isinstance(one, (int, float)) for one in column)]
    rows = (
        [escaped(clipped(number(column[row]), most)) if row < len(column) else "" for column in columns]
        for row in range(shown)
    )
    cut = [f"{shown:,} of {grid.rows:,} rows"] if shown < grid.rows else []
    cut += [f"{len(columns):,} of {grid.wide:,} columns"] if len(columns) < grid.wide else []
    said = f"{grid.name} ({', '.join(cut)})" if cut else grid.name
    return table(map(str, grid.columns), rows, numbers=right, caption=said)


def _evaluations(told: Account) -> Iterator[str]:
    if told.evaluations:
        parts = (part for one in told.evaluations for part in _evaluation(one))
        yield _section("Evaluation", _grid(parts) + _more(told.left_out["evaluation"], "evaluation"))


def _evaluation(one: Evaluation) -> Iterator[str]:
    if one.matrix is not None:
        yield f"<figure><h3>{escaped(one.name)}</h3>{_matrix(one.matrix)}</figure>"
    elif one.amiss:
        yield f"<div><h3>{escaped(one.name)}</h3><p>{escaped(one.amiss)}</p></div>"
    yield from map(_figure, one.charts)


def _matrix(matrix: Matrix) -> str:
    heads = "".join(f'<th scope="col">{escaped(label)}</th>' for label in matrix.classes)
    rows = "".join(
        f'<tr><th scope="row">{escaped(label)}</th>{"".join(_shaded(counts))}</tr>'
        for label, counts in zip(matrix.classes, matrix.counts, strict=True)
    )
    return (
        f'<div class="azml-wide" tabindex="0"><table class="azml-matrix"><thead><tr><th scope="col">true \\ predicted'
        f"</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _shaded(counts: Sequence[float]) -> Iterator[str]:
    whole = sum(count for count in counts if math.isfinite(count) and count > 0) or 1.0
    for count in counts:
        share = min(1.0, max(0.0, count / whole)) if math.isfinite(count) else 0.0
        yield f'<td style="--azml-share:{share:.3f}">{escaped(f"{count:g}")}</td>'


def _pictures(told: Account) -> str:
    if not told.pictures:
        return ""
    return _section("Pictures", _grid(map(_picture, told.pictures)) + _more(told.left_out["picture"], "picture"))


def _picture(one: Picture) -> str:
    if not one.content:
        shown = f"<p>{escaped(one.amiss)}</p>"
    else:
        content = b64encode(one.content).decode()
        shown = f'<img alt="{escaped(one.title)}" src="data:{one.mime};base64,{content}">'
    named = f"<figcaption>{escaped(one.name)}</figcaption>" if one.name != one.title else ""
    return f"<figure><h3>{escaped(clipped(one.title, 120))}</h3>{shown}{named}</figure>"


# -- children ----------------------------------------------------------------------------------------


def _family(told: Account, kin: Family) -> Iterator[str]:
    yield _figures(kin.charts, "Scores")
    stand = ", ".join(f"{n:,} {status}" for status, n in kin.counts.items())
    goal = f", {kin.goal} {kin.primary}" if kin.goal else ""
    apart = {name for name in kin.parameters if name in kin.metrics}
    heads = [
        *("Run", "Status"),
        *kin.parameters,
        *(f"{name} (metric)" if name in apart else name for name in kin.metrics),
        "Took",
    ]
    rows = [_child(child, kin, told) for child in kin.children]
    caption = f"{kin.total:,} runs: {stand}{goal}"
    content = table(
        [clipped(name, 60) for name in heads],
        rows,
        numbers=range(2, len(heads)),
        caption=caption,
    )
    yield _section("Children", content + _more(kin.total - len(kin.children), "run"))


def _child(child: Child, kin: Family, told: Account) -> list[str]:
    record = child.record
    name = record.display_name or record.name or f"{record.experiment} #{record.number}"
    linked = _studio(_beside(told, record), clipped(name, 80)) or escaped(clipped(name, 80))
    best = " <b>best</b>" if record.run_id == kin.best else ""
    return [
        f'{linked}{best} <span class="azml-id azml-soft">{escaped(clipped(record.run_id, 60))}</span>',
        f'<span class="azml-status azml-{escaped(record.status)}">{escaped(record.status)}</span>',
        *(escaped(clipped(number(child.parameters.get(name)), 80)) for name in kin.parameters),
        *(escaped(clipped(number(child.metrics.get(name)), 80)) for name in kin.metrics),
        escaped(_took(record)),
    ]


def _beside(told: Account, record: RunRecord) -> str:
    """Return the address of a child's page: it lies beside the parent's."""
    head, found, _ = told.address.rpartition(told.record.run_id)
    return f"{head}{record.run_id}" if found else ""


def _took(record: RunRecord) -> str:
    if record.started_at is None or record.ended_at is None:
        return ""
    return duration(max(0.0, record.ended_at - record.started_at))


# -- all else ----------------------------------------------------------------------------------------


def _terms(title: str, facts: dict[str, str], told: Account) -> str:
    return _section(title, _listed(facts, told)) if facts else ""


def _listed(facts: Mapping[str, str], told: Account) -> str:
    """Return names and values, as many as are told."""
    shown = dict(islice(facts.items(), told.extent.lines))
    return pairs(shown, told.extent.characters) + _more(len(facts) - len(shown), "value")


def _log(told: Account) -> str:
    if told.log is None:
        return ""
    before = f'<p class="azml-soft">{size(told.log.left_out)} stand before this.</p>' if told.log.left_out else ""
    return _section(
        f"End of {told.log.name}", f'{before}<pre tabindex="0" aria-label="Log">{escaped(told.log.text)}</pre>'
    )


def _files(told: Account) -> str:
    if not told.files:
        return ""
    shown = told.files[: told.extent.files]
    rows = ([escaped(clipped(one.name, 300)), escaped(size(one.size)), escaped(moment(one.at))] for one in shown)
    content = table(("File", "Size", "Stored"), rows, numbers=(1,)) + _more(len(told.files) - len(shown), "file")
    return _folded(f"Files ({len(told.files):,})", content)


def _notes(told: Account) -> str:
    lines = [f"{note.source}: {note.message}" for note in told.record.notes]
    if told.record.damaged:
        lines.append(f"{told.record.damaged:,} lines of the journal could not be read; azml doctor says more")
    if not lines:
        return ""
    items = "".join(f"<li>{escaped(clipped(line, told.extent.characters))}</li>" for line in lines[:100])
    return _section("Notes", f"<ul>{items}</ul>{_more(len(lines) - 100, 'note')}")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escaped(title)}</h2>{content}</section>"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escaped(title)}</summary>{content}</details>"


def _more(left: int, what: str) -> str:
    if left <= 0:
        return ""
    return f'<p class="azml-soft">{left:,} more {what}{"" if left == 1 else "s"} not shown here.</p>'
