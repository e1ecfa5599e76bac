"""One file that is a whole page: markup, style, script and data, with a policy that lets nothing else in.

The scripts are ES modules in ``entry/`` (one a page), ``page/``, ``graph/`` and ``vendor/``, the style sheets are in
``style/``.
Modules become one script here: each module once, behind those that it imports, as a function of its own that returns
what the module exports.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from ... import ir_html
from ...ir import Model
from ...visible import line
from .markup import provenance

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (?:\{ ([^}]*) \}|(\w+)))", re.MULTILINE)
_FOLDER = Path(__file__).parent
#: The style sheets, in their order: later ones win.
_STYLES = ("page", "graph", "table", "figures", "findings", "narrow")
#: Comments that have a line to themselves, and indentation.
_COMMENT = re.compile(r"^[ \t]*(//.*\n|/\*\*?(?!/)[\s\S]*?\*/[ \t]*\n)", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+|[ \t]*\n(?=[ \t]*\n)", re.MULTILINE)


#: The end of a page's head, after which ``signed`` looks: no name can hold it, as all of them are escaped.
_END_OF_HEAD = "</div></header>"


def page(
    kind: str,
    title: str,
    head: str,
    data: Mapping[str, Any],
    documents: Mapping[str, str],
    sources: Iterable[tuple[str, Model]] = (),
) -> str:
    """A report.

    ``kind`` is the script that it runs: ``entry/KIND.js``. ``head`` is markup that stands above what the script makes.
    ``data`` is what the script shows, ``documents`` are JSON documents by the ids of the elements that hold them.
    ``sources`` are the networks that the head names, with a label for each.
    """
    style, script = _style(), _script(f"{kind}.js")
    title = line(title)
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        # A picture that the page draws of itself is the only one.
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    packed = [ir_html.packed(name, text) for name, text in documents.items()]
    packed.append(ir_html.packed("data", json.dumps(data, ensure_ascii=False, separators=(",", ":"))))
    return (
        f"{ir_html.BEGINNING}"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{style}</style>\n"
        f'<header class="head"><h1>{escape(title)}</h1>{head}{provenance(sources)}</header>\n'
        '<p class="waiting">A script inside this page draws it. That takes a browser of 2023 or later.</p>\n'
        "<main></main>\n" + "\n".join(packed) + f'\n<script type="module">{script}</script>\n'
    )


def signed(text: str, command: Sequence[str]) -> str:
    """A page with the command that wrote it in its head, quoted as a shell reads it."""
    words = f"<span>Command: <code>{escape(line(shlex.join(command)))}</code></span>"
    return text.replace(_END_OF_HEAD, words + _END_OF_HEAD, 1)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    text = "".join((_FOLDER / "style" / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)
    return _INDENT.sub("", re.sub(r"/\*[\s\S]*?\*/", "", text))


@cache
def _script(name: str) -> str:
    """The module and all that it imports, as one script."""
    parts: dict[str, str] = {}
    _gather(Path("entry") / name, parts)
    *imported, main = parts
    text = "".join(_as_function(module, parts[module]) for module in imported) + _with_constants(parts[main])
    text = _COMMENT.sub("", text)
    if re.search("</script|<!--", text):
        raise ValueError(f"{name} can't be a part of a page: markup in it would end the script")
    # A page is a copy of the libraries in it, whose licences ask for their notice in every copy.
    licences = [(_FOLDER / module).with_suffix(".LICENSE") for module in parts]
    notices = [f"/*\n{file.read_text(encoding='utf-8')}*/\n" for file in licences if file.is_file()]
    return "".join(notices) + _INDENT.sub("", text)


def _gather(module: Path, parts: dict[str, str]) -> None:
    """Puts a module behind those that it imports. Modules don't import in circles."""
    text = (_FOLDER / module).read_text(encoding="utf-8")
    for _, place in _IMPORT.findall(text):
        imported = (module.parent if place.startswith("./") else Path()) / place.removeprefix("./").removeprefix("../")
        if str(imported) not in parts:
            _gather(imported, parts)
    parts[str(module)] = text


def _as_function(module: str, text: str) -> str:
    """A module as a constant: an object with what it exports."""
    names = ", ".join(several or name for several, name in _EXPORT.findall(text))
    return f"const {_constant(module)} = (() => {{\n{_with_constants(text)}\nreturn {{ {names} }};\n}})();\n"


def _with_constants(text: str) -> str:
    """The module's text, with constants instead of imports."""
    text = _IMPORT.sub(lambda found: f"const {{{found[1].replace(' as ', ': ')}}} = {_constant(found[2])};\n", text)
    return _EXPORT.sub("", text)


def _constant(module: str) -> str:
    """What a module is called in the script: ``$fold`` for ``page/fold.js``."""
    return "$" + re.sub(r"\W", "_", Path(module).stem)
