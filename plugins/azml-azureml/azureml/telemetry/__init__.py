"""SDK v1's ``azureml.telemetry``: nothing is ever sent."""

from azml_azureml import neighbours

neighbours.refuse()

__all__ = ["set_diagnostics_collection"]


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: object = None) -> None:
    """Do nothing, whatever is wanted: nothing is ever sent.

    Parameters
    ----------
    send_diagnostics, verbosity : optional
        Ignored.
    """
