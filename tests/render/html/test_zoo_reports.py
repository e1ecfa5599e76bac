"""Reports of zoo models: ``ZOO=all`` takes every model, else there are a few."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.blocks import networks
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from tests.support.browser import opening
from tests.support.command import in_child, needs
from tests.support.reports import ready, report, summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: A few of each framework, or all.
ALL = os.environ.get("ZOO") == "all"
FEW = {
    "local": ("resnet18",),
    "torch": ("googlenet", "mobilenet_v3_small", "regnet_x_400mf"),
    "keras": ("MobileNetV3Small", "Xception"),
}
#: So many at least are in the oldest library of each.
LEAST = {"local": 16, "torch": 121, "keras": 40}
#: Models of which the whole first graph is seen on a screen of 1440 x 900: those of above, and what people start from.
WHOLE = {*FEW["torch"], *FEW["keras"], "resnet18", "resnet50", "densenet121", "inception_v3", "swin_t", "vit_b_16"}
WHOLE |= {"vgg16", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "ResNet50", "DenseNet121", "EfficientNetB0"}
_OUTSIDE = """() => [...document.querySelectorAll(".network .box")].filter((each) => {
  const [box, view] = [each, each.closest(".view")].map((part) => part.getBoundingClientRect());
  return box.bottom > Math.min(innerHeight, view.bottom) || box.right > view.right;
}).length"""
#: Bytes of a page, of a ResNet50's too.
MOST, MOST_RESNET50 = 400_000, 150_000


def _write(folder: str, name: str, summary: Summary) -> None:
    Path(folder, f"{name}.html").write_text(render(summary, "html", View()), encoding="utf-8")


def _write_local(folder: str) -> None:
    for flavor in ("torch", "keras") if ALL else ("torch",):
        for name in networks.names(flavor) if ALL else FEW["local"]:
            _write(folder, f"{name}-{flavor}", local.summarize(Request(name, flavor=flavor)).summary)


@in_child("torch")
def _write_torch(folder: str) -> None:
    import torchvision

    from resnet_inspect.readers.torch.reader import summarize

    for name in torchvision.models.list_models() if ALL else FEW["torch"]:
        _write(folder, name.replace("/", "_"), summarize(Request(name)).summary)


@in_child("tensorflow")
def _write_keras(folder: str) -> None:
    from resnet_inspect.readers import zoo
    from resnet_inspect.readers.keras.reader import summarize

    for name in zoo.names("keras") if ALL else FEW["keras"]:
        _write(folder, name, summarize(Request(name)).summary)


_WRITERS = {"local": _write_local, "torch": _write_torch, "keras": _write_keras}


@pytest.mark.parametrize(
    "backend",
    [
        "local",
        pytest.param("torch", marks=needs("torchvision")),
        pytest.param("keras", marks=needs("tensorflow")),
    ],
)
def test_every_model_has_a_small_page_that_opens(backend: str, browser: Browser, tmp_path: Path) -> None:
    _WRITERS[backend](folder=str(tmp_path))
    pages = sorted(tmp_path.iterdir())
    assert len(pages) >= (LEAST[backend] if ALL else len(FEW[backend]))
    sizes = {path.stem: path.stat().st_size for path in pages}
    assert {name: size for name, size in sizes.items() if size > MOST} == {}
    for path in pages:
        with opening(browser, tmp_path) as opened:
            page = ready(opened(path, viewport=(1440, 900)))
            assert page.locator(".network .box").count() > 1, path.stem
            assert page.locator(".body .row").count() > 1, path.stem
            assert page.evaluate("document.documentElement.scrollWidth") <= 1440, path.stem
            assert path.stem not in WHOLE or page.evaluate(_OUTSIDE) == 0, path.stem


def test_a_resnet50_fits_in_a_mail() -> None:
    assert len(report(summary("local:resnet50")).encode()) < MOST_RESNET50
