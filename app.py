"""CvT Explorer: the page, its API and the command line. ``python app.py --help`` lists the options.

Only components, wiring, and the check of what a call brings (``Page``); all computation is in ``cvt`` and ``visualize``.
"""

from __future__ import annotations

import argparse
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from cvt.pictures import UnreadablePicture
from visualize.page.api import attention_answer
from visualize.page.breaking.api import ENDPOINTS, BreakingApi
from visualize.page.gate import Gate
from visualize.page.intake import DOWNLOADS, MAX_BYTES, Intake, public_picture
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.lessons.api import LessonsApi
from visualize.page.link.choices import TABLE
from visualize.page.model import LoadedModel
from visualize.page.requests import Request
from visualize.page.routes import routes
from visualize.page.words import head as head_words
from visualize.page.words import trust
from visualize.page.words.sentences import Refused, say
from visualize.page.workbench import Workbench
from visualize.web import about, breaking, chooser, explorer, laboratory, lesson, look, share
from visualize.web.components import styles

EXAMPLES = [Path(__file__).parent / "examples" / f"{name}.jpg" for name in chooser.EXAMPLES]
# The events of the page, and programs' quick ones, share one queue. Some of them wait for a download or for a picture to be read, so
# the limit is twice the number of downloads, which leaves room for others. The workbench limits the forward passes themselves.
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 2 * DOWNLOADS}
# Programs' experiments may take minutes: in a queue of their own, so that they never keep the page waiting.
EXPERIMENTS_QUEUE = {"concurrency_id": "experiments", "concurrency_limit": 1}
BARE = {"apply_default_css": False, "container": False, "padding": False}  # an element as its template has it

log = logging.getLogger("cvt_explorer")


