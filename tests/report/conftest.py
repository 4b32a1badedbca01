"""Runs with everything in them, some of it hostile, and HTML read as a browser's parser reads it."""

import math
import sys
from html.parser import HTMLParser

import pytest

HOSTILE = "<script>alert('x')</script><img src=http://evil.example/a.png onerror=alert(1)>\"'&\u202e"
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><script>document.title="owned"</script>'
    b'<image href="http://evil.example/b.png" width="9" height="9"/><circle cx="20" cy="20" r="15"/></svg>'
)
ROW = [[50, 50, 0, 0], [48, 20, 30, 2], [25, 1, 49, 25], [0, 0, 50, 50]]
DOCUMENTS = {
    "confusion_matrix": {"class_labels": ["cat", HOSTILE], "matrix": [[50, 3], [5, 42]]},
    "residuals": {"bin_edges": [-1, 0, 1], "bin_counts": [4, 6]},
    "predictions": {
        "bin_averages": [0.2, 1.1],
        "bin_errors": [0.1, 0.2],
        "bin_counts": [4, 5],
        "bin_edges": [0, 1, 2],
    },
    "accuracy_table": {
        "probability_tables": [ROW, ROW],
        "percentile_tables": [ROW, ROW],
        "class_labels": ["no", HOSTILE],
        "probability_thresholds": [0, 0.3, 0.6, 1],
        "percentile_thresholds": [0, 0.3, 0.6, 1],
    },
}


class Read(HTMLParser):
    """A document: its elements with their attributes, its text, and what is not closed."""

    EMPTY = frozenset(("meta", "link", "img", "br"))

    def __init__(self, document):
        super().__init__()
        self.elements, self.open, self.said = [], [], []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes what was not open"

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.said.append(data)

    @property
    def text(self):
        return " ".join(self.said)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def read():
    return Read


@pytest.fixture
def rich(experiment, tmp_path):
    """A run with one of everything; its names, values, tags, files, log lines and classes are hostile."""
    (tmp_path / "evil.svg").write_bytes(SVG)
    run = experiment.start_logging(outputs=False, snapshot_directory=None, display_name=f"net {HOSTILE}")
    with run:
        run.add_properties({"param.alpha": "0.1", f"param.{HOSTILE}": HOSTILE, "note": HOSTILE})
        run.set_tags({"stage": "draft", HOSTILE: HOSTILE})
        run.description = HOSTILE
        for step in range(30):
            run.log("mse_loss", math.nan if step == 9 else 1 / (step + 1), step=step)
        run.log(HOSTILE, HOSTILE)
        run.log("accuracy", 0.97)
        run.log_list("fibonacci", [1, 1, 2, 3, 5])
        run.log_table("sine", {"angle": [0.0, 1.0, 2.0], "value": [0.0, 0.8, 0.9]})
        run.log_table(f"words {HOSTILE}", {"word": [HOSTILE, "b"], HOSTILE: [1, 2]})
        run.log_image("vector", path=str(tmp_path / "evil.svg"))
        for kind, data in DOCUMENTS.items():
            verb = {"residuals": run.log_residuals, "predictions": run.log_predictions}.get(
                kind, getattr(run, f"log_{kind}", None)
            )
            verb(f"my {kind}", {"schema_type": kind, "schema_version": "v1", "data": data})
        run.note("adapter", HOSTILE)
        sys.stdout.write(HOSTILE)
    return run


@pytest.fixture
def sweep(experiment):
    """A parent with six children that minimise mse over alpha; the third of them is the best, the last failed."""
    parent = experiment.start_logging(outputs=False, snapshot_directory=None, display_name="ridge sweep")
    parent.add_properties({"primary_metric_config": '{"name": "mse", "goal": "minimize"}'})
    for place, alpha in enumerate((0.001, 0.01, 0.1, 1.0, 10.0)):
        child = parent.child_run()
        child.add_properties({"param.alpha": str(alpha), "param.fit_intercept": "True"})
        child.log("mse", 3000.0 + 100 * abs(place - 2))
        child.log("r2", 0.4)
        child.complete()
    parent.child_run().fail("out of memory")
    parent.complete()
    return parent
