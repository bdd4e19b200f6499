"""Pictures that reach the page's upload by the file chooser or by a drop, whatever their name."""

import base64

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
CLASSES = '[data-explorer="main"] [data-ref="classes"]'
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name));
  const place = document.querySelector("#picture-upload .upload-container");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    place.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }));
  }
}"""


@pytest.mark.parametrize("way", ["chooser", "drop"])
def test_a_picture_without_extension_is_taken(seen, tmp_path, way):
    before = seen.classes()
    path = tmp_path / "picture"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)).save(path, "PNG")
    if way == "chooser":
        seen.page.locator("#picture-upload input[type=file]").set_input_files(path)
    else:
        seen.page.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])
    seen.page.wait_for_function("([place, before]) => document.querySelector(place).innerText !== before", arg=[CLASSES, before])


def test_what_is_no_picture_is_said_by_the_server(seen, tmp_path):
    (tmp_path / "notes").write_text("this is no picture")
    seen.page.locator("#picture-upload input[type=file]").set_input_files(tmp_path / "notes")
    seen.page.get_by_text("This file is not a picture in a supported format").first.wait_for()
    seen.problems[:] = [each for each in seen.problems if "notes" not in each and "Failed to load resource" not in each]
