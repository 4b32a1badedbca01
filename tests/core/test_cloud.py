"""What needs the cloud refuses in one way, and says what to do instead."""

import pytest

from azml_integrations.checking import Verdict, everything
from azml_integrations.core import Run, Workspace
from azml_integrations.errors import NeedsCloudError, UserErrorException, WebserviceException


@pytest.mark.parametrize("kind", [Run, Workspace])
def test_every_verb_of_the_cloud_refuses(kind, workspace):
    """On the class and on an object, whatever it is called with; the table and the classes agree."""
    prefix = f"azml_integrations.core.{kind.__name__}.".replace("azml_integrations", "azureml")
    verbs = [
        name.removeprefix(prefix)
        for name, fact in everything()
        if name.startswith(prefix) and fact.verdict is Verdict.CLOUD
    ]
    assert len(verbs) >= 2
    for verb in verbs:
        with pytest.raises(NeedsCloudError, match=f"{kind.__name__}.{verb} needs the cloud, .*; .") as caught:
            getattr(kind, verb)(1, two=2)
        assert caught.value.what == f"{kind.__name__}.{verb}"


def test_old_except_clauses_catch(workspace):
    """Those of the SDK, and Python's own."""
    for kind in (UserErrorException, WebserviceException, NotImplementedError):
        with pytest.raises(kind, match="read them from environment variables"):
            workspace.get_default_keyvault().get_secret("key")
