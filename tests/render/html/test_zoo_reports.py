"""Reports of zoo models: ``ZOO=all`` takes every model, else there are a few."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.render import View, render
from tests.support.browser import opening
from tests.support.command import in_child, needs
from tests.support.reports import ready, report, summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: A few of each framework, or all.
ALL = os.environ.get("ZOO") == "all"
FEW = {"torch": ("googlenet", "mobilenet_v3_small", "regnet_x_400mf"), "keras": ("MobileNetV3Small", "Xception")}
#: Models of which the whole first graph is seen on a screen of 1440 x 900: those of above, and what people start from.
WHOLE = {*FEW["torch"], *FEW["keras"], "resnet18", "resnet50", "densenet121", "inception_v3", "swin_t", "vit_b_16"}
WHOLE |= {"vgg16", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "ResNet50", "DenseNet121", "EfficientNetB0"}
_OUTSIDE = """() => [...document.querySelectorAll(".network .box")].filter((each) => {
  const [box, view] = [each, each.closest(".view")].map((part) => part.getBoundingClientRect());
  return box.bottom > Math.min(innerHeight, view.bottom) || box.right > view.right;
}).length"""
#: Bytes of a page, of a ResNet50's too.
MOST, MOST_RESNET50 = 400_000, 150_000


@in_child("torch")
def _write_torch(folder: str) -> None:
    import torchvision

    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.reader import summarize

    for name in torchvision.models.list_models() if ALL else FEW["torch"]:
        page = render(summarize(Request(name)).summary, "html", View())
        (Path(folder) / f"{name.replace('/', '_')}.html").write_text(page, encoding="utf-8")


@in_child("tensorflow")
def _write_keras(folder: str) -> None:
    from resnet_inspect.readers import zoo
    from resnet_inspect.readers.keras.reader import summarize
    from resnet_inspect.readers.request import Request

    for name in sorted(zoo.names("keras")) if ALL else FEW["keras"]:
        page = render(summarize(Request(name)).summary, "html", View())
        (Path(folder) / f"{name}.html").write_text(page, encoding="utf-8")


@pytest.mark.parametrize(
    "backend", [pytest.param("torch", marks=needs("torchvision")), pytest.param("keras", marks=needs("tensorflow"))]
)
def test_every_model_has_a_small_page_that_opens(backend: str, browser: Browser) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (_write_torch if backend == "torch" else _write_keras)(folder=folder)
        pages = sorted(Path(folder).iterdir())
        assert len(pages) >= (50 if ALL and backend == "torch" else 30 if ALL else len(FEW[backend]))
        sizes = {path.stem: path.stat().st_size for path in pages}
        assert {name: size for name, size in sizes.items() if size > MOST} == {}
        for path in pages:
            with opening(browser, Path(folder)) as opened:
                page = ready(opened(path, viewport=(1440, 900)))
                assert page.locator(".network .box").count() > 1, path.stem
                assert page.locator(".body .row").count() > 1, path.stem
                assert page.evaluate("document.documentElement.scrollWidth") <= 1440, path.stem
                assert path.stem not in WHOLE or page.evaluate(_OUTSIDE) == 0, path.stem


def test_a_resnet50_fits_in_a_mail() -> None:
    assert len(report(summary("local:resnet50")).encode()) < MOST_RESNET50
