"""CvT Explorer: the page, its API and the command line. ``python app.py --help`` lists the options.

Only what stands where on the page, and how it starts. Its parts are in ``visualize/app``; all computation is in ``cvt`` and ``visualize``.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to tidy up, Ctrl-C ends the program without a word

with suppress(ImportError):
    import spaces  # noqa: F401 -- ZeroGPU's, which must come before PyTorch

from visualize.app.blocks import BARE, Page  # before Gradio, which then loads in less time: see visualize/app/light_gradio.py

# isort: split
import gradio as gr

from visualize.app.command import arguments
from visualize.app.endpoints import endpoints
from visualize.app.explore_tab import explore_tab
from visualize.app.laboratory_tab import laboratory_tab
from visualize.app.running.discreet import keep_discreet
from visualize.app.running.serving import check_start, leave, serve
from visualize.app.settings import launch_settings, queued
from visualize.page.intake import DELETED_AFTER, LOOKED_EVERY, public_picture
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.lessons.api import LessonsApi
from visualize.page.link.choices import TABLE
from visualize.page.models.room import stay_within_cores
from visualize.page.prepared import use_one_arena
from visualize.page.words import head as head_words
from visualize.page.workbench import Workbench, start_workers
from visualize.web import about, breaking, chooser, lesson, menu, share

EXAMPLES = [Path(__file__).parent / "examples" / f"{name}.jpg" for name in chooser.EXAMPLES]


def build_demo(workbench: Workbench, examples: list[Path] = EXAMPLES, lessons: LessonsApi | None = None) -> gr.Blocks:
    """Builds the page for the models of a workbench; call its ``launch`` with ``launch_settings``. ``lessons``: by default its own."""
    laboratory_api = LaboratoryApi(workbench)
    models = [(each["group"], each["name"], each["title"]) for each in workbench.models.listed()["models"]]
    with Page(title="CvT Explorer", analytics_enabled=False, fill_width=True, delete_cache=(LOOKED_EVERY, DELETED_AFTER)) as demo:
        demo.intake = workbench.intake
        with gr.Row(elem_classes="cvt-page-top"):
            gr.HTML(head_words.HEADER, elem_classes="cvt-page-header", padding=False)
            # the browser's own select instead of Gradio's: native on phones, and arrow keys do not also scroll the page
            gr.HTML(
                html_template=menu.menu_html(models),
                js_on_load=menu.JS_ON_LOAD,
                apply_default_css=False,
                scale=0,
                min_width=160,
                elem_id="model-choice",
                padding=False,
            )
            gr.HTML(
                html_template=about.about_html(head_words.credits(examples) + f"<p>{head_words.kept(DELETED_AFTER, LOOKED_EVERY)}</p>"),
                js_on_load=about.JS_ON_LOAD,
                apply_default_css=False,
                elem_classes="cvt-page-about",
                padding=False,
            )
            script = {"js_on_load": share.JS_ON_LOAD, "apply_default_css": False, "padding": False}
            gr.HTML(html_template=share.SHARE_HTML, elem_classes="cvt-page-share", **script)
        with gr.Tab(TABLE["tab"].values["explore"], elem_id="tab-explore"):
            chosen = explore_tab(demo, workbench, laboratory_api, examples)
        with gr.Tab(TABLE["tab"].values["architecture"], elem_id="tab-architecture"):
            laboratory_tab(laboratory_api, workbench.intake, examples, chosen)
        with gr.Tab(TABLE["tab"].values["break"], elem_id="tab-break"):
            gr.HTML(html_template=breaking.BREAKING_HTML, js_on_load=breaking.JS_ON_LOAD, elem_id="breaking", **BARE)
        with gr.Tab(TABLE["tab"].values["lessons"], elem_id="tab-lessons"):
            gr.HTML(html_template=lesson.LESSONS_HTML, js_on_load=lesson.JS_ON_LOAD, elem_id="lessons", **BARE)
        gr.HTML(html_template=lesson.PANEL_HTML, js_on_load=lesson.JS_ON_LOAD, elem_id="lesson", **BARE)
        endpoints(workbench, lessons or LessonsApi())
    return queued(demo, workbench)


def main() -> None:
    # Gradio asks matplotlib for its backend in every event: unless one is named, it imports pyplot, and nobody is answered for 0.4 s
    os.environ.setdefault("MPLBACKEND", "agg")
    options = arguments()
    keep_discreet()
    use_one_arena()
    try:
        check_start(options.host, options.port)
        download = public_picture if options.allow_addresses else None
        lessons = LessonsApi(options.lessons)  # first, because it takes no time
        stay_within_cores()
        workers = start_workers(options.workers, options.model, options.device)
        workbench = Workbench(options.model, options.device, kept=EXAMPLES, download=download, workers=workers)
        settings = launch_settings(workbench, lessons) | {"root_path": options.root_path}
        code = serve(lambda: build_demo(workbench, lessons=lessons), workbench, options.host, options.port, settings)
    except ValueError as error:
        sys.exit(f"CvT Explorer cannot start: {error}")
    leave(code)


if __name__ == "__main__":
    main()
