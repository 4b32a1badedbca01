"""What can be asked of the logger and not be done, below the tree that ``azml_integrations.errors`` draws.

::

    UserErrorException (ValueError)
    ├── PictureError            (TypeError)    what cannot be shown as an image
    ├── TableError                             columns and rows that do not fit
    └── WatchError              (RuntimeError) no trainer whose steps could be watched
"""

from azml_integrations import errors


class PictureError(errors.UserErrorException, TypeError):
    """Something that cannot be shown as an image.

    Attributes
    ----------
    name : str
        Under which it was to be logged.
    """

    def __init__(self, name: str, got: str) -> None:
        self.name = name
        super().__init__(
            f"image {name!r} got {got}; expected a figure, a path, a PIL image, or an array or tensor of shape (h, w), "
            f"(channels, h, w) or (h, w, channels) with 1, 3 or 4 channels, floats from 0 to 1 or bytes"
        )


class TableError(errors.UserErrorException):
    """Columns and rows that do not fit.

    Attributes
    ----------
    name : str
        Under which it was to be logged.
    """

    def __init__(self, name: str, got: str) -> None:
        self.name = name
        super().__init__(
            f"table {name!r} got {got}; expected columns=[names] with data=[rows of as many cells], or dataframe=..."
        )


class WatchError(errors.UserErrorException, RuntimeError):
    """No trainer whose steps could be watched."""

    def __init__(self) -> None:
        super().__init__(
            "watch() works while a Trainer trains this model: call it in on_fit_start, or pass "
            "Trainer(callbacks=[Watch()]); Fabric has no trainer, there azml_torch.watch(model, run=logger.experiment) "
            "of the distribution azml-torch does it by hooks on the model"
        )
