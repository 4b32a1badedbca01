"""What an adapter's trouble looks like to the user."""

import warnings

import pytest

from azml_integrations.autologging import stumble
from azml_integrations.core import Experiment
from azml_integrations.errors import AutologWarning, UserErrorException


def test_trouble_of_ours_is_told_in_one_sentence():
    """SDK v1's four lines are for who catches the error; a note or a warning is a sentence."""
    with pytest.warns(AutologWarning) as told:
        stumble("torch", UserErrorException("no such class"))
    (warning,) = told
    assert str(warning.message) == "autolog of torch: UserErrorException: no such class; training goes on"


def test_a_fault_at_every_step_is_told_once_for_each_run(workspace):
    """Nobody reads the same sentence a thousand times."""
    experiment = Experiment(workspace, "exp")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
                for _ in range(3):
                    stumble("toy", OSError("disk full"), run)
            assert [note.message for note in run._record().notes] == ["OSError: disk full"]
    assert len(caught) == 2