class Page(gr.Blocks):
    """A page whose functions get users' pictures only through an ``Intake``.

    Every call of a function, on any route, passes ``preprocess_data`` before Gradio processes the values. By itself, Gradio
    passes on any path in a dictionary without its own marker, and for any input, picture or not, it opens or downloads
    whatever looks like a file.
    """

    intake: Intake

    async def preprocess_data(self, block_fn, inputs, state, explicit_call=False):
        try:
            pictures, values = {}, []
            # programs of earlier versions do not know the newest inputs; those that have no value are refused below
            inputs = [*inputs, *(getattr(block, "value", None) for block in block_fn.inputs[len(inputs) :])]
            for place, (block, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
                if isinstance(block, gr.Image):
                    pictures[place], value = self.intake.accepted(value, get_upload_folder()), None
                elif isinstance(value, (dict, list)):
                    raise ValueError(f"{type(block).__name__} does not accept lists or objects.")
                values.append(value)
            found = await super().preprocess_data(block_fn, values, state, explicit_call)
        except UnreadablePicture as error:
            raise gr.Error(str(error), print_exception=False) from error
        except gr.Error:
            raise
        except Exception as error:
            log.debug("invalid values", exc_info=True)
            raise gr.Error(say("unusable_values"), print_exception=False) from error
        return [pictures.get(place, value) for place, value in enumerate(found)]

    async def process_api(self, *args, event_data: gr.EventData | None = None, **options):
        """Refuses files in events: Gradio would look them up and reveal whether they exist."""
        if event_data is not None and _names_files(event_data._data):
            raise gr.Error(say("not_uploaded"), print_exception=False)
        return await super().process_api(*args, event_data=event_data, **options)


def _names_files(value: Any) -> bool:
    """Whether a JSON value contains an object with a path."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict) and "path" in item:
            return True
        pending += item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
    return False


def in_words(handler: Callable) -> Callable:
    """Wraps a handler so that users see its failures as a plain message, without tracebacks or paths."""

    @functools.wraps(handler)
    def safe(*args):
        try:
            return handler(*args)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("%s failed", handler.__name__)
            raise gr.Error(say("failed"), print_exception=False) from error

    return safe


def build_demo(workbench: Workbench, examples: list[Path] = EXAMPLES) -> gr.Blocks:
    """Builds the page for the models of a workbench; call its ``launch`` with ``launch_settings``."""
    names, laboratory_api = workbench.names, LaboratoryApi(workbench)
    with Page(title="CvT Explorer", analytics_enabled=False, fill_width=True, delete_cache=(600, 1800)) as demo:
        demo.intake = workbench.intake
        with gr.Row(elem_classes="cvt-page-top"):
            several = len(names) > 1
            gr.HTML(head_words.HEADER, elem_classes="cvt-page-header", padding=False)
            # the browser's own select instead of Gradio's: native on phones, and arrow keys do not also scroll the page
            gr.HTML(
                html_template=head_words.choice(names),
                apply_default_css=False,
                visible=several,
                scale=0,
                min_width=160,
                elem_id="model-choice",
                padding=False,
            )
            gr.HTML(
                html_template=about.about_html(head_words.credits(examples)),
                js_on_load=about.JS_ON_LOAD,
                apply_default_css=False,
                elem_classes="cvt-page-about",
                padding=False,
            )
            script = {"js_on_load": share.JS_ON_LOAD, "apply_default_css": False, "padding": False}
            gr.HTML(html_template=share.SHARE_HTML, elem_classes="cvt-page-share", **script)
        with gr.Tab(TABLE["tab"].values["explore"], elem_id="tab-explore"):
            chosen = _explore_tab(demo, workbench, laboratory_api, examples)
        with gr.Tab(TABLE["tab"].values["architecture"], elem_id="tab-architecture"):
            _laboratory_tab(laboratory_api, chosen)
        with gr.Tab(TABLE["tab"].values["break"], elem_id="tab-break"):
            gr.HTML(html_template=breaking.BREAKING_HTML, js_on_load=breaking.JS_ON_LOAD, elem_id="breaking", **BARE)
        with gr.Tab(TABLE["tab"].values["lessons"], elem_id="tab-lessons"):
            gr.HTML(html_template=lesson.LESSONS_HTML, js_on_load=lesson.JS_ON_LOAD, elem_id="lessons", **BARE)
        gr.HTML(html_template=lesson.PANEL_HTML, js_on_load=lesson.JS_ON_LOAD, elem_id="lesson", **BARE)
        _api(workbench)
        _breaking_api(workbench)
    return demo.queue(max_size=200, api_open=False)  # or calls to /run would bypass the queue


def _explore_tab(demo: gr.Blocks, workbench: Workbench, laboratory_api: LaboratoryApi, examples: list[Path]) -> gr.State:
    """Builds the tab, and returns the state with the picture's path. That path and the name of the model that ran on it are all
    that the server keeps per person."""
    named = {path.stem: str(path.resolve()) for path in examples}
    chosen, seen_by = gr.State(next(iter(named.values()), None)), gr.State(None)
    with gr.Row(elem_classes="cvt-page-row"):
        with gr.Column(scale=2, min_width=320, elem_classes="cvt-page-left"):
            template = explorer.picture_html("main", chooser.examples_html(examples, MAX_BYTES))
            main = gr.HTML(html_template=template, js_on_load=look.JS_ON_LOAD, **BARE)
        with gr.Column(scale=5, min_width=320, elem_classes="cvt-page-right"):
            gr.HTML(html_template=explorer.panels_html("main"), js_on_load=explorer.JS_ON_LOAD, **BARE)
    unchanged = {element: gr.skip() for element in (main, chosen, seen_by)}

    def run(picture: str | None, name: str | None) -> dict:
        """Runs the model on the picture, if there is one."""
        loaded = workbench.loaded(name)
        answer = {seen_by: loaded.name, chosen: picture}
        return answer if picture is None else answer | {main: _element_value(workbench, loaded, picture)}

    def show(before: str | None, model: str | None, request: gr.Request, event: gr.EventData) -> dict:
        """Shows the chosen picture and model, or when the page opens those in its link.

        A refusal is answered in the element, which shows it beside the place that was used; all else stays as it is.
        """
        asked = event._data
        nth = asked.get("nth") if isinstance(asked, dict) else None
        try:
            if not isinstance(asked, dict):
                view, _ = laboratory_api.linked(str(request.query_params))
                return unchanged | run(workbench.examples.get(view.picture, before), view.model)
            picture = _chosen(asked, named, workbench.intake)
            return unchanged | run(picture or before, asked.get("model") or model)
        except ValueError as error:
            problem = str(error)
        except Exception:
            log.exception("a picture failed")
            problem = say("failed")
        return unchanged | {main: {"problem": problem, "nth": nth if isinstance(nth, int) else None}}

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    # the browser sends the next choice once this one is answered, successfully or not
    answered = gr.on([demo.load, main.submit], show, [chosen, seen_by], list(unchanged), trigger_mode="multiple", **quiet, **MODEL_QUEUE)
    answered.then(None, js=chooser.JS_ANSWERED)
    answered.failure(None, js=chooser.JS_ANSWERED)
    return chosen


def _element_value(workbench: Workbench, loaded: LoadedModel, picture: str) -> dict[str, Any]:
    """The explorer's value for the picture's result; only an example has a name for the link."""
    result = workbench.explore(Request(model=loaded.name, picture=picture))
    more = {"note": trust.accuracy(loaded.config), "notes": trust.notes(result.exploration), "source": loaded.source}
    more |= {"model": loaded.name, "first": loaded.name == workbench.names[0], "facts": head_words.numbers(loaded.config, loaded.side)}
    return explorer.element_value(result.key, picture, **more, **workbench.named(picture))


def _chosen(asked: dict, examples: dict[str, str], intake: Intake) -> str | None:
    """The path of the chosen picture; None to keep the current one. Raises ValueError if there is no such picture."""
    if "own" in asked:
        return intake.accepted(asked["own"], get_upload_folder())
    name = asked.get("example")
    if name is None:
        return None
    if not isinstance(name, str) or name not in examples:
        raise Refused("no_example")
    return examples[name]


def _laboratory_tab(laboratory_api: LaboratoryApi, chosen: gr.State) -> None:
    element = gr.HTML(html_template=laboratory.LABORATORY_HTML, js_on_load=laboratory.JS_ON_LOAD, elem_id="laboratory", **BARE)

    def run(picture: str | None, event: gr.EventData):
        """Runs a variant and yields its progress; an error is shown beside the controls and changes nothing else."""
        asked = event._data
        name = asked.get("run") if isinstance(asked, dict) else None
        try:
            if picture is None:
                raise Refused("no_picture_chosen")
            yield from laboratory_api.run(picture, asked)
        except ValueError as error:
            yield {"run": name, "problem": str(error)}
        except Exception:
            log.exception("a variant failed")
            yield {"run": name, "problem": say("failed")}

    # a newer run starts at once, because it has already cancelled the older one
    element.submit(run, chosen, element, trigger_mode="multiple", show_progress="hidden", api_visibility="private", **MODEL_QUEUE)


def _api(workbench: Workbench) -> None:
    """Adds the named endpoints, on hidden components."""

    def asked(picture: str | None, model: str) -> Request:
        if picture is None:
            raise Refused("no_picture")
        return Request(model=workbench.loaded(model).name, picture=picture)

    @in_words
    def predict(picture: str | None, model: str) -> dict[str, float]:
        return dict(workbench.classes(asked(picture, model)))

    @in_words
    def explore(
        picture: str | None, stage: float, block: float, head: float, row: float, column: float, model: str, overview: bool
    ) -> tuple[dict, Image.Image | None]:
        place = stage, block, head, row, column
        if None in place:
            raise Refused("no_place")
        return attention_answer(workbench.explore(asked(picture, model)).exploration, *map(int, place), overview=bool(overview))

    with gr.Row(visible=False):
        picture = gr.Image(label="picture", type="filepath", image_mode=None)
        default = {"stage": 1, "block": 1, "head": 0, "row": 1, "column": 1}
        place = [gr.Number(value, label=name, precision=0) for name, value in default.items()]
        model, wanted = gr.Textbox(workbench.names[0], label="model"), gr.Checkbox(False, label="overview")
        classes, answer, overview = gr.Label(label="classes"), gr.JSON(label="answer"), gr.Image(label="overview", format="png")
        button = gr.Button()
    button.click(predict, [picture, model], classes, api_name="predict", **MODEL_QUEUE)
    button.click(explore, [picture, *place, model, wanted], [answer, overview], api_name="explore", **MODEL_QUEUE)


def _breaking_api(workbench: Workbench) -> None:
    """Adds the experiments' named endpoints, on hidden components."""
    breaking_api = BreakingApi(workbench)
    with gr.Row(visible=False):
        picture = gr.Image(label="picture", type="filepath", image_mode=None)
        settings, model = gr.Textbox("{}", label="settings"), gr.Textbox(workbench.names[0], label="model")
        answer, button = gr.JSON(label="answer"), gr.Button()

    def endpoint(name: str) -> Callable:
        @in_words
        def ask(picture: str | None, settings: str, model: str) -> dict[str, Any]:
            return breaking_api.of_picture(name, picture, settings, model)

        return ask

    for name in ENDPOINTS:
        described = {"api_name": name, "api_description": breaking_api.description(name)}
        button.click(endpoint(name), [picture, settings, model], answer, **described, **EXPERIMENTS_QUEUE)


def theme() -> gr.themes.Base:
    """One neutral surface and one accent, as in the explorer, with secondary text dark enough to read."""
    look = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="gray",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        radius_size="none",
    )
    return look.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        slider_color="#0757c2",
        slider_color_dark="#79b4ff",
        color_accent="#0757c2",
    )


