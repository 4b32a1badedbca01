"""What pictures of a fitted estimator are made from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations.pictures import Judged


@dataclass(frozen=True)
class Evidence:
    """What pictures are made from.

    Attributes
    ----------
    estimator : object
        The fitted model.
    judged : Judged or None
        Its answers on some data, where it is a classifier or regressor that could be asked.
    fitted : bool
        Whether pictures of the fit itself are wanted: losses, importances.
    """

    estimator: Any
    judged: "Judged | None" = None
    fitted: bool = True
