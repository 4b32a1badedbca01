"""What viewers are asked, and what the runs that they show say; the driver imports this, too."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

EXPERIMENT, CHARTS = "studio", "charts"

PARAMS = (
    *("learning_rate", "batch_size", "optimizer", "model", "depth"),
    *("dropout", "weight_decay", "epochs", "seed", "scheduler"),
)
TAGS = ("team", "stage", "dataset", "branch", "note")
METRICS = (
    *("loss", "val_loss", "accuracy", "val_accuracy", "f1", "precision", "recall", "auc"),
    *("mae", "mse", "r2", "gradient_norm", "samples_per_second", "epoch_seconds", "peak_memory"),
)
ROWS = 50
"""Runs of a page."""

NEWEST = "newest first"
SORTED = "sorted by a metric"
BY_PARAMETER = "sorted by a parameter"
FILTERED = "filtered by a metric"
BOTH = "filtered by a metric and a parameter, sorted by a metric"
SEARCHED = "a word searched for in the names"
DEEP = "page 150, sorted by a metric"
DIFFERENT = "only the columns that differ"
QUESTIONS = (NEWEST, SORTED, BY_PARAMETER, FILTERED, BOTH, SEARCHED, DEEP, DIFFERENT)

CHART = "the chart of one metric"
WHOLE = "every point of it"

_PLACES = ("harbour", "meadow", "canyon", "glacier", "lagoon", "summit", "forest", "delta")
_LOOKS = ("amber", "brave", "calm", "dusty", "eager", "frosty", "gentle", "hidden", "ivory")


@dataclass(frozen=True)
class Told:
    """What one run of the table says: ten parameters, five tags, fifteen metrics."""

    name: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]


def told(number: int) -> Told:
    """The run of a number: the same in every process; metrics have all their digits, and no two runs the same."""
    dice = random.Random(number)
    rate, quality = 10 ** dice.uniform(-5, -1), dice.random()
    params = (
        *(f"{rate:.3g}", str(2 ** dice.randint(4, 9)), dice.choice(("adam", "sgd", "adamw", "rmsprop"))),
        *(dice.choice(("resnet18", "resnet50", "vit-small", "convnext")), str(dice.randint(2, 24))),
        *(f"{dice.uniform(0, 0.5):.2f}", f"{10 ** dice.uniform(-6, -2):.2g}", str(dice.choice((10, 30, 90)))),
        *(str(number % 5), dice.choice(("cosine", "step", "none"))),
    )
    tags = (
        *(dice.choice(("vision", "speech", "tables")), dice.choice(("draft", "review", "prod"))),
        *(f"images-{dice.randint(1, 12)}", f"feature/{dice.randint(100, 140)}", f"attempt {dice.randint(1, 9)}"),
    )
    metrics = (
        *(math.exp(-3 * quality) + 0.1 * dice.random() for _ in range(2)),
        *(0.5 + 0.4 * quality + 0.1 * dice.random() for _ in range(6)),
        *(dice.gauss(2, 0.5) ** 2 for _ in range(2)),
        *(quality - 0.1 * dice.random(), dice.lognormvariate(0, 1), dice.uniform(200, 4000)),
        *(dice.uniform(5, 300), dice.uniform(1e9, 8e10)),
    )
    return Told(
        f"{dice.choice(_LOOKS)} {dice.choice(_PLACES)} {number}",
        dict(zip(PARAMS, params, strict=True)),
        dict(zip(TAGS, tags, strict=True)),
        dict(zip(METRICS, metrics, strict=True)),
    )


def line(points: int) -> Iterator[float]:
    """A loss over so many steps."""
    dice = random.Random(points)
    return (math.exp(-step / points * 5) + 0.02 * dice.random() for step in range(points))
