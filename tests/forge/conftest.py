"""A server of our own in place of GitHub, and an environment that leads to it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support import forge


@pytest.fixture
def server() -> Iterator[forge.Server]:
    """A server with pull request 7 of ``REPOSITORY``, which is at ``HEAD``."""
    with forge.started() as found:
        found.pulls[7] = {"head": {"sha": forge.HEAD, "repo": {"full_name": forge.REPOSITORY}}}
        yield found


@pytest.fixture
def github(server: forge.Server, monkeypatch: pytest.MonkeyPatch) -> forge.Server:
    """The environment of a job of GitHub Actions."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "CI_", "GITLAB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GITHUB_API_URL", server.address)
    monkeypatch.setenv("GITHUB_REPOSITORY", forge.REPOSITORY)
    monkeypatch.setenv("GITHUB_TOKEN", forge.TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return server


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the program would have slept; it doesn't."""
    found: list[float] = []
    ours, sleep = threading.get_ident(), time.sleep

    def nap(seconds: float) -> None:
        if threading.get_ident() == ours:
            found.append(seconds)
        else:  # another thread of the process, such as a server's
            sleep(seconds)

    monkeypatch.setattr("time.sleep", nap)
    return found
