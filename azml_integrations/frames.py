"""The one door to pandas: only what gives or takes a data frame comes through it, and only when it is called."""

from typing import Any

from .errors import PackageMissingError


def pandas(what: str) -> Any:
    """Return the module pandas.

    Parameters
    ----------
    what : str
        The call that needs it, for the error.

    Raises
    ------
    PackageMissingError
        If it is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise PackageMissingError("pandas", what, error) from error
    return pd
