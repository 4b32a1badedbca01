"""A run as one HTML file: whole, well-formed, and in which nothing that a user says is markup."""

import re
from base64 import b64decode
from itertools import pairwise

import pytest

from azml_integrations import report
from azml_integrations.errors import PluginWarning, StoreError, UserErrorException
from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import plugins

ATTRIBUTES = frozenset(
    [
        "aria-label",
        "charset",
        "class",
        "content",
        "cx",
        "cy",
        "d",
        "height",
        "href",
        "http-equiv",
        "lang",
        "name",
        "r",
        "rel",
        "role",
        "scope",
        "src",
        "style",
        "tabindex",
        "target",
        "text-anchor",
        "transform",
        "viewbox",
        "width",
        "x",
        "y",
        "alt",
    ]
)
ELEMENTS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "main",
        "div",
        "header",
        "footer",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "span",
        "b",
        "a",
        "svg",
        "path",
        "text",
        "circle",
        "figure",
        "figcaption",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "dl",
        "dt",
        "dd",
        "ul",
        "li",
        "pre",
        "details",
        "summary",
        "img",
    ]
)


def test_everything_of_a_run_is_there(rich, read):
    """Whoever gets the file needs nothing else to judge the run."""
    page = read(rich.to_html())

    assert page.open == []
    for word in ("Completed", rich.id, "trials", "mse_loss", "0.97", "alpha", "draft", "fibonacci", "adapter"):
        assert word in page.text
    shown = {attrs["aria-label"].partition(":")[0] for attrs in page.all("svg")}
    assert {"mse_loss", "fibonacci", "sine", "my residuals", "my predictions", "my accuracy_table"} <= shown
    assert len(page.all("svg")) == 7  # the accuracy table is two
    assert "30 points, 1 of them no finite number" in page.text


def test_what_users_say_is_no_markup(rich, read):
    """Names, values, tags, columns, classes, notes and log lines come from anywhere."""
    document = rich.to_html()
    page = read(document)

    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert {name for _, attrs in page.elements for name in attrs} <= ATTRIBUTES
    assert "\u202e" not in document
    assert page.text.count("<script>alert('x')</script>") > 12  # it is shown, as text


def test_a_file_asks_for_nothing(rich, read):
    """No script, no other file, no server; the studio is a link that somebody may follow."""
    page = read(rich.to_html())

    assert [attrs["href"] for attrs in page.all("link")] == ["data:,"]
    assert all(attrs["src"].startswith("data:image/") for attrs in page.all("img"))
    assert {attrs["href"].split("/runs/")[0] for attrs in page.all("a")} == {"http://127.0.0.1:8484"}
    assert not re.search(r"@import|url\(", report.fragment(report.account(rich)).split("</style>")[0])
    (policy,) = [attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_a_picture_of_a_user_is_never_part_of_the_page(rich, read):
    """An SVG may hold scripts and addresses; as the source of an image it is only a picture."""
    (image,) = read(rich.to_html()).all("img")
    kind, _, content = image["src"].partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert b"document.title" in b64decode(content)
    assert image["alt"] == "vector"


def test_a_sweep_shows_which_child_is_best(sweep, read):
    """The table is ranked by the primary metric, and its scores are drawn against what was varied."""
    document = sweep.to_html()
    page = read(document)

    rows = [line for line in document.split("<tr>")[1:] if "azml-status" in line]
    assert len(rows) == 6
    assert "<b>best</b>" in rows[0]
    assert ">3000<" in rows[0]
    assert "Failed" in rows[-1]
    assert document.count("<b>best</b>") == 1
    assert "6 runs: 5 Completed, 1 Failed, minimize mse" in page.text
    assert "fit_intercept" not in page.text.split("Children")[1].split("Took")[0]  # it does not differ
    shown = [attrs["aria-label"].partition(":")[0] for attrs in page.all("svg")]
    assert shown == ["mse of the children", "mse against alpha"]
    best = next(iter(sorted(sweep.get_children(), key=lambda child: child.number)[2:3]))
    assert f"/runs/{best.id}" in rows[0]


def test_a_failure_says_why(experiment, read):
    """The reason stands on top, with the traceback."""
    with pytest.raises(ZeroDivisionError), experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        1 / 0  # noqa: B018 - it is the fault
    page = read(run.to_html())
    assert "ZeroDivisionError" in page.text
    assert "test_a_failure_says_why" in page.text


def test_a_run_that_goes_on_can_be_written(run, read):
    """What there is so far, said to be so far."""
    page = read(run.to_html())
    assert "Running" in page.text
    assert "so far" in page.text


def test_headings_tables_and_charts_can_be_heard(rich, sweep, read):
    """One title, no rank left out, heads of rows and columns, words for every chart, names for every picture."""
    for run in (rich, sweep):
        page = read(run.to_html())
        ranks = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert ranks[0] == 1
        assert ranks.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(ranks))
        assert all("scope" in attrs for attrs in page.all("th"))
        assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in page.all("svg"))
        assert all(attrs["alt"] for attrs in page.all("img"))
        assert page.all("html") == [{"lang": "en"}]


