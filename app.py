"""CvT Explorer: the page, its API and the command line. ``python app.py --help`` tells the options.

Components and wiring only: what is computed lives in ``cvt`` and ``visualize``.
"""

from __future__ import annotations

import argparse
import functools
import logging
import os
import sys
from abc import ABCMeta
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cvt.config import StageConfig
from cvt.variants import SETTINGS
from visualize import explorer, words
from visualize.answer import attention_answer
from visualize.workbench import Workbench

EXAMPLES = [
    Path(__file__).parent / "examples" / f"{name}.jpg"
    for name in (
        "red_panda", "honey_bee", "bison", "koala", "espresso", "suspension_bridge",
        "tabby_cat", "alp", "citrus_slices", "cliff_dwelling", "mountain_lake", "aqueduct",
    )
]  # fmt: skip
# The settings that have a slider a stage: name, least, most, step.
SLIDERS = (("depth", 1, 12, 1), ("num_heads", 1, 16, 1), ("embed_dim", 16, 512, 16), ("kernel_qkv", 1, 7, 2), ("stride_kv", 1, 4, 1))
FAILED = "Something went wrong here, and it is not your picture's fault. Nothing was lost: try again."
WITH = {"inside": True, "again": True}  # what an explorer may offer: the microscope, and to compute a lost result again
AS_FILE = {"type": "filepath", "image_mode": None}
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 2}  # all that runs a model waits in one line
CSS = Path(__file__).parent.joinpath("visualize/page.css")

log = logging.getLogger("cvt_explorer")


def _file_as_it_came(self, payload: ImageData | None) -> str | None:
    """The path of the file. Gradio's own component would open it first, and answer one that is no picture with a message
    that names a path here; ``open_picture`` reads it within bounds and fails in words."""
    return None if payload is None else payload.path


# A subclass of Gradio's picture component, made past its metaclass, which would write an app.pyi beside this file.
PictureInput = ABCMeta.__new__(type(gr.Image), "PictureInput", (gr.Image,), {"preprocess": _file_as_it_came, "is_template": True})


def in_words(handler: Callable) -> Callable:
    """A handler whose failures reach the person as one sentence: no traceback, no path."""

    @functools.wraps(handler)
    def safe(*args):
        try:
            return handler(*args)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except gr.Error:
            raise
        except Exception as error:
            log.exception("%s failed", handler.__name__)
            raise gr.Error(FAILED, print_exception=False) from error

    return safe


def routes(workbench: Workbench) -> list[BaseRoute]:
    """What the browser component fetches: its scripts, and the bytes of a result."""

    def answer(content: Callable[..., bytes]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            try:
                found = content(**request.path_params)
            except KeyError:
                return JSONResponse({"error": "This result is no longer held."}, status_code=404)
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=404)
            return Response(found, media_type="application/octet-stream", headers={"Cache-Control": "private, max-age=3600"})

        return endpoint

    return [
        Mount("/explorer/static", StaticFiles(directory=explorer.STATIC)),
        Route("/explorer/data/{key}", answer(workbench.payload)),
        Route("/explorer/data/{key}/{stage:int}/{block:int}", answer(workbench.block_payload)),
        Route("/explorer/inside/{key}/{stage:int}/{block:int}", answer(workbench.inside_payload)),
    ]


def build_demo(workbench: Workbench, examples: list[Path] = EXAMPLES) -> gr.Blocks:
    """The page for one model. ``launch_settings`` belong to its ``launch``."""
    with gr.Blocks(title="CvT Explorer", analytics_enabled=False, fill_width=True, delete_cache=(600, 1800)) as demo:
        gr.HTML(words.header(workbench), elem_classes="cvt-page-header")
        with gr.Tab("Explore"):
            chosen = _explore_tab(demo, workbench, examples)
        with gr.Tab("Architecture") as tab:
            _architecture_tab(tab, workbench, chosen)
        _api(workbench)
    return demo.queue(max_size=200)


def _explorer(name: str) -> tuple[gr.HTML, Callable[[], gr.HTML]]:
    """The two elements of an explorer: the picture, placed now, and a function that places the panels."""
    settings = {"js_on_load": explorer.JS_ON_LOAD, "apply_default_css": False, "container": False}
    main = gr.HTML(html_template=explorer.picture_html(name), **settings)
    return main, lambda: gr.HTML(html_template=explorer.panels_html(name), **settings)


