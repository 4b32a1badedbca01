"""Autolog falls silent where somebody says so, and only there."""

import threading

from azml_integrations.core.pausing import is_paused, paused, paused_here


def test_all_of_it_or_one_framework():
    """What was paused by name leaves the others on."""
    assert not paused_here()
    with paused("torch"):
        assert (is_paused("torch"), is_paused("optuna"), is_paused()) == (True, False, False)
        with paused():
            assert is_paused("optuna")
    assert not is_paused("torch")


def test_a_thread_begins_unpaused():
    """Each thread has a context of its own."""
    seen = []
    with paused():
        thread = threading.Thread(target=lambda: seen.append(is_paused()))
        thread.start()
        thread.join()
    assert seen == [False]
