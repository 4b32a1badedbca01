"""The one gate before every route: who may come in, from where, and what a browser may do with the answer."""

import hmac
from collections.abc import Collection, Mapping
from hashlib import sha256
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a studio on this machine is reached."""

HEADER = "x-azml"
"""A header that only our own scripts send: another origin would have to ask first, and nobody answers."""

LARGEST_BODY = 64 << 10
"""[bytes]"""

LONGEST_QUERY = 16 << 10
"""[bytes]"""

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""Plotly writes style attributes and draws its downloads from blobs; nothing else is let in."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_ASK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in · azml studio</title>
<h1>This page wants its link</h1><p>Open the link that <code>azml studio</code> printed, or the one that
<code>run.get_portal_url()</code> returns: it carries the token of this studio.</p>"""


class Gate:
    """Lets a request pass that comes from this machine's user, from a page of ours or from nowhere.

    Parameters
    ----------
    app : ASGI application
        What lies behind.
    token : str
        Secret of this start; a link that carries it as ``?token=`` is exchanged for a cookie.
    hosts : collection of str
        Names that a ``Host`` header may have; the port has to be the one that is listened on, unless a name brings
        one of its own.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str] = LOOPBACK) -> None:
        self._app, self._token, self._hosts = app, token, hosts
        self._secret = hmac.new(token.encode(), b"cookie", sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a websocket is never accepted
        answer = self._refused(scope) or self._answered(scope)
        if answer is not None:
            await answer(scope, receive, _headed(send))
            return
        await self._app(scope, _capped(receive), _headed(send))

    def _refused(self, scope: Scope) -> Response | None:
        """Return why a request may not pass whoever sent it, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._addresses(scope):
            return _plain(421, f"this studio is not {host!r}; open it by the address that it printed")
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return _plain(403, "requests of other origins are refused")
        if len(scope.get("query_string", b"")) > LONGEST_QUERY:
            return _plain(414, f"a query may have {LONGEST_QUERY} bytes")
        if scope["method"] in ("GET", "HEAD"):
            return None
        return _refused_write(headers)

    def _answered(self, scope: Scope) -> Response | None:
        """Return the answer to a request that has to identify itself first, or None where it has."""
        headers = Headers(scope=scope)
        reading = scope["method"] in ("GET", "HEAD")
        words = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = [value for key, value in words if key == "token"]
        if given and reading:
            if not hmac.compare_digest(given[-1].encode(), self._token.encode()):
                return HTMLResponse(_ASK, 403)
            rest = [(key, value) for key, value in words if key != "token"]
            return self._welcome(scope, rest)
        foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
        if foreign and reading and headers.get("sec-fetch-mode") == "navigate":
            return _bounce(_address(scope, words))  # a link in a notebook: come again as our own page, with the cookie
        if foreign:
            return _plain(403, "requests of other sites are refused")
        if not self._known(scope, headers):
            return HTMLResponse(_ASK, 401)
        return None

    def _addresses(self, scope: Scope) -> set[str]:
        port = (scope.get("server") or ("", 80))[1]
        names = [name if ":" in name.rpartition("]")[2] else f"{name}:{port}" for name in self._hosts]
        unsaid = {
            name.rpartition(":")[0] for name in names if name.endswith((":80", ":443"))
        }  # browsers leave them out
        return {*names, *unsaid, *(self._hosts if port in (80, None) else ())}

    def _welcome(self, scope: Scope, rest: list[tuple[str, str]]) -> Response:
        """Exchange the token for a cookie, and go on at the same address without it.

        A redirect would still count as the other site's navigation, and a strict cookie would not be sent with it.
        """
        answer = _bounce(_address(scope, rest))
        answer.set_cookie(_cookie(scope), self._secret, httponly=True, samesite="strict", path="/")
        return answer

    def _known(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(_cookie(scope))
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._secret.encode())


def _refused_write(headers: Mapping[str, str]) -> Response | None:
    """Return why a request that would change something may not pass, or None."""
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json" or HEADER not in headers:
        return _plain(415, f"writes are JSON and carry the header {HEADER}")
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return _plain(413, f"a request may have {LARGEST_BODY} bytes, and says how many")
    return None


def _plain(status: int, reason: str) -> Response:
    return PlainTextResponse(reason + "\n", status)


def _cookie(scope: Scope) -> str:
    """Return the cookie's name; cookies know no ports, so that two studios need two names."""
    return f"azml-studio-{(scope.get('server') or ('', 80))[1]}"


def _address(scope: Scope, words: list[tuple[str, str]]) -> str:
    """Return the last part of the address and a query: relative, so that a proxy's prefix stays."""
    from urllib.parse import quote

    last = quote(scope["path"].rpartition("/")[2], safe="")
    return f"./{last}" + (f"?{urlencode(words)}" if words else "")


def _bounce(address: str) -> Response:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>azml studio</title>'
        f'<link rel="icon" href="data:,">'
        f'<meta http-equiv="refresh" content="0;url={escape(address)}"><a href="{escape(address)}">Go on</a>'
    )


def _headed(send: Send) -> Send:
    """Put the headers of this page on every answer; one that has stricter ones keeps them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _capped(receive: Receive) -> Receive:
    """Read no more of a body than is allowed, whatever its header said."""
    length = 0

    async def receiving() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        return message if length <= LARGEST_BODY else {"type": "http.disconnect"}

    return receiving
