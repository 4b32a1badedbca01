"""How plugins behave, and how long anybody is patient with them."""

import pytest

from azml_integrations.conduct import PATIENCE, SOURCE, Life, Register


@pytest.fixture
def notes():
    """What was noted in the run."""
    return []


@pytest.fixture
def life(notes):
    """A child of a run."""
    return Life("run_1_0", lambda source, message: notes.append((source, message)), "run_1")


def test_a_fault_is_said_once_and_counted_each_time(life, notes):
    """Whoever reads the warnings reads each once; the third time is the last."""
    register = Register()

    said = [register.judge("acme", "azml_run_started", "it raised", life=life) for _ in range(PATIENCE)]

    assert said[0] == ["plugin 'acme': it raised; all else goes on"]
    assert said[1] == []
    assert said[2] == ["plugin 'acme' is switched off for the rest of run run_1: it failed 3 times"]
    assert notes == [
        (SOURCE + "acme", "it raised"),
        (SOURCE + "acme", "switched off for the rest of the run: it failed 3 times"),
    ]


def test_the_next_run_asks_it_again(life):
    """Being left out ends with the run; what is known of the plugin does not."""
    register = Register()
    for _ in range(PATIENCE):
        register.judge("acme", "azml_run_started", "", took=2.0, life=life)

    assert register.is_off("acme", life)
    assert not register.is_off("acme", Life("run_2", life.note, "run_2"))
    assert not register.is_off("acme", None)

    register.end("run_1")

    assert not register.is_off("acme", life)
    assert register.told("acme") == ["azml_run_started took up to 2 s (3 times too long)"]

    register.forget("acme")

    assert register.told("acme") == []


def test_a_run_that_takes_no_note_keeps_its_training(life):
    """A full disk is no reason to raise into a hook."""

    def refuse(source, message):
        raise OSError(28, "No space left on device")

    assert Register().judge("acme", "azml_run_ending", "it raised", life=Life("run_1", refuse, "run_1")) == [
        "plugin 'acme': it raised; all else goes on"
    ]