def _explore_tab(demo: gr.Blocks, workbench: Workbench, examples: list[Path]) -> gr.State:
    """The tab, and the state that holds the path of the picture shown: all that the server keeps of a person."""
    first = str(examples[0]) if examples else None
    chosen = gr.State(first)
    with gr.Row(elem_classes="cvt-page-row"):
        with gr.Column(scale=2, min_width=320, elem_classes="cvt-page-left"):
            main, panels = _explorer("main")
            upload = PictureInput(
                label="Your picture",
                sources=["upload", "clipboard", "webcam"],
                height=150,
                buttons=[],
                elem_id="picture-upload",
                **AS_FILE,
            )
            gr.Examples([[str(path)] for path in examples], inputs=[upload], label="Examples", examples_per_page=12)
            gr.HTML(words.credits(examples), container=False, padding=False)
        with gr.Column(scale=5, min_width=320, elem_classes="cvt-page-right"):
            panels()

    def show(path: str | None) -> tuple[Any, Any, Any]:
        """The result, the picture's path, and an empty picture component, ready for the next drop or click."""
        if path is None:
            return gr.skip(), gr.skip(), gr.skip()
        try:
            key = workbench.explore(path).key
        except ValueError as error:
            gr.Warning(str(error), title="Not shown", duration=15)
        except Exception:
            log.exception("a picture failed")
            gr.Warning(FAILED, title="Not shown", duration=15)
        else:
            value = {"key": key, "note": words.accuracy(workbench.config), "model": workbench.source, **WITH}
            return value, path, None
        return gr.skip(), gr.skip(), None

    settings = {"outputs": [main, chosen, upload], "show_progress": "hidden", "api_visibility": "private", **MODEL_QUEUE}
    demo.load(show, chosen, **settings)
    upload.change(show, upload, trigger_mode="always_last", **settings)
    main.retry(show, chosen, **settings)
    return chosen


def _architecture_tab(tab: gr.Tab, workbench: Workbench, chosen: gr.State) -> None:
    gr.Markdown(words.ARCHITECTURE, elem_classes="cvt-page-text")
    sliders = []
    with gr.Row(elem_classes="cvt-page-sliders"):
        for stage in workbench.config.stages:
            with gr.Column(min_width=240), gr.Accordion(f"Stage {stage.index + 1}"):
                for name, least, most, step in SLIDERS:
                    sliders.append(_slider(stage, name, least, most, step))
    with gr.Row(elem_classes="cvt-page-row"):
        with gr.Column(scale=2, min_width=240):
            seed = gr.Number(0, label="Seed of the random weights", precision=0, minimum=0, maximum=2**31 - 1)
            reset = gr.Button("Back to the model's own architecture", size="sm")
        with gr.Column(scale=5, min_width=320):
            status = gr.HTML(elem_id="variant-status", container=False, padding=False)
            costs = gr.HTML(elem_id="variant-costs", container=False, padding=False)
    with gr.Row(elem_classes="cvt-page-row"):
        with gr.Column(scale=2, min_width=320, elem_classes="cvt-page-left"):
            main, panels = _explorer("variant")
        with gr.Column(scale=5, min_width=320, elem_classes="cvt-page-right"):
            panels()

    def run(path: str | None, seed: float | None, *values: float):
        """The costs at once, then the result; what cannot be built is said beside the sliders and changes nothing else."""
        try:
            config = workbench.variant(_changes(values))
            yield words.status("Building this variant and running your picture through it …"), words.costs(workbench, config), gr.skip()
            if path is None:
                yield words.status("Choose a picture on the Explore tab first."), gr.skip(), gr.skip()
                return
            result = workbench.explore_variant(path, config, int(seed or 0))
        except ValueError as error:
            yield words.status(str(error), problem=True), gr.skip(), gr.skip()
        except Exception:
            log.exception("a variant failed")
            yield words.status(FAILED, problem=True), gr.skip(), gr.skip()
        else:
            yield words.status(words.BUILT), gr.skip(), {"key": result.key, "note": words.UNTRAINED, **WITH}

    inputs = [chosen, seed, *sliders]
    settings = {"outputs": [status, costs, main], "show_progress": "hidden", "api_visibility": "private", **MODEL_QUEUE}
    gr.on([tab.select, *(each.change for each in (seed, *sliders))], run, inputs, trigger_mode="always_last", **settings)
    main.retry(run, inputs, **settings)
    own = [getattr(stage, name) for stage in workbench.config.stages for name, *_ in SLIDERS]
    reset.click(lambda: own, outputs=sliders, queue=False, api_visibility="private")


