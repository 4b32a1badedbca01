"""How a test visits a studio."""

from starlette.testclient import TestClient

from azml_integrations.portal import create_app

BASE = "http://127.0.0.1:8484"


def entered(workspace, **options) -> TestClient:
    """Return a client that came in by the link."""
    app = create_app(workspace, **options)
    client = TestClient(app, base_url=BASE, raise_server_exceptions=True)
    assert client.get("/", params={"token": app.state.token}).status_code == 200
    return client
