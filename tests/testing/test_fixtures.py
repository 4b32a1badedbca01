"""A test has a home of its own."""

import os
import subprocess
import sys


def test_a_home_is_fresh_and_strangers_stay_out(azml_home):
    """A test never meets the runs or the plugins of the person who tests."""
    assert os.environ["AZML_HOME"] == str(azml_home)
    assert os.environ["AZML_PLUGINS"] == ""
    ours = {name for name in os.environ if name.startswith(("AZML_", "AZUREML_"))}
    assert ours == {"AZML_HOME", "AZML_PLUGINS"}


def test_a_workspace_is_empty_and_local(workspace, azml_home):
    """Its name is ``test``, and it lies in the test's own home."""
    assert workspace.name == "test"
    assert (azml_home / "test" / "workspace.json").exists()


def test_the_pytest_plugin_brings_no_framework():
    """Everybody's pytest loads this module, whatever they test."""
    program = (
        "import azml_integrations.testing, sys; print([m for m in ('numpy', 'sqlite3', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
