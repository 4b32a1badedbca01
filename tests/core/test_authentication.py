"""Signing in: taken, and forgotten."""

import pytest

from azml_integrations.core import Workspace, authentication
from azml_integrations.errors import AuthenticationException, UserErrorException


def test_a_secret_is_not_kept(workspace):
    """Not in the object, not in what it shows, and a workspace takes it without a question."""
    auth = authentication.ServicePrincipalAuthentication("tenant", "principal", service_principal_password="hunter2")
    assert "hunter2" not in repr(auth) + repr(vars(auth))
    assert Workspace.get("test", auth=auth) == workspace


@pytest.mark.parametrize(
    "name", ["InteractiveLoginAuthentication", "AzureCliAuthentication", "MsiAuthentication", "TokenAuthentication"]
)
def test_every_way_to_sign_in_is_taken(name):
    """With whatever arguments; a token of it cannot be had, and the error says why."""
    auth = getattr(authentication, name)(force=True, tenant_id="t")
    with pytest.raises(AuthenticationException, match="signs in to nothing on this machine") as caught:
        auth.get_authentication_header()
    assert isinstance(caught.value, UserErrorException)
