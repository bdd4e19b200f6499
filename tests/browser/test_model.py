"""The model in a browser's worker: pictures as Pillow reads them, results as PyTorch computes them, and what is said where it fails."""

from __future__ import annotations

import gzip
import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")
pytest.importorskip("onnx")

from cvt.processor import CvtImageProcessor
from tests.helpers import ROOT, tiny_model
from visualize.explore import explore
from visualize.site.model_files import RUNTIME, write_model

pytestmark = pytest.mark.browser
PACKAGE = ROOT / "tests/web/node_modules/onnxruntime-web/dist"
PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
OPEN = """async () => {
  const { openModel } = await import("/modules/model/model.js");
  Object.assign(window, await import("/modules/explorer/payload.js"), { shares: [] });
  window.model = await openModel({ address: "/model/", onProgress: (share) => shares.push(share) });
}"""
# What the model finds of a picture's file: [pixels, probabilities by class, notes].
EXPLORE = """async (bytes) => {
  const { key, value } = await model.explore(new Blob([Uint8Array.from(bytes)]), {});
  const { header, arrays } = parse(await model.data(key));
  window.key = key;
  const crop = await createImageBitmap(new Blob([arrays.crop]));
  return [Array.from(arrays.pixels), Object.fromEntries(header.top.map((each) => [each.label, each.probability])), value.notes,
    [crop.width, crop.height]];
}"""
SAID = "(work) => work().then(() => '', ({ name, message }) => `${name}: ${message}`)"


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def address(model, tmp_path_factory):
    """A server with the scripts, and a model's files as a site has them."""
    if not PACKAGE.is_dir():
        pytest.skip("needs onnxruntime-web: npm ci --prefix tests/web")
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(PAGE)
    (folder / "modules").symlink_to(ROOT / "visualize/web")
    examples = [ROOT / "examples/koala.jpg", ROOT / "examples/alp.jpg"]
    write_model(folder / "model", model, CvtImageProcessor(size=32), examples)
    for path in RUNTIME.values():
        to = folder / "model" / path
        to.parent.mkdir(exist_ok=True)
        to.write_bytes((PACKAGE / to.name).read_bytes() if to.suffix != ".gz" else gzip.compress((PACKAGE / to.stem).read_bytes(), 1))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(chromium, address):
    page = chromium.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address[1])
    page.evaluate(OPEN)
    yield page
    assert problems == []
    page.close()


def encoded(picture: Image.Image, kind: str, **settings) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def files() -> dict[str, bytes]:
    """Two photographs, one of them turned by its EXIF tag, and drawings that are partly transparent, tall, wide and small."""
    photo = Image.open(ROOT / "examples/red_panda.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 256, (60, 200, 4), np.uint8)
    noise[:, 100:, 3] = 255
    return {
        "photo": (ROOT / "examples/koala.jpg").read_bytes(),
        "turned": encoded(photo, "JPEG", exif=turned, quality=90),
        "transparent": encoded(Image.fromarray(noise), "PNG"),
        "tall": encoded(photo.resize((40, 160)), "PNG"),
        "small": encoded(photo.resize((16, 16)), "PNG"),
    }


def test_pictures_and_results_are_pythons(page, model):
    notes = {}
    for name, content in files().items():
        pixels, probabilities, notes[name], crop = page.evaluate(EXPLORE, list(content))
        seen = explore(model, CvtImageProcessor(size=32), content)
        off = np.abs(np.array(pixels).reshape(seen.pixels.shape) - seen.pixels)
        assert off.max() <= 1, name
        if name != "transparent":  # canvases multiply colours by their opacity and round
            assert off.max() == 0, name
        assert crop == list(seen.crop.size), name
        expected = dict(seen.top())
        assert probabilities == pytest.approx(expected, abs=2e-3 if off.any() else 1e-4)
    assert notes["photo"] == notes["turned"] == []
    assert notes["transparent"] == ["Transparent parts shown over white.", "The model saw only the middle square of 200×60 pixels."]
    shares = page.evaluate("shares")
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_experiments_are_answered_and_ended(page):
    page.evaluate(EXPLORE, list(files()["photo"]))
    answer = page.evaluate("() => model.answer('transform', { key, right: 8 })")
    assert answer["value"]["changed"]["lines"].count("Shift(down=0, right=8)") == 1
    assert page.evaluate("async () => parse(await model.data((await model.answer('transform', { key, down: 8 })).value.key)).header.input")
    assert page.evaluate("() => model.answer('receptive_field', { key })") is None
    stop = "() => { const stop = new AbortController(); return model.answer('importance', { key }, () => stop.abort(), stop.signal); }"
    assert page.evaluate(f"({SAID})({stop})").startswith("AbortError")
    assert page.evaluate(f"({SAID})(() => model.answer('lens', {{ key: 'gone' }}))") == "Error: This result is no longer stored."
    assert page.evaluate(f"({SAID})(() => model.explore(new Blob(['no picture'])))").endswith("not a picture that the browser can read.")


def test_a_damaged_or_missing_file_is_said(page, address):
    opened = "() => import('/modules/model/model.js').then(({ openModel }) => openModel({ address: '/model/' }))"
    file = address[0] / "model/constants.bin"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert page.evaluate(f"({SAID})({opened})") == "Error: The model's file constants.bin is damaged. Reload the page."
    file.unlink()
    said = page.evaluate(f"({SAID})({opened})")
    file.write_bytes(content)
    assert said == "Error: The model could not be loaded. Check the connection, and try again."