def _slider(stage: StageConfig, name: str, least: int, most: int, step: int) -> gr.Slider:
    setting, value = SETTINGS[name], getattr(stage, name)
    # the stage in the label too: a screen reader meets the slider without the heading above it
    label = f"{setting.label} of stage {stage.index + 1}"
    return gr.Slider(least, max(most, value), value, step=step, label=label, info=setting.meaning)


def _changes(values: tuple[float, ...]) -> dict[int, dict[str, int]]:
    """The sliders' values, stage after stage, as changes of an architecture."""
    count = len(SLIDERS)
    return {
        stage: {name: int(value) for (name, *_), value in zip(SLIDERS, values[stage * count :], strict=False)}
        for stage in range(len(values) // count)
    }


def _api(workbench: Workbench) -> None:
    """The named endpoints, on components that the page does not show."""

    @in_words
    def predict(picture: str | None) -> dict[str, float]:
        return dict(workbench.explore(_given(picture)).exploration.top(5))

    @in_words
    def explore(picture: str | None, stage: float, block: float, head: float, row: float, column: float) -> tuple[dict, Image.Image]:
        exploration = workbench.explore(_given(picture)).exploration
        return attention_answer(exploration, int(stage), int(block), int(head), int(row), int(column))

    with gr.Row(visible=False):
        picture = PictureInput(label="picture", **AS_FILE)
        default = {"stage": 1, "block": 1, "head": 0, "row": 1, "column": 1}
        place = [gr.Number(value, label=name, precision=0) for name, value in default.items()]
        classes, answer, overview = gr.Label(label="classes"), gr.JSON(label="answer"), gr.Image(label="overview", format="png")
        button = gr.Button()
    button.click(predict, picture, classes, api_name="predict", **MODEL_QUEUE)
    button.click(explore, [picture, *place], [answer, overview], api_name="explore", **MODEL_QUEUE)


def _given(picture: str | None) -> str:
    if picture is None:
        raise ValueError("Give a picture as a file or by its address.")
    return picture


def theme() -> gr.themes.Base:
    """One neutral surface and one accent, as in the explorer; secondary text dark enough to read."""
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


def launch_settings(workbench: Workbench) -> dict[str, Any]:
    """What ``launch`` needs for this page, on the safe side."""
    return {
        "app_kwargs": {"routes": routes(workbench)},
        "head": explorer.HEAD,
        "css": explorer.CSS + CSS.read_text(encoding="utf-8"),
        "theme": theme(),
        "allowed_paths": [],
        "max_file_size": "32mb",
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "share": False,
        "state_session_capacity": 1000,
        "footer_links": ["api"],
    }


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line; every option can also be set by an environment variable, as hosting needs it."""
    parser = argparse.ArgumentParser(description="CvT Explorer: see what each stage of a Convolutional vision Transformer does.")

    def option(name: str, variable: str, default: Any, meaning: str, kind: type = str) -> None:
        shown = "the embedded model" if default is None else default
        parser.add_argument(
            name, default=os.environ.get(variable, default), type=kind, help=f"{meaning} (environment: {variable}; default: {shown})"
        )

    option("--model", "CVT_MODEL", None, "a folder in Hugging Face's format, a Microsoft .pth file, or a Hub id such as microsoft/cvt-13")
    option("--device", "CVT_DEVICE", "auto", "auto, cpu, cuda, cuda:1, …; auto is CUDA in float16 where there is a GPU, else the CPU")
    option("--host", "GRADIO_SERVER_NAME", "127.0.0.1", "the address to serve on; 0.0.0.0 for every network of this machine")
    option("--port", "GRADIO_SERVER_PORT", 7860, "the port to serve on", int)
    return parser.parse_args(given)


def main() -> None:
    options = arguments()
    try:
        workbench = Workbench(options.model, options.device, kept=EXAMPLES)
    except ValueError as error:
        sys.exit(f"CvT Explorer cannot start: {error}")
    build_demo(workbench).launch(server_name=options.host, server_port=options.port, **launch_settings(workbench))


if __name__ == "__main__":
    main()
