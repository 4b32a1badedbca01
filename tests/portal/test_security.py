"""The gate before every route."""

import re

import pytest
from starlette.testclient import TestClient
from visits import BASE, entered

from azml_integrations.portal import create_app

WRITE = {"X-Azml": "1", "Content-Type": "application/json"}


@pytest.fixture
def stranger(world) -> TestClient:
    """Give a client without a cookie."""
    return TestClient(create_app(world), base_url=BASE)


def every_route(app, ids):
    """Yield each method and address of the application."""
    names = {"run_id": ids["digits 0"], "name": "digits", "version": "1", "name:path": "outputs/model.pkl"}
    for route in app.routes:
        path = re.sub(r"\{([^}]+)\}", lambda match: names[match[1].replace(":int", "")], route.path)
        for method in route.methods:
            yield method, path


def test_no_route_answers_a_stranger(stranger, ids):
    """A route that somebody forgets to protect is how peers were broken into: the router itself is walked."""
    walked = list(every_route(stranger.app, ids))

    answers = {
        (method, path): stranger.request(method, path, headers=WRITE, json={} if method == "POST" else None)
        for method, path in walked
    }

    assert len(walked) > 60
    assert {answer.status_code for answer in answers.values()} == {401}
    assert not any(ids["digits 0"] in answer.text for answer in answers.values())


def test_every_answer_carries_the_policy(pages, ids):
    """A page runs our scripts alone, stands in no frame, and tells nobody where it was."""
    for method, path in every_route(pages.app, ids):
        if method == "GET":
            headers = pages.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith(("default-src 'self'; script-src 'self'; style-src", "sandbox;")), path
            assert "frame-ancestors 'none'" in policy
            assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1:8485", "127.0.0.1", "localhost:8484.evil.example", "evil.example:8484", ""]
)
def test_another_host_is_refused(pages, host):
    """A name that somebody points to 127.0.0.1 is not ours, with a cookie or without."""
    assert pages.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8484", "localhost:8484", "[::1]:8484"])
def test_the_names_of_this_machine_are_taken(pages, host):
    assert pages.get("/", headers={"Host": host}).status_code in (200, 401)  # the cookie is that of one name


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8888", "null", "http://127.0.0.1"])
def test_another_origin_is_refused(pages, origin):
    """A notebook server on another port of this machine is another origin."""
    assert pages.get("/", headers={"Origin": origin}).status_code == 403


def test_another_site_cannot_read_with_our_cookie(pages):
    """An image or fetch of another page is refused; a click there comes again as our own navigation."""
    fetched = pages.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})
    clicked = pages.get("/?sort=name", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})

    assert fetched.status_code == 403
    assert 'http-equiv="refresh"' in clicked.text
    assert "digits" not in clicked.text


def test_a_link_is_exchanged_for_a_strict_cookie(stranger):
    """The token leaves the address at once; the cookie is for this studio alone, and no script reads it."""
    answer = stranger.get("/experiments/digits", params={"token": stranger.app.state.token, "sort": "-number"})

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("azml-studio-8484=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "url=./digits?sort=-number" in answer.text
    assert stranger.app.state.token not in answer.text + cookie
    assert stranger.get("/experiments/digits").status_code == 200


def test_a_wrong_token_opens_nothing(stranger):
    assert stranger.get("/", params={"token": "guess"}).status_code == 403
    assert stranger.get("/").status_code == 401


def test_a_cookie_of_another_start_is_worth_nothing(world):
    """Each start has its own secret."""
    before, after = entered(world), TestClient(create_app(world), base_url=BASE)
    after.cookies = before.cookies
    assert after.get("/").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),  # what a form or a plain fetch of another page can send
        ({"Content-Type": "text/plain", "X-Azml": "1"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded", "X-Azml": "1"}, 415),
        ({**WRITE, "Origin": "http://evil.example"}, 403),
        ({**WRITE, "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_write_of_another_page_is_refused(pages, ids, headers, status):
    """Cross-site writes have run code on peers' machines."""
    answer = pages.post(f"/api/runs/{ids['digits 0']}", headers=headers, content='{"action": "cancel"}')
    assert answer.status_code == status


def test_what_is_too_large_is_refused(pages, ids):
    """Nobody fills the memory by a body or an address; a body may not hide its length."""
    path = f"/api/runs/{ids['digits 0']}"
    assert pages.post(path, headers=WRITE, content="x" * (65 << 10)).status_code == 413
    assert pages.post(path, headers=WRITE, content=iter([b"x"])).status_code == 413
    assert pages.get("/", params={"q": "x" * (17 << 10)}).status_code == 414


def test_reading_never_writes(pages, ids):
    """A link or an image of another page can only read."""
    for method, path in every_route(pages.app, ids):
        if method == "POST":
            assert pages.get(path, params={"action": "cancel"}).status_code in (200, 404, 405)


def test_a_file_is_a_download_that_may_do_nothing(pages, ids):
    """A page that a run wrote must not act with our origin's rights; no pickle is opened."""
    for name in ("outputs/page.html", "outputs/model.pkl"):
        answer = pages.get(f"/runs/{ids['digits 0']}/files/{name}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd",
        "..%2f..%2fworkspace.json",
        "%2e%2e/%2e%2e/workspace.json",
        "..%252f..%252fworkspace.json",
        "..%5c..%5cworkspace.json",
        "//etc/passwd",
        "/etc/passwd",
        "outputs/../journal",
        "journal",
        "file:///etc/passwd",
        "outputs/model.pkl%00.png",
    ],
)
def test_no_name_leads_out_of_a_run(pages, ids, name):
    """Names are looked up among the run's rows, and never joined to a path."""
    assert pages.get(f"/runs/{ids['digits 0']}/files/{name}").status_code == 404
    assert pages.get(f"/runs/{ids['digits 0']}/outputs", params={"file": name}).text.count("preview") == 0
    assert pages.get(f"/api/runs/{ids['digits 0']}/log", params={"file": name}).status_code == 404
    assert pages.get(f"/runs/{ids['digits 0']}/snapshot", params={"file": name}).text.count("preview") == 0


def test_no_script_and_no_address_of_others_stands_in_a_page(pages, ids):
    """Pages hold no inline script and load nothing from elsewhere."""
    for path in ("/", "/experiments/digits", f"/runs/{ids['digits 0']}", f"/runs/{ids['digits 0']}/metrics"):
        text = pages.get(path).text
        assert re.findall(r"<script(?![^>]* src=\")", text) == []
        assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//", text) == []
        assert re.findall(r"\son\w+=", text) == []
        assert "<b>well</b>" not in text


def test_a_proxy_names_its_host(world):
    """Behind a proxy the name that browsers use is given; it is not guessed from a header."""
    app = create_app(world, hosts=("127.0.0.1", "hub.example:443"))
    client = TestClient(app, base_url=BASE)
    assert client.get("/", headers={"Host": "hub.example:443"}).status_code == 401
    assert client.get("/", headers={"Host": "hub.example"}).status_code == 401  # browsers do not say the usual port
    assert client.get("/", headers={"Host": "hub.example:8443"}).status_code == 421
    assert client.get("/", headers={"Host": "other.example", "X-Forwarded-Host": "hub.example"}).status_code == 421