# -- how much ----------------------------------------------------------------------------------------


def test_a_million_points_are_a_small_chart_that_says_so(run, read):
    """A chart has the lowest and highest of each part, and the true count beside it."""
    for begin in range(0, 100_000, 10_000):
        places = list(range(begin, begin + 10_000))
        run._append(run._in_columns({"loss": [float(i % 977) for i in places]}, places, [1.7e9 + i for i in places]))

    told = report.account(run)

    assert len(report.svg(told.charts[0])) < 20_000
    ys = [y for _, y in told.charts[0].curves[0].points]
    assert (min(ys), max(ys), len(ys) <= 600) == (0.0, 976.0, True)
    assert re.search("[56][0-9][0-9] of 100,000 points drawn", read(run.to_html()).text)


def test_what_is_left_out_is_counted(run, read, tmp_path):
    """Nothing is cut silently: charts, rows, children, pictures."""
    for n in range(9):
        run.log_list(f"curve {n}", [1, 2, 3])
    run.log_table("long", {"a": ["x"] * 40, "b": [1] * 40, "c": [2] * 40})
    run.create_children(23)
    for n in range(6):
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100 if n else 300_000))
        run.log_image(f"picture {n}", path=str(tmp_path / "a.png"))

    text = read(report.fragment(report.account(run, report.GLANCE))).text

    for words in (
        "3 more charts not shown here",
        "long (12 of 40 rows)",
        "3 more runs not shown here",
        "2 more pictures not shown here",
        "300.0 kB, not taken in here",
    ):
        assert words in text


def test_a_file_that_is_gone_leaves_the_page_alone(rich, read):
    """One damaged picture or evaluation is a sentence, not the end of the report."""
    (rich._folder / "my residuals").unlink()
    (rich._folder / "evil.svg").unlink()
    page = read(rich.to_html())
    assert page.text.count("it cannot be read") == 2
    assert "mse_loss" in page.text


# -- the verb and its hook ---------------------------------------------------------------------------


def test_the_file_is_whole_or_untouched(run, tmp_path):
    """What lay there is replaced at once; a folder that is not there is an error of ours."""
    assert run.to_html(tmp_path / "run.html") is None
    assert (tmp_path / "run.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(StoreError):
        run.to_html(tmp_path / "nowhere" / "run.html")
    assert [path.name for path in tmp_path.glob("*partial*")] == []


def test_a_plugin_may_draw_runs_its_own_way(run):
    """The first answer wins, and the core's own comes last."""

    class Plugin:
        @hookimpl
        def azml_run_document(self, run):
            return f"<p>{run.id}</p>"

    plugins().register(Plugin(), "mine")
    assert run.to_html() == f"<p>{run.id}</p>"


def test_a_plugin_that_stumbles_leaves_it_to_the_core(run):
    """A stranger's error is a warning with its name."""

    class Plugin:
        @hookimpl
        def azml_run_document(self, run):
            raise RuntimeError("no ink")

    plugins().register(Plugin(), "broken")
    with pytest.warns(PluginWarning, match="'broken'.*no ink"):
        assert run.to_html().startswith("<!DOCTYPE html>")


def test_nobody_who_draws_is_an_error(run):
    """An explicit call says that it failed, and where to look."""
    plugins().unregister("core")
    try:
        with pytest.raises(UserErrorException, match="azml doctor"):
            run.to_html()
    finally:
        plugins.cache_clear()


def test_what_lets_somebody_into_the_studio_is_not_given_away(run):
    """A link with a token would let in everybody who gets the file."""

    class Studio:
        @hookimpl
        def azml_portal_url(self, path):
            return f"http://127.0.0.1:9/{path}?token=secret#secret"

    plugins().register(Studio(), "studio")
    document = run.to_html()
    assert f'href="http://127.0.0.1:9/runs/{run.id}"' in document
    assert "secret" not in document


def test_a_report_needs_neither_numpy_nor_matplotlib(run):
    """The widget works with the core alone."""
    import subprocess
    import sys

    program = (
        "import sys; sys.modules.update(numpy=None, matplotlib=None)\n"
        "from azml_integrations.core import Workspace\n"
        f"page = Workspace.get('test').get_run({run.id!r}).to_html()\n"
        "print('loss' in page, '<svg' in page)\n"
    )
    run.log_list("loss", [3, 2, 1])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
