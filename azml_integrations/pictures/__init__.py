"""Pictures of how well a model does, their numbers as tables, and the metrics beside them. It knows no framework.

`log_classification` and `log_regression` log all of it with one call. An adapter makes a `Judged` of its model's
answers and gives it to `log_judged`, or to the kinds one by one: each kind of picture has a module here (`roc_curve`,
`confusion_matrix` ...) with a ``NAME``, a ``TITLE`` and the functions ``facts(judged)``, ``page(facts, title)`` and
``table(facts)``. `page` has the nouns for pictures of one's own, `paint` turns a page into a PNG, without pyplot or
anything else that is global. numpy and matplotlib are imported when something is made of them, not before.
"""

from .album import NamedPicture, log_picture, note_missing, told_apart
from .assessment import (
    KINDS,
    check_target,
    judged_classes,
    judged_numbers,
    log_classification,
    log_judged,
    log_regression,
)
from .judged import Judged, confusion
from .legible import MOST_ROWS, distinct, long_form, thinned
from .merits import merits_of, of_each_output
from .paint import png
from .ranking import Side, roc_area

__all__ = [
    "KINDS",
    "MOST_ROWS",
    "Judged",
    "NamedPicture",
    "Side",
    "check_target",
    "confusion",
    "distinct",
    "judged_classes",
    "judged_numbers",
    "log_classification",
    "log_judged",
    "log_picture",
    "log_regression",
    "long_form",
    "merits_of",
    "note_missing",
    "of_each_output",
    "png",
    "roc_area",
    "thinned",
    "told_apart",
]
