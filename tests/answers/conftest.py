"""What tests of kept summaries share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESNET_INSPECT_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"
