"""The app as the tests meet it: started in this process, on a free port of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import app
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from cvt.pictures import OpenedPicture
from cvt.processor import CvtImageProcessor
from tests.helpers import randomize
from visualize.page.requests import Request
from visualize.page.workbench import Result, Workbench

if TYPE_CHECKING:
    import gradio as gr

# Grids 48², 24², 12² at 96×96 pixels, as in the embedded model, which the tests of the page describe in words.
ARCHITECTURE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": (2, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (48, 96, 192),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "image_size": 96,
}


def save_random_model(
    folder: Path, kind: str = "class", crop_pct: float | None = None, seed: int = 0, classifier_bias: float | None = None, **changes
) -> None:
    """A model with seeded weights that make every map lively; its classes are called "``kind`` 0" and so on."""
    config = CvtConfig(**{**ARCHITECTURE, **changes}, id2label={index: f"{kind} {index}" for index in range(10)})
    model = randomize(CvtForImageClassification(config), seed)
    if classifier_bias is not None:
        model.classifier.bias.data.fill_(classifier_bias)
    model.save_pretrained(folder)
    CvtImageProcessor(size=config.image_size, crop_pct=crop_pct).save_pretrained(folder)


def explore(workbench: Workbench, picture: str | Path | bytes | OpenedPicture, model: str | None = None) -> Result:
    """The picture through the model of this name, the first where none is given, as the page asks for it."""
    picture = str(picture) if isinstance(picture, Path) else picture
    return workbench.explore(Request(model=workbench.loaded(model).name, picture=picture))


# by port, since a visitor may call the host by another name:
_VISITORS: dict[int | None, list[Callable[[], None]]] = {}  # what closes each page that is open there
_WORKBENCHES: dict[int | None, Workbench] = {}
_DEMOS: dict[int | None, gr.Blocks] = {}


def before_closing(address: str, leave: Callable[[], None]) -> None:
    """Has ``app_of`` call ``leave`` before it stops the server of this address: a page that outlived it would see its requests fail."""
    _VISITORS[urlparse(address).port].append(leave)


def stores(address: str, key: str) -> bool:
    """Whether the server of this address still has this result, which it then keeps longest."""
    store = _WORKBENCHES[urlparse(address).port].store
    return key in store and store.get(key) is not None


def demo_of(address: str) -> gr.Blocks:
    """The page that the server of this address serves."""
    return _DEMOS[urlparse(address).port]


@contextmanager
def app_of(workbench: Workbench, port: int | None = None, **settings: Any) -> Iterator[str]:
    """The address of a page for this workbench, until the block ends. ``settings``: more of Gradio's, such as ``root_path``."""
    demo, visitors = app.build_demo(workbench), []
    try:
        settings |= app.launch_settings(workbench)
        _, address, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", server_port=port, quiet=True, **settings)
        _VISITORS[urlparse(address).port] = visitors
        _WORKBENCHES[urlparse(address).port], _DEMOS[urlparse(address).port] = workbench, demo
        yield address.rstrip("/")
    finally:
        for leave in visitors:
            leave()
        demo.close()


@contextmanager
def random_app(folder: Path) -> Iterator[tuple[Workbench, str]]:
    """The workbench and the address of the app with ``save_random_model`` of ``folder``."""
    save_random_model(folder)
    workbench = Workbench(str(folder), "cpu", kept=app.EXAMPLES)
    with app_of(workbench) as address:
        yield workbench, address
