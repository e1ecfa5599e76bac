"""Tables of zoo models on terminals of several widths: ``ZOO=all`` takes every model, else there are a few of each."""

from __future__ import annotations

import os

from resnet_inspect.ir import Summary
from resnet_inspect.render import View, render
from tests.render.test_fitting import assert_told_apart
from tests.support.command import in_child

#: Every eleventh model shows each family; the whole zoo takes two minutes.
STEP = 1 if os.environ.get("ZOO") == "all" else 11


def assert_fits(summary: Summary) -> None:
    for width in (60, 80, 100, 140):
        for depth in (None, 1, 2, 3):
            assert_told_apart(render(summary, "table", View(width=width, depth=depth)), width)
        folded = render(summary, "table", View(width=width, height=40, rails=True))
        assert max(map(len, folded.splitlines())) <= width


@in_child("torch")
def test_torchvision() -> None:
    import torchvision

    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.reader import summarize

    for name in torchvision.models.list_models()[::STEP]:
        assert_fits(summarize(Request(name)).summary)


@in_child("tensorflow")
def test_keras() -> None:
    from resnet_inspect.readers import zoo
    from resnet_inspect.readers.keras.reader import summarize
    from resnet_inspect.readers.request import Request

    for name in sorted(zoo.names("keras"))[::STEP]:
        assert_fits(summarize(Request(name)).summary)
