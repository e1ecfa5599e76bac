"""A summary inside an HTML report: its JSON document, packed into an element of the page, and out of it again."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import re
import zlib

from . import ir_json
from .errors import ModelError
from .ir import Summary

#: What every report begins with.
BEGINNING = '<!doctype html><!--resnet-inspect-report--><html lang="en"><meta charset="utf-8">\n'
#: Level 9 saves a hundredth, and takes twenty times as long for a graph in which each layer reads many others.
_LEVEL = 6
_PACKED = re.compile(rb'<script type="application/gzip" id="(network[^"]*)">([A-Za-z0-9+/=]*)</script>')


def packed(name: str, text: str) -> str:
    """An element that holds a text: gzip in base64, which is never markup. The same text gives the same bytes."""
    data = base64.b64encode(gzip.compress(text.encode(errors="backslashreplace"), _LEVEL, mtime=0)).decode()
    return f'<script type="application/gzip" id="{name}">{data}</script>'


def loads(page: bytes) -> Summary:
    """The network of a report, which a browser or an editor may have written again: only its element counts.

    Raises:
        ModelError: the page shows no network or several ones, or is damaged.
    """
    if page.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell's ``>``
        page = page.decode("utf-16", "ignore").encode(errors="ignore")
    found = _PACKED.findall(page)
    if len(found) != 1:
        count = f"{len(found)} networks" if found else "no network"
        raise ModelError(f"this page shows {count}: a report of one network can be read, as summary writes it")
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
