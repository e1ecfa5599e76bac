"""What building a wheel makes: the man pages, and the addresses of the README's pictures and links."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class ManPages(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the man pages where ``man`` looks for those of the programs on the ``PATH``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from resnet_inspect.cli.man import pages

        folder = Path(self.root, "build", "man")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (folder / name).write_text(text, encoding="utf-8")
            build_data["shared_data"][str(folder / name)] = f"share/man/man1/{name}"


class Readme(MetadataHookInterface):
    """Makes the README's links absolute: PyPI shows it without the files beside it."""

    def update(self, metadata: dict[str, Any]) -> None:
        source = metadata["urls"]["Source"]
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = re.sub(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)", rf"![\1]({source}/raw/main/\2)", text)
        text = re.sub(r"(?<!!)\[([^]]*)\]\((?!https?:|#)([^)]+)\)", rf"[\1]({source}/blob/main/\2)", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
