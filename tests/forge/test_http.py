"""Requests to a server that fails, limits, or leads elsewhere; and the token, which stays where it belongs."""

from __future__ import annotations

import io
import time
import urllib.error
from email.message import Message
from email.utils import formatdate
from typing import Any

import pytest

from resnet_inspect.forge import http
from resnet_inspect.forge.http import Api, ForgeError
from tests.support.forge import TOKEN, Answer, Server, started


@pytest.fixture
def api(github: Server) -> Api:
    return Api("GitHub", github.address, "Authorization", f"Bearer {TOKEN}")


def asked(github: Server) -> int:
    return sum(path == "/user" for _, path, _, _ in github.requests)


def test_a_server_that_fails_is_asked_again(github: Server, api: Api, naps: list[float]) -> None:
    github.planned += [("GET", "/user", Answer(status)) for status in (500, 502, 503)]
    assert api.send("GET", "/user")["username"] == github.viewer
    assert naps == [1, 2, 4]


def test_not_for_ever(github: Server, api: Api, naps: list[float]) -> None:
    github.planned += [("GET", "/user", Answer(502, {"message": f"sorry {TOKEN}"})) for _ in range(9)]
    with pytest.raises(ForgeError, match=r"GitHub fails \(502\), after 5 tries: sorry \*\*\*"):
        api.send("GET", "/user")
    assert asked(github) == 5
    assert naps == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "7"}, 7),
        (403, {"Retry-After": "7"}, 7),
        (503, {"Retry-After": "7"}, 7),
        (429, {}, 1),
        (429, {"Retry-After": formatdate(time.time() + 30, usegmt=True)}, 30),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 20)}, 21),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(time.time()) + 20)}, 21),
        (429, {"Retry-After": "soon"}, 1),
    ],
)
def test_a_limit_is_waited_for(
    github: Server, api: Api, naps: list[float], status: int, headers: dict[str, str], seconds: float
) -> None:
    github.planned.append(("GET", "/user", Answer(status, {"message": "slow down"}, headers)))
    assert api.send("GET", "/user")["username"] == github.viewer
    # The dates of the last three are counted from when the tests were collected.
    (slept,) = naps
    assert slept <= seconds
    assert slept == seconds or "Reset" in str(headers) or "GMT" in str(headers)


def test_a_limit_that_lasts_is_an_error_at_once(github: Server, api: Api, naps: list[float]) -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1799)}
    github.planned.append(("GET", "/user", Answer(403, {"message": "API rate limit exceeded"}, reset)))
    with pytest.raises(ForgeError, match="rate limit is used up: try again in 30 minutes"):
        api.send("GET", "/user")
    assert naps == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_isnt_repeated(github: Server, api: Api, naps: list[float], status: int) -> None:
    github.planned.append(("GET", "/user", Answer(status, {"message": "no"})))
    with pytest.raises(ForgeError, match="no") as error:
        api.send("GET", "/user")
    assert error.value.status == status
    assert (asked(github), naps) == (1, [])


def test_nobody_is_there(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with started() as server:
        gone = server.address
    with pytest.raises(ForgeError, match="GitHub can't be reached"):
        Api("GitHub", gone, "Authorization", "Bearer x").send("GET", "/user")
    assert len(naps) == 4


def test_an_answer_that_cant_be_read(github: Server, api: Api) -> None:
    github.planned.append(("GET", "/user", Answer(200, b"<html>")))
    with pytest.raises(ForgeError, match="no JSON"):
        api.send("GET", "/user")
    github.planned.append(("GET", "/user", Answer(404, b"<html>\n  gone")))
    with pytest.raises(ForgeError, match="<html> gone"):
        api.send("GET", "/user")
    github.planned.append(("DELETE", "/user", Answer(204)))
    assert api.send("DELETE", "/user") is None


def test_a_redirect_on_the_same_server_is_followed_with_the_token(github: Server, api: Api) -> None:
    moved = Answer(307, None, {"Location": "/user?moved"})
    github.planned += [("GET", "/user", moved), ("GET", "/user?moved", Answer(200, {"username": "moved"}))]
    assert api.send("GET", "/user") == {"username": "moved"}
    assert [headers.get("authorization") for *_, headers, _ in github.requests] == [f"Bearer {TOKEN}"] * 2


def test_another_server_gets_no_token(github: Server, api: Api) -> None:
    with started() as other:
        github.planned.append(("GET", "/user", Answer(302, None, {"Location": f"{other.address}/user"})))
        other.planned.append(("GET", "/user", Answer(200, {"username": "other"})))
        assert api.send("GET", "/user") == {"username": "other"}
        ((_, _, headers, _),) = other.requests
    assert TOKEN not in str(headers)


def test_what_is_written_is_not_asked_for_instead(github: Server, api: Api) -> None:
    github.planned.append(("POST", "/x", Answer(301, None, {"Location": "/y"})))
    with pytest.raises(ForgeError, match="has moved"):
        api.send("POST", "/x", {"body": "b"})
    github.planned.append(("POST", "/x", Answer(308, None, {"Location": "/y"})))
    github.planned.append(("POST", "/y", Answer(201, {"done": True})))
    assert api.send("POST", "/x", {"body": "b"}) == {"done": True}
    assert github.requests[-1][3] == {"body": "b"}


def test_a_circle_ends(github: Server, api: Api) -> None:
    github.planned += [("GET", "/user", Answer(302, None, {"Location": "/user"})) for _ in range(9)]
    with pytest.raises(ForgeError, match="without end"):
        api.send("GET", "/user")


@pytest.mark.parametrize("target", ["http://api.example/user", "file:///etc/passwd", "ftp://api.example/"])
def test_what_is_safe_stays_safe(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    class Leading:
        def open(self, request: Any, timeout: float) -> Any:
            headers = Message()
            headers["Location"] = target
            return urllib.error.HTTPError(request.full_url, 302, "Found", headers, io.BytesIO())

    monkeypatch.setattr(http, "_OPENER", Leading())
    with pytest.raises(ForgeError, match="isn't followed"):
        Api("GitHub", "https://api.example", "Authorization", "Bearer x").send("GET", "/user")
