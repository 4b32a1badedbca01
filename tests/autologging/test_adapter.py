"""What an adapter's trouble looks like to the user."""

import pytest

from azml_integrations.autologging import stumble
from azml_integrations.errors import AutologWarning, UserErrorException


def test_trouble_of_ours_is_told_in_one_sentence():
    """SDK v1's four lines are for who catches the error; a note or a warning is a sentence."""
    with pytest.warns(AutologWarning) as told:
        stumble("torch", UserErrorException("no such class"))
    (warning,) = told
    assert str(warning.message) == "autolog of torch: UserErrorException: no such class; training goes on"