def launch_settings(workbench: Workbench, lessons: LessonsApi | None = None) -> dict[str, Any]:
    """Conservative settings for ``launch``. ``lessons``: by default the page's own."""
    return {
        # Gradio compresses its scripts; the page itself, 190 kB of templates and styles, it does not
        "app_kwargs": {
            "routes": routes(workbench, lessons),
            "middleware": [Middleware(Gate), Middleware(GZipMiddleware, minimum_size=4096, compresslevel=6)],
        },
        "head": head_words.ICON + explorer.HEAD,
        "css": styles(),
        "theme": theme(),
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "share": False,
        "state_session_capacity": 1000,
        "footer_links": ["api"],
    }


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line; every option can also be set by an environment variable, for hosting.

    ``model`` becomes a list of arguments for ``from_pretrained``: None for the embedded model.
    """
    parser = argparse.ArgumentParser(description="CvT Explorer: see what each stage of a Convolutional vision Transformer does.")

    def option(name: str, variable: str, default: Any, meaning: str, kind: type = str) -> None:
        parser.add_argument(
            name, default=os.environ.get(variable, default), type=kind, help=f"{meaning} (environment: {variable}; default: {default})"
        )

    parser.add_argument(
        "--model",
        action="append",
        help="a folder in Hugging Face's format, a Microsoft .pth file, a Hub id such as microsoft/cvt-13, or 'embedded' for the "
        "built-in model; repeat it to choose between models on the page "
        "(environment: CVT_MODEL, several separated by commas; default: embedded)",
    )
    option(
        "--device", "CVT_DEVICE", "auto", "auto, cpu, cuda, cuda:1, …; auto is CUDA in float16 if there is a GPU, else the CPU in float32"
    )
    option("--host", "GRADIO_SERVER_NAME", "127.0.0.1", "the address to serve on; 0.0.0.0 serves all networks of this machine")
    option("--port", "GRADIO_SERVER_PORT", 7860, "the port to serve on", int)
    parser.add_argument(
        "--allow-addresses",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("CVT_ALLOW_ADDRESSES", "").strip().lower() in ("1", "true", "yes", "on"),
        help="let API clients give pictures by web address, for this machine to download; never from private networks "
        "(environment: CVT_ALLOW_ADDRESSES=1; default: off)",
    )
    parser.add_argument(
        "--lessons",
        metavar="DIR",
        default=os.environ.get("CVT_LESSONS") or None,
        help="a folder with lessons of your own, text files that end in .yaml or .json (environment: CVT_LESSONS; default: none)",
    )
    options = parser.parse_args(given)
    named = options.model or [name.strip() for name in os.environ.get("CVT_MODEL", "").split(",")]
    options.model = [None if name == "embedded" else name for name in named if name] or [None]
    return options


def main() -> None:
    # Gradio asks matplotlib for its backend in every event: unless one is named, it imports pyplot, and nobody is answered for 0.4 s
    os.environ.setdefault("MPLBACKEND", "agg")
    options = arguments()
    try:
        download = public_picture if options.allow_addresses else None
        lessons = LessonsApi(options.lessons)  # first, because it takes no time
        workbench = Workbench(options.model, options.device, kept=EXAMPLES, download=download)
    except ValueError as error:
        sys.exit(f"CvT Explorer cannot start: {error}")
    demo = build_demo(workbench)
    demo.launch(prevent_thread_lock=True, server_name=options.host, server_port=options.port, **launch_settings(workbench, lessons))
    threading.Thread(target=workbench.prepare, daemon=True).start()  # now, so that the page does not wait for it
    demo.block_thread()


if __name__ == "__main__":
    main()
