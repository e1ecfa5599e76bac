"""What tests of exported programs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import script


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pt2")
    script(f"from tests.support.pt2_programs import export; export({str(path)!r})")
    return path
