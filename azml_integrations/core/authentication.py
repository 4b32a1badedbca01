"""Ways to sign in, taken and forgotten: there is nobody to sign in to.

What they are given is not kept, so that no secret of an old script comes to lie anywhere.
"""

from typing import NoReturn

from ..errors import AuthenticationException


class AbstractAuthentication:
    """A way to sign in; takes whatever SDK v1 took, and keeps nothing of it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def get_authentication_header(self) -> NoReturn:
        """Refuse: there is no service that would take one.

        Raises
        ------
        AuthenticationException
            Always.
        """
        raise AuthenticationException(
            f"{type(self).__name__} signs in to nothing on this machine, so there is no token; what talks to a service "
            f"of Azure needs the packages of Azure itself"
        )

    get_token = get_authentication_header

    def __repr__(self) -> str:
        """Return the name alone."""
        return f"{type(self).__name__}()"


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Would ask in a browser."""


class ServicePrincipalAuthentication(AbstractAuthentication):
    """Would sign in as an application."""


class AzureCliAuthentication(AbstractAuthentication):
    """Would use what ``az login`` left."""


class MsiAuthentication(AbstractAuthentication):
    """Would use the identity of a machine."""


class TokenAuthentication(AbstractAuthentication):
    """Would use a token."""
