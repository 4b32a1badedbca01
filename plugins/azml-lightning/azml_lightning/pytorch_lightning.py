"""What ``pytorch_lightning`` takes: real subclasses of their classes."""

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers.logger import Logger

from .classification import Classification
from .companion import Companion, Recorder
from .logger import RunLogger
from .watching import Watching

__all__ = ["AzmlLogger", "LogClassification", "Watch"]


class LogClassification(Classification, Callback):  # noqa: D101 - inherited
    __doc__ = Classification.__doc__


class Watch(Watching, Callback):  # noqa: D101 - inherited
    __doc__ = Watching.__doc__


class CompanionCallback(Companion, Callback):
    """Rides along with a logger's trainer."""


class RecorderCallback(Recorder, Callback):
    """Records a trainer that has no logger."""


class AzmlLogger(RunLogger, Logger):  # noqa: D101 - inherited
    __doc__ = RunLogger.__doc__
    _companion_class = CompanionCallback
    _watch_class = Watch
