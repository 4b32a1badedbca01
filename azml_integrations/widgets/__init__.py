"""What a notebook, a terminal or a script shows of a run while it goes on."""

from .run_details import RunDetails

__all__ = ["RunDetails"]
