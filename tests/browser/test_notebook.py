"""The explorer in a real JupyterLab: two cells that do not meet, what Python sees and sets, keys, themes, and a saved notebook."""

from __future__ import annotations

import ast
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("playwright")
pytest.importorskip("jupyterlab")
pytest.importorskip("anywidget")

from tests.browser.jupyter import execute, jupyter_lab, notebook
from visualize.alone.widget import ExplorerWidget

pytestmark = pytest.mark.browser
LABEL = '"><img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>'
MADE = f"""
from tests.draw.test_payload import model_of, photo
from cvt import CvtImageProcessor
from visualize import show
model, processor = model_of(5), CvtImageProcessor(size=64)
model.config.id2label = {{index: f"{{index}} " + {LABEL!r} for index in range(7)}}
"""
SHOWN = "import json\njson.dumps([[w.stage, w.block, w.head, w.token, w.layer, w._asked['count']] for w in (one, two)])"
CELLS = (
    MADE + "one = show(model, processor, photo())\none",
    "two = show(model, processor, photo(70, 140))\ntwo",
    "one",  # the same once more
    SHOWN,
    "from visualize.alone.notebook import Frame, Shows\nshows = Shows(model, processor)\nFrame(shows, shows.show(photo()))",
)
RUN = """async (cells) => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  for (const index of cells) {
    content.activeCellIndex = index;
    await jupyterapp.commands.execute("notebook:run-cell");
  }
}"""
OPEN = """async () => {
  const { context, sessionContext } = jupyterapp.shell.currentWidget;
  await context.ready;
  await sessionContext.ready;
}"""


def is_splash(error) -> bool:
    """Whether this is JupyterLab's own: on a busy machine it removes the cover that it shows while a theme loads twice."""
    return "'removeChild'" in error.message and "/static/lab/jlab_core" in error.stack and "blob:" not in error.stack


class Lab:
    """A notebook in JupyterLab; its problems are checked when a test is done."""

    def __init__(self, page, address: str):
        self.page, self.problems = page, []
        page.on("pageerror", lambda error: is_splash(error) or self.problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        page.goto(address)
        self.opened()

    def opened(self) -> None:
        self.page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
        self.page.evaluate(OPEN)

    def command(self, name: str, **arguments) -> None:
        self.page.evaluate("async ([name, values]) => { await jupyterapp.commands.execute(name, values); }", [name, arguments])

    def run(self, *cells: int) -> None:
        self.page.evaluate(RUN, list(cells))

    def python(self, code: str):
        """Runs code in the last cell; the value of its last expression, a text."""
        self.page.evaluate(
            "([index, code]) => jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(code)", [3, code]
        )
        self.run(3)
        outputs = self.page.evaluate("jupyterapp.shell.currentWidget.content.widgets[3].model.outputs.toJSON()")
        assert [each for each in outputs if each["output_type"] == "error"] == []
        return ast.literal_eval(outputs[-1]["data"]["text/plain"]) if outputs else None

    def chosen(self) -> list:
        return json.loads(self.python(SHOWN))

    def view(self, nth: int):
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .cvt-notebook").nth(nth)

    def ref(self, nth: int, name: str):
        return self.view(nth).locator(f'[data-ref="{name}"]')

    def says(self, nth: int, words: str) -> None:
        self.ref(nth, "sentence").get_by_text(words).wait_for(state="attached")

    def hover(self, nth: int, y: float, x: float, side: int = 64) -> None:
        picture = self.ref(nth, "picture")
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        picture.hover(position={"x": x / side * box["width"], "y": y / side * box["height"]})  # once it no longer moves


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "notebooks").mkdir()
    (folder / "notebooks/cells.ipynb").write_text(notebook(*CELLS), encoding="utf-8")
    unseen = notebook(CELLS[0], "one.stage = 2")
    with ThreadPoolExecutor(1) as beside:
        saved = beside.submit(execute, folder, unseen)
        with jupyter_lab(folder) as address:
            yield address, folder / "notebooks", saved


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)  # on a busy machine
    yield page
    page.close()


