"""Vendored files are as they were made from npm's packages, and their licences lie beside them."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.javascript.vendor import LIBRARIES, RECORD, VENDOR, Vendored, joined
from tests.support.command import run

RECORDED = [Vendored(**entry) for entry in json.loads(RECORD.read_text(encoding="utf-8"))]


def test_what_is_vendored_is_what_is_listed() -> None:
    assert [(entry.name, entry.version) for entry in RECORDED] == [(each.name, each.version) for each in LIBRARIES]
    known = {name for entry in RECORDED for name in (entry.file, entry.license_file, f"{entry.name}.d.ts")}
    assert {path.name for path in VENDOR.iterdir()} <= known | {RECORD.name}


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry.name)
def test_a_vendored_file_is_as_recorded_and_has_its_licence(entry: Vendored) -> None:
    content = (VENDOR / entry.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert entry.integrity.startswith("sha512-")
    assert f"{entry.name} {entry.version}, {entry.license} licence".encode() in content.splitlines()[0]
    assert b"Copyright" in (VENDOR / entry.license_file).read_bytes()
    # It stands inside a page: nothing in it may end the page's script.
    assert content.isascii()
    assert b"</" not in content
    assert b"<!--" not in content


def test_a_page_has_the_notices_of_the_libraries_in_it() -> None:
    page = run("summary", "resnet18", "--format", "html").stdout
    for entry in RECORDED:
        assert (VENDOR / entry.license_file).read_text(encoding="utf-8") in page


def test_modules_are_joined_behind_what_they_import() -> None:
    sources = {
        "src/index.js": 'export {default as area, Other} from "./area/index.js";\n',
        "src/area/index.js": (
            'import {half} from "../half.js";\nimport times, {one} from "../times.js";\n\n'
            "// What it is.\nexport default function(a) {\n  return half(times(a, one)); // half of it\n}\n"
        ),
        "src/half.js": 'import product from "./times.js";\nexport function half(a) { return product(a, 0.5); }\n',
        "src/times.js": "export var one = 1;\nexport default (function(a, b) { return a * b; });\n",
    }
    assert joined(sources, "src/index.js", ("area",)).splitlines() == [
        "export const { area } = (() => {",
        "var one = 1;",
        "const product = (function(a, b) { return a * b; });",
        "function half(a) { return product(a, 0.5); }",
        "const times = product;",
        "function area(a) {",
        "return half(times(a, one));",
        "}",
        "return { area };",
        "})();",
    ]
    with pytest.raises(ValueError, match=r"src/times\.js: export \* from"):
        joined({**sources, "src/times.js": 'export * from "./one.js";\n'}, "src/index.js", ("area",))
