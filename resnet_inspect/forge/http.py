"""Requests to a JSON API with a token: repeated where that helps, and the token stays with the server it is for."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from .. import stranger_json
from ..errors import BadRequestError, InspectError
from ..version import __version__
from ..visible import line

#: How often a request is sent at most.
_TRIES = 5
#: Seconds: of one request, and that are waited at most before it is sent again.
_TIMEOUT = 30
_MOST_WAITING = 60
_MOST_REDIRECTS = 5
#: Bytes of an answer: a hundred comments of 65,536 characters fit.
_MOST_BYTES = 2**26
#: Characters of the server's own words in a message.
_MOST_WORDS = 300
_LOST = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)


class ForgeError(InspectError):
    """The server refused a request or can't be reached. ``status`` is the answer's, or None (exit 3)."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """The API at an address. ``token`` is the value of ``header``; it appears in no message."""

    name: str
    address: str
    header: str
    token: str

    def __post_init__(self) -> None:
        """Raises BadRequestError for an address or a token that no request can be made with."""
        if urlsplit(self.address).scheme not in ("http", "https") or not re.fullmatch(r"[!-~]+", self.address):
            raise BadRequestError(f"{self.name}'s API must be an address with https://, got {self.address!r:.80}")
        if not re.fullmatch(r"[ -~]+", self.token):
            raise BadRequestError(f"the token for {self.name} has characters that no token has")

    def send(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """The JSON document that answers a request; None where the answer is empty.

        ``path`` begins with a slash, behind the API's address, or is an address of its own. The server's failures, lost
        connections and rate limits are tried again, as long as that takes no more than a minute each time.

        Raises:
            ForgeError: the answer is an error, or none comes.
        """
        url = path if "://" in path else self.address.rstrip("/") + path
        url += f"?{urlencode(query)}" if query else ""
        body = None if document is None else json.dumps(document).encode()
        for left in reversed(range(_TRIES)):
            pause = float(2 ** (_TRIES - 1 - left))
            try:
                status, headers, content = self._answer(method, url, body)
            except _LOST as error:
                if not left:
                    raise ForgeError(self._said(f"{self.name} can't be reached: {_reason(error)}")) from None
            else:
                if status < 300:
                    return self._document(content)
                asked = _wanted_pause(status, headers)
                limited = status == 429 or (status == 403 and asked is not None)
                if not limited and status < 500:
                    raise ForgeError(self._said(_words(content)), status)
                pause = pause if asked is None else asked
                if limited and pause > _MOST_WAITING:
                    minutes = f"{-(-pause // 60):.0f} minutes"
                    raise ForgeError(f"{self.name}'s rate limit is used up: try again in {minutes}", status)
                if not left:
                    what = f"{self.name} {'wants fewer requests' if limited else 'fails'} ({status})"
                    raise ForgeError(self._said(f"{what}, after {_TRIES} tries: {_words(content)}"), status)
            time.sleep(min(pause, _MOST_WAITING))
        raise AssertionError("the last try returns or raises")

    def _answer(self, method: str, url: str, body: bytes | None) -> tuple[int, Message, bytes]:
        """Status, headers and content, behind redirects. Another server than the one of the address gets no token."""
        home = _origin(url)
        for _ in range(_MOST_REDIRECTS):
            headers = {"Accept": "application/json", "User-Agent": f"resnet-inspect/{__version__}"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            if _origin(url) == home:
                headers[self.header] = self.token
            request = urllib.request.Request(url, body, headers, method=method)
            try:
                answer = _OPENER.open(request, timeout=_TIMEOUT)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                status, said, content = answer.status, answer.headers, answer.read(_MOST_BYTES + 1)
            target = said.get("Location")
            if status not in (301, 302, 303, 307, 308) or target is None:
                return status, said, content
            url = urljoin(url, target)
            if method != "GET" and status < 307:
                # A browser would ask with GET instead, and nothing would be written.
                raise ForgeError(f"{self.name} has moved what is written, to {line(_origin(url))}", status)
            if not url.startswith(("https:",) if home.startswith("https:") else ("https:", "http:")):
                raise ForgeError(f"{self.name} leads to an address that isn't followed", status)
        raise ForgeError(f"{self.name} leads from one address to another without end")

    def _document(self, content: bytes) -> Any:
        try:
            return stranger_json.loads(content) if content.strip() else None
        except ValueError as error:
            raise ForgeError(self._said(f"{self.name} answered with no JSON that can be read: {error}")) from None

    def _said(self, text: str) -> str:
        """A message without the token, whoever has put it there: a server may answer with what it was sent."""
        secret = self.token.rpartition(" ")[2]
        return text.replace(secret, "***") if secret else text


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "reason", "") or error) or type(error).__name__


def _words(content: bytes) -> str:
    """What an error's answer says: its ``message`` and the errors' own, or its first words."""
    try:
        said = stranger_json.loads(content)
    except ValueError:
        said = content[:_MOST_WORDS].decode(errors="replace")
    if isinstance(said, dict):
        more = [each.get("message") or each.get("code") if isinstance(each, dict) else each for each in _list(said)]
        said = "; ".join(str(each) for each in [said.get("message") or said.get("error"), *more] if each)
    return line(str(said))[:_MOST_WORDS] or "no reason is given"


def _list(said: Mapping[str, Any]) -> list[Any]:
    errors = said.get("errors")
    return errors if isinstance(errors, list) else []


def _wanted_pause(status: int, headers: Message) -> float | None:
    """Seconds that the server wants to be left alone for; None where it says nothing of the kind."""
    if status not in (403, 429, 503):
        return None
    after = headers.get("Retry-After")
    if after is not None:
        try:
            return max(float(after), 0)
        except ValueError:
            try:
                return max(parsedate_to_datetime(after).timestamp() - time.time(), 0)
            except ValueError:
                return None
    for prefix in ("X-RateLimit", "RateLimit"):
        if headers.get(f"{prefix}-Remaining") == "0":
            try:
                return max(float(headers.get(f"{prefix}-Reset", "")) - time.time(), 0) + 1
            except ValueError:
                return None
    return None
