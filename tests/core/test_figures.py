"""Figures as bytes: nothing of the user's figure, and nothing of matplotlib, changes."""

import io
import sys
import time
from types import ModuleType, SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from azml_integrations.core import figures
from azml_integrations.errors import MetricError, OfferError, PluginWarning, UserErrorException
from azml_integrations.hookspecs import hookimpl
from azml_integrations.offers import Renderer
from azml_integrations.plugins import plugins

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


@pytest.fixture(autouse=True)
def clean():
    plt.close("all")
    yield
    plt.close("all")


def drawn() -> Figure:
    figure, axes = plt.subplots(figsize=(3, 2), dpi=80)
    axes.plot([0, 1], [0, 1])
    return figure


def size(content: bytes) -> tuple[int, ...]:
    """Return width and height of a PNG [pixels]."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return tuple(int.from_bytes(content[start : start + 4], "big") for start in (16, 20))


def pixels(content: bytes):
    return plt.imread(io.BytesIO(content))


def state(figure: Figure) -> dict[str, object]:
    """Return all that a careless `savefig` changes."""
    return {
        "rcParams": dict(mpl.rcParams),
        "fignums": plt.get_fignums(),
        "current": plt.get_fignums() and plt.gcf().number,
        "canvas": figure.canvas,
        "dpi": figure.dpi,
        "size": tuple(figure.get_size_inches()),
        "stale": figure.stale,
        "face": figure.get_facecolor(),
        "edge": figure.get_edgecolor(),
        "interactive": mpl.is_interactive(),
        "backend": mpl.get_backend(),
    }


@pytest.mark.parametrize("stale", [True, False])
def test_a_figure_is_drawn_without_a_trace(run, stale):
    """Its canvas, size, colours and staleness are the user's, and so are matplotlib's settings."""
    figure = drawn()
    figure.stale = stale
    plt.rcParams["savefig.facecolor"] = "red"
    before = state(figure)
    run.log_image("roc", plot=figure)
    assert state(figure) == before
    (name,) = run.get_file_names()
    assert size(run._read(name)) == (240, 160)
    plt.rcParams["savefig.facecolor"] = "auto"


def test_pyplot_means_its_current_figure(run):
    """``log_image("ROC", plot=plt)``, as the documentation had it."""
    figure = drawn()
    before = state(figure)
    run.log_image("roc", plot=plt)
    assert state(figure) == before
    assert size(run._read(run.get_file_names()[0])) == (240, 160)


def test_a_plot_in_the_place_of_the_path_is_taken_for_one(run):
    """German and Dutch pages had ``log_image("ROC", plt)``."""
    figure = drawn()
    run.log_image("a", plt)
    run.log_image("b", figure)
    assert len(run.get_file_names()) == 2
    with pytest.raises(UserErrorException):
        run.log_image("c", figure, figure, "both")


def test_a_plot_is_called_after_its_metric_and_the_second(run, monkeypatch):
    """``<name>_<unix seconds>.png`` at the root; a taken name gets ``_1``, ``_2``."""
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.5)
    figure = drawn()
    for _ in range(3):
        run.log_image("roc", plot=figure)
    run.log_image("test/roc curve", plot=figure)
    run.log_image("../roc", plot=figure)
    assert run.get_file_names()[1:] == [
        "roc_1700000000.png",
        "roc_1700000000_1.png",
        "roc_1700000000_2.png",
        "test/roc curve_1700000000.png",
    ]
    assert run.get_file_names()[0].startswith("metric-")
    base = f"aml://artifactId/ExperimentRun/dcid.{run.id}"
    assert run.get_metrics("roc")["roc"] == [
        f"{base}/roc_1700000000.png",
        f"{base}/roc_1700000000_1.png",
        f"{base}/roc_1700000000_2.png",
    ]


def test_an_image_has_description_and_step(run):
    """Ours beside SDK v1's four."""
    run.log_image("roc", None, drawn(), "test set", step=3)
    assert run.metric_points("roc")[0].step == 3
    assert run.metric_summaries()[0].description == "test set"


def test_pyplot_without_a_figure_stays_without_one():
    """`plt.gcf()` would open one, and the next plot would land in it."""
    assert size(figures.png(plt)) == (640, 480)
    assert plt.get_fignums() == []


def test_the_picture_is_the_one_that_savefig_makes():
    """Rendered on a canvas of ours, it is the same picture."""
    figure = drawn()
    ours = figures.png(figure)
    theirs = io.BytesIO()
    figure.savefig(theirs, format="png")
    assert (pixels(ours) == pixels(theirs.getvalue())).all()


def test_a_figure_without_pyplot_is_drawn():
    """Servers make them so."""
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.add_subplot().plot([1, 2])
    assert size(figures.png(figure)) == (100, 50)