@pytest.fixture(scope="module")
def opened(page, served):
    lab = Lab(page, served[0].format("cells.ipynb"))
    lab.run(0, 1, 2)
    for nth in range(3):
        lab.view(nth).locator('[data-part="panels"][data-ready]').wait_for(state="attached")
    return lab


@pytest.fixture
def lab(opened):
    """All three views as they begin."""
    opened.page.mouse.move(0, 0)
    opened.python("for w in (one, two):\n    w.stage, w.block, w.head, w.token, w.layer = 1, 1, None, (4, 4), 'attention'")
    for nth in range(3):
        opened.says(nth, "Stage 2, block 2, mean of 2 heads: how strongly the token at row 5, column 5 attends")
    yield opened
    assert opened.problems == []
    assert opened.page.evaluate("window.hacked") is None


def test_cells_do_not_meet_and_views_of_one_widget_do(lab):
    lab.hover(0, 12, 44)  # cells of 8 pixels
    for nth in (0, 2):
        lab.says(nth, "row 2, column 6 attends")
    lab.hover(1, 60, 4)
    lab.says(1, "row 8, column 1 attends")
    lab.says(0, "row 2, column 6 attends")
    one, two = lab.chosen()
    assert (one[:5], two[:5]) == ([1, 1, None, [1, 5], "attention"], [1, 1, None, [7, 0], "attention"])
    assert lab.chosen() == [one, two]  # nothing went on by itself
    assert LABEL in lab.ref(0, "verdictName").inner_text()
    assert lab.page.evaluate("document.querySelectorAll('.cvt, .cvt-tip, [data-ref]').length") == 0  # all is within the views
    assert (
        lab.page.evaluate("[...document.styleSheets].some((each) => [...each.cssRules].some((rule) => /\\.cvt/.test(rule.cssText)))")
        is False
    )
    assert lab.page.evaluate("window.cvt") is None


def test_what_python_sets_is_shown(lab):
    lab.python("one.stage = 2; one.block = 0; one.head = 3; one.token = 'cls'")
    for nth in (0, 2):
        lab.says(nth, "Stage 3, block 1, head 4: how strongly the cls token attends")
    lab.python("one.layer = 'features'")
    lab.view(0).locator('[data-set="layer"][data-value="features"][aria-pressed="true"]').wait_for()
    one, two = lab.chosen()
    assert one[:5] == [2, 0, 3, "cls", "features"]
    lab.says(1, "Stage 2, block 2")
    refused = "try:\n    one.token = (4, 0)\nexcept Exception as error:\n    said = str(error)\nsaid"
    assert lab.python(refused) == "There is no token (4, 0) in stage 2: give (row, column) from (0, 0) to (3, 3), or 'cls'."
    assert lab.chosen() == [one, two]
    lab.python("def choose(change):\n    two.head = 0\ntwo.observe(choose, 'token')")
    lab.hover(1, 4, 4)
    lab.says(1, "head 1: how strongly the token at row 1, column 1 attends")
    assert lab.chosen()[1][:5] == [1, 1, 0, [0, 0], "attention"]
    lab.python("two.unobserve(choose, 'token')\none.explore(photo(200, 50))")
    for nth in (0, 2):
        lab.ref(nth, "notes").get_by_text("the middle square of 200×50 pixels").wait_for(state="attached")
    lab.says(0, "Stage 3")
    lab.python("one.explore(photo())")


def test_keys_are_the_explorers_and_combinations_the_notebooks(lab):
    cells = "jupyterapp.shell.currentWidget.content.widgets.length"
    place = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    lab.ref(0, "picture").focus()
    before = lab.page.evaluate(f"[{cells}, {place}]")
    for key in ("a", "d", "d", "ArrowDown", "ArrowRight", "Enter"):
        lab.page.keyboard.press(key)
    lab.says(0, "row 6, column 6 attends")
    lab.ref(0, "chip").get_by_text("Held").wait_for()
    lab.page.keyboard.press("Escape")
    assert lab.page.evaluate(f"[{cells}, {place}]") == before
    assert lab.ref(0, "picture").evaluate("(each) => each.getRootNode().activeElement === each")
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("!jupyterapp.shell.currentWidget.model.dirty")


