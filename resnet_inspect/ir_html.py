"""A summary inside an HTML report: its JSON document, packed into an element of the page, and out of it again."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib

from . import ir_json
from .errors import ModelError
from .ir import Summary

#: What every report begins with.
BEGINNING = f'{ir_json.REPORT.decode()}t--><html lang="en"><meta charset="utf-8">\n'
_PACKED = re.compile(rb'<script type="application/gzip" id="(network[^"]*)">([A-Za-z0-9+/=]*)</script>')


def packed(name: str, text: str) -> str:
    """An element that holds a text: gzip in base64, which is never markup. The same text gives the same bytes."""
    data = base64.b64encode(gzip.compress(text.encode(errors="backslashreplace"), mtime=0)).decode()
    return f'<script type="application/gzip" id="{name}">{data}</script>'


def loads(page: bytes) -> Summary:
    """The network of a report.

    Raises:
        ModelError: the report shows no network or several ones, or is damaged.
    """
    if not page.startswith(ir_json.REPORT):
        raise ModelError("this page is not a report of resnet-inspect")
    found = _PACKED.findall(page)
    if len(found) != 1:
        count = f"{len(found)} networks" if found else "no network"
        raise ModelError(f"this report shows {count}: a report of one network can be read, as summary writes it")
    try:
        data = base64.b64decode(found[0][1], validate=True)
        unpacking = zlib.decompressobj(wbits=31)
        text = unpacking.decompress(data, ir_json.MOST_BYTES + 1)
    except (binascii.Error, zlib.error) as error:
        raise ModelError(f"this report is damaged: {error}") from error
    if len(text) <= ir_json.MOST_BYTES and (not unpacking.eof or unpacking.unused_data):
        what = "is followed by something else" if unpacking.eof else "is cut off"
        raise ModelError(f"this report is damaged: its network {what}")
    return ir_json.loads(text)