def test_a_vector_canvas_comes_back():
    """A figure of the SVG or PDF backend keeps its own canvas."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure = Figure(figsize=(2, 1), dpi=50)
    canvas = FigureCanvasSVG(figure)
    assert size(figures.png(figure)) == (100, 50)
    assert figure.canvas is canvas


def test_a_figure_that_cannot_be_drawn_raises_its_own_error(run):
    """The user's error leaves as it is, the canvas comes back, and nothing is stored."""
    figure = drawn()
    figure.axes[0].set_title(r"$\broken{$")
    canvas = figure.canvas
    with pytest.raises(ValueError, match="broken"):
        run.log_image("bad", plot=figure)
    assert figure.canvas is canvas
    assert (run.get_file_names(), run.get_metrics()) == ([], {})


def test_whatever_saves_itself_is_taken():
    """plotnine, seaborn grids: they have `savefig` and are no Figure."""

    class Grid:
        def savefig(self, file):
            file.write(b"picture")

    assert figures.png(Grid()) == b"picture"


def test_the_users_thread_may_draw_while_we_do(run):
    """Rendering takes no global lock and switches no backend."""
    assert mpl.get_backend().lower() == "agg"
    run.log_image("roc", plot=drawn())
    assert mpl.get_backend().lower() == "agg"


# -- figures of other libraries ----------------------------------------------------------------------


class Sketch:
    """A figure that the core cannot draw."""


class FineSketch(Sketch):
    """One that derives from it."""


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def draws(monkeypatch, workspace):
    """Register a plugin that draws sketches with this function; the module is one that is made for it."""

    def one(draw, classes=(f"{__name__}.Sketch",), name="acme"):
        @hookimpl
        def azml_figure_renderers():
            return [Renderer("sketches", classes, "acme_drawing:draw")]

        module = ModuleType("acme_drawing")
        module.draw = draw
        monkeypatch.setitem(sys.modules, "acme_drawing", module)
        plugins().register(SimpleNamespace(azml_figure_renderers=azml_figure_renderers), name)

    return one


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (PNG, ".png"),
        (bytearray(PNG), ".png"),
        (b"\xff\xd8\xff" + bytes(20), ".jpg"),
        (b"GIF89a", ".gif"),
        (b"RIFF1234WEBP", ".webp"),
        (b'<?xml version="1.0"?><svg/>', ".svg"),
    ],
)
def test_a_plugin_draws_what_the_core_cannot(run, draws, content, suffix):
    """The suffix is that of what it drew; the figure may stand in the place of the path, and be of a subclass."""
    seen = []
    draws(lambda figure: seen.append(figure) or content)
    figure = FineSketch()

    run.log_image("idea", figure, step=2)

    (name,) = run.get_file_names()
    assert (name[:5], name[-len(suffix) :]) == ("idea_", suffix)
    assert run.metric_points("idea")[0].step == 2
    assert seen == [figure]


def test_what_the_core_draws_asks_no_plugin(run, draws):
    """Matplotlib's figures, and pixels, are drawn as ever."""
    draws(lambda _: pytest.fail("asked"), classes=("matplotlib.figure.Figure", "numpy.ndarray"))

    run.log_image("figure", plot=drawn())
    run.log_image("pixels", plot=np.zeros((2, 2, 3)))

    assert len(run.get_file_names()) == 2


def test_who_cannot_draw_it_says_who_can_draw_what(run, draws):
    """The message leads to the plugin that is missing."""
    with pytest.raises(MetricError, match=r"expected a matplotlib figure.*; plugins here draw nothing else"):
        run.log_image("idea", plot=Sketch())
    draws(lambda _: PNG, classes=("other.Figure",))
    with pytest.raises(MetricError, match=r"got a Sketch, .*; plugins here draw sketches \(plugin 'acme'\)"):
        run.log_image("idea", Sketch())
    assert run.get_file_names() == []


def test_a_renderer_that_raises_is_named(run, draws):
    """An explicit call ends with one error: who failed, why, and the way out."""

    def broken(figure):
        raise OSError("no browser")

    draws(broken)
    with pytest.raises(OfferError, match=r"'sketches' of plugin 'acme' failed: OSError: no browser; .*path=") as caught:
        run.log_image("idea", Sketch())

    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.plugin == "acme"
    assert "renderer 'sketches': OSError" in next(fact.reason for fact in plugins().facts() if fact.name == "acme")
    assert run.get_file_names() == []


@pytest.mark.parametrize("content", [None, "text", b"<html>", b"BM"])
def test_what_is_no_image_is_refused(run, draws, content):
    """A page never has to show what a browser cannot."""
    draws(lambda _: content)
    with pytest.raises(OfferError, match="is not the bytes of a PNG"):
        run.log_image("idea", Sketch())


def test_a_plugin_that_offers_something_else_is_named(run, draws):
    """The others are asked."""

    @hookimpl
    def azml_figure_renderers():
        return ["acme_drawing:draw"]

    draws(lambda _: PNG)
    plugins().register(SimpleNamespace(azml_figure_renderers=azml_figure_renderers), "clumsy")

    with pytest.warns(PluginWarning, match=r"plugin 'clumsy': .*is no azml_integrations.offers.Renderer"):
        run.log_image("idea", Sketch())
    assert len(run.get_file_names()) == 1