def test_terms_groups_and_the_microscope_work_in_a_cell(lab):
    lab.ref(0, "detail").locator(".cvt-term").first.click()
    tip = lab.view(0).locator(".cvt-tip")
    tip.locator("p").first.click()  # which does not close it
    assert tip.is_visible()
    lab.ref(0, "headline").click()
    tip.wait_for(state="detached")
    lab.ref(0, "lookInside").click()
    lab.ref(0, "depth:attention").press("ArrowRight")
    lab.ref(0, "depth:features").press("ArrowRight")  # the focus is the group's one stop
    lab.ref(0, "insideBody").wait_for()  # the kernel has answered
    lab.says(2, "Stage 2")
    lab.ref(2, "insideBody").wait_for()
    lab.ref(0, "depth:export").click()
    with lab.page.expect_download() as download:
        lab.ref(0, "savePage").click()
    assert Path(download.value.path()).read_text("utf-8").startswith("<!doctype html>")
    lab.ref(0, "depth:none").click()


def test_light_and_dark_are_the_notebooks(lab):
    colour = "(each) => getComputedStyle(each).color"
    shades = []
    for theme in ("Dark", "Light"):
        lab.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        lab.page.wait_for_function(
            "(dark) => [...document.querySelectorAll('.cvt-notebook')].every((each) => !!each.shadowRoot.querySelector('.dark') === dark)",
            arg=theme == "Dark",
        )
        shades.append([lab.ref(nth, "headline").evaluate(colour) for nth in range(3)])
    assert shades == [["rgb(232, 235, 239)"] * 3, ["rgb(27, 31, 36)"] * 3]


def test_without_anywidget_the_page_is_in_a_frame(lab):
    lab.run(4)
    frame = lab.page.frame_locator('iframe[title="CvT Explorer"]')
    frame.locator('[data-part="panels"][data-ready]').wait_for()
    frame.locator('[data-ref="lookInside"]').click()
    frame.locator('[data-ref="depth:inside"]').click()
    frame.locator('[data-ref="insideBody"]').wait_for()
    assert LABEL in frame.locator('[data-ref="verdictName"]').inner_text()
    assert frame.locator("body").evaluate("window.origin") == "null"  # it can do nothing to the notebook


def test_a_removed_cell_leaves_nothing(lab):
    held = lab.view(2).evaluate_handle("(each) => ({ host: each, panels: each.shadowRoot.querySelector('[data-part=panels]') })")
    lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
    lab.command("notebook:clear-cell-output")
    lab.page.wait_for_function("({ host, panels }) => !host.isConnected && !panels.hasAttribute('data-ready')", arg=held)
    before = held.evaluate("({ panels }) => panels.outerHTML")
    lab.hover(0, 12, 44)
    lab.says(0, "row 2, column 6 attends")
    assert held.evaluate("({ panels }) => panels.outerHTML") == before
    lab.run(2)
    lab.says(2, "row 2, column 6 attends")


def test_a_notebook_that_was_run_without_a_browser_shows_its_view(lab, served):
    _, folder, executed = served
    text = executed.result()
    (folder / "saved.ipynb").write_text(text, encoding="utf-8")
    saved = json.loads(text)
    (output,) = saved["cells"][0]["outputs"]
    model = output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    kept = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"][model]
    assert kept["state"]["_esm"] == ExplorerWidget._esm
    assert {tuple(each["path"]) for each in kept["buffers"]} == {("_payload",)}
    lab.command("docmanager:open", path="saved.ipynb")
    lab.page.wait_for_function("jupyterapp.shell.currentWidget.title.label === 'saved.ipynb'")
    lab.opened()
    lab.says(0, "Stage 3, block 3")
    lab.hover(0, 8, 56)
    lab.says(0, "row 1, column 4")
    lab.command("docmanager:open", path="cells.ipynb")
    lab.page.wait_for_function("jupyterapp.shell.currentWidget.title.label === 'cells.ipynb'")
