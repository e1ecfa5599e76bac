"""A server on this machine that answers as the APIs of GitHub and GitLab do, as far as ``comment`` asks them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "ghs_secret-token"
HEAD = "1" * 40
REPOSITORY = "them/net"
BOT = "github-actions[bot]"


@dataclass
class Answer:
    """What is answered instead of what the server would do: a document, or bytes as they are."""

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """The comments that there are, the requests that came, and what is answered before the server does its work."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    #: Answers in front of the server's own, for a method and a part of the path.
    planned: list[tuple[str, str, Answer]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    viewer: str | None = BOT
    #: Called with each request, outside of the lock.
    before: Callable[[str, str], None] = lambda method, path: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    address: str = ""
    last: int = 0

    def writes(self) -> list[str]:
        """The methods of all requests that write comments."""
        return [method for method, path, _, _ in self.requests if method != "GET" and not path.endswith("graphql")]

    def add(self, body: str, author: str = BOT, number: int = 7) -> dict[str, Any]:
        """A comment that somebody has written."""
        self.last += 1
        page = f"https://forge/comments/{self.last}"
        user = {"user": {"login": author}, "author": {"username": author}}
        comment = {"id": self.last, "body": body, "html_url": page, "number": number, **user}
        self.comments.append(comment)
        return comment

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments]

    def answer(self, method: str, path: str, headers: dict[str, str], document: Any) -> Answer:
        self.before(method, path)
        with self.lock:
            self.requests.append((method, path, headers, document))
            for at, (wanted, part, planned) in enumerate(self.planned):
                if wanted == method and part in path:
                    del self.planned[at]
                    return planned
            if f"Bearer {TOKEN}" != headers.get("authorization") and headers.get("private-token") != TOKEN:
                return Answer(401, {"message": "Bad credentials"})
            return self._own(method, path, document)

    def _own(self, method: str, path: str, document: Any) -> Answer:
        if path == "/graphql":
            return Answer(200, {"data": {"viewer": {"login": self.viewer} if self.viewer else None}})
        if path == "/user":
            return Answer(200, {"username": self.viewer})
        if found := re.fullmatch(rf"/repos/{REPOSITORY}/pulls/(\d+)", path):
            pull = self.pulls.get(int(found[1]))
            return Answer(200, pull) if pull else Answer(404, {"message": "Not Found"})
        path, _, query = path.partition("?")
        if found := re.fullmatch(
            rf"(?:/repos/{REPOSITORY}/issues|/projects/5/merge_requests)/(\d+)/(comments|notes)", path
        ):
            number = int(found[1])
            if method == "POST":
                return Answer(201, self.add(document["body"], self.viewer or BOT, number))
            asked = dict(part.split("=") for part in query.split("&"))
            size, page = int(asked["per_page"]), int(asked["page"])
            there = [comment for comment in self.comments if comment["number"] == number]
            return Answer(200, there[size * (page - 1) : size * page])
        if found := re.fullmatch(r".*/(?:comments|notes)/(\d+)", path):
            comment = next((each for each in self.comments if each["id"] == int(found[1])), None)
            if comment is None:
                return Answer(404, {"message": "Not Found"})
            if method == "DELETE":
                self.comments.remove(comment)
                return Answer(204)
            comment["body"] = document["body"]
            return Answer(200, comment)
        return Answer(404, {"message": "Not Found"})


@contextmanager
def started() -> Iterator[Server]:
    """The server, at an address of its own until it is left."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = server.answer(self.command, self.path, headers, json.loads(content) if content else None)
            said = b"" if found.document is None else found.document
            said = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(found.status)
            for name, value in {**found.headers, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - the names that its base calls

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
