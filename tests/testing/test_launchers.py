"""The contract of a launcher, kept by our own and by that of the guide."""

import pytest
from guides import file_of, parts
from queues import dismiss

from azml_integrations.launch.local import LocalLauncher
from azml_integrations.testing import LauncherContract


class TestLocalLauncher(LauncherContract):
    """The queue of this machine keeps every promise."""

    @pytest.fixture
    def launcher(self, workspace):
        yield lambda target: LocalLauncher(workspace.queue(target), workspace._index_url)
        dismiss(workspace.queue("elsewhere"))


class TestAtOnce(LauncherContract):
    """So does what a reader of the guide writes."""

    @pytest.fixture
    def launcher(self, workspace):
        world = {}
        exec(file_of(parts("how-to/extend-azml.md")["A launcher"], "now_launcher.py"), world)
        return lambda target: world["AtOnce"](workspace, target)
