"""Tests build every model anew: what an earlier run kept proves nothing. Those of the cache have folders of theirs."""

import os

os.environ["RESNET_INSPECT_CACHE"] = "off"
