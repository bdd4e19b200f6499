"""Chromium's own decoding as the oracle for what people see."""

import base64

import numpy as np
import pytest

from cvt.pictures import open_picture
from tests.pictures.corpus import corpus

pytestmark = pytest.mark.browser

TYPES = {b"\x89PNG": "png", b"GIF8": "gif", b"RIFF": "webp"}
DRAW = """async files => {
  const drawn = {};
  for (const [name, url] of files) {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0);
    const values = context.getImageData(0, 0, canvas.width, canvas.height).data;
    drawn[name] = [canvas.height, canvas.width, btoa(String.fromCharCode(...values))];
  }
  return drawn;
}"""


def address(content):
    kind = TYPES.get(content[:4]) or ("jpeg" if content[:2] == b"\xff\xd8" else "bmp" if content[:2] == b"BM" else "avif")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def tolerance(name):
    """(largest difference, mean difference) in levels, and why more than rounding."""
    if name.endswith((" table", " CMYK CMYK")):
        return 8, 1.0  # interpolation between two steps of a table, where littleCMS and skcms differ
    if "places of P3" in name or "cICP" in name:
        return 3, 0.2  # saturated colours at the edge of sRGB
    if name == "JPEG progressive":
        return 3, 0.5
    return 1, 0.6  # 16 bits cut or rounded to 8, transparency multiplied before or after


def test_pictures_look_as_in_a_browser(chromium):
    files = corpus()
    page = chromium.new_page()
    try:
        drawn = page.evaluate(DRAW, [[name, address(content)] for name, content in files.items()])
    finally:
        page.close()
    wrong = {}
    for name, content in files.items():
        height, width, values = drawn[name]
        theirs = np.frombuffer(base64.b64decode(values), np.uint8).reshape(height, width, 4)[:, :, :3].astype(int)
        ours = np.asarray(open_picture(content)).astype(int)
        if ours.shape != theirs.shape:
            wrong[name] = (ours.shape, theirs.shape)
            continue
        apart = np.abs(ours - theirs)
        most, mean = tolerance(name)
        if apart.max() > most or apart.mean() > mean:
            wrong[name] = (int(apart.max()), round(float(apart.mean()), 2))
    assert not wrong
    assert len(files) > 180
