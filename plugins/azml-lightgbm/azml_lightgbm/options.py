"""What the user may ask of the adapter."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from azml_integrations import AutologOptions

SOURCE = "lightgbm"
MOST_MODEL_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Options:
    """What is recorded of a training.

    Attributes
    ----------
    log_models, log_images, silent : bool
        As ``autolog`` has them.
    on_error : {"warn", "raise"}
        What becomes of errors of ours.
    max_model_bytes : int
        A larger model is not stored [bytes].
    """

    log_models: bool = True
    log_images: bool = True
    silent: bool = False
    on_error: Literal["warn", "raise"] = "warn"
    max_model_bytes: int = MOST_MODEL_BYTES

    @classmethod
    def of(cls, options: "AutologOptions") -> "Options":
        """Return what ``autolog`` was asked for.

        Raises
        ------
        ValueError
            If an option has a value that it cannot have.
        """
        most = options.extra.get("max_model_bytes", MOST_MODEL_BYTES)
        if isinstance(most, bool) or not isinstance(most, int) or most < 0:
            raise ValueError(f"max_model_bytes is a number of at least 0, not {most!r}")
        return cls(options.log_models, options.log_images, options.silent, options.on_error, most)
