"""A program that asks all that runs the model, where GPUs are lent by the stand-in beside it, and prints what it was answered.

Its arguments are a folder with a model, and a picture of one's own.
"""

import json
import os
import signal
import sys
import time
from dataclasses import replace

import spaces  # before PyTorch, as in app.py
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app
from cvt.architecture.build import Cancelled
from cvt.architecture.variants import stage_settings
from visualize.app.settings import launch_settings
from visualize.change.parts import Intervention
from visualize.container import unpack
from visualize.page.breaking.api import BreakingApi
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

folder, own = sys.argv[1:]
forwards = []
torch.nn.modules.module.register_module_forward_pre_hook(lambda module, given: forwards.append(1))  # a child counts its own


def made():
    return Workbench(folder, kept=app.EXAMPLES[:2])


def numbers(exploration):
    return [*exploration.logits.tolist(), float(exploration.stages[1].blocks[0].query.sum())]


def answers(workbench):
    """What everything that runs the model answers, as JSON."""
    example, other = workbench.examples
    name, laboratory, breaking = workbench.names[0], LaboratoryApi(workbench), BreakingApi(workbench)
    seen = workbench.explore(Request(model=name, picture=workbench.examples[example]))
    key = {"key": seen.key}
    stages = stage_settings(workbench.loaded().config)
    stages[0]["depth"] += 1
    asked = {"run": "one", "stages": stages, "weights": "random"}
    *steps, run = laboratory.run(workbench.examples[example], asked)
    knocked = breaking.answer("knock_out", {**key, "interventions": [{"stage": 1, "block": 1, "part": "mlp", "how": "examples"}]})
    explained = breaking.answer("explain", {**key, "methods": ["grad_cam", "occlusion"], "measures": []})
    before = len(workbench.store)
    patched = breaking.answer("patch", {**key, "example": other})
    stored = len(workbench.store) - before
    return {
        "main": numbers(seen.exploration),
        "own": numbers(workbench.explore(Request(model=name, picture=own)).exploration),
        "classes": workbench.classes(Request(model=name, picture=own)),
        "inside": float(unpack(workbench.inside_payload(seen.key, 1, 0))[1]["tokens"].sum()),
        "built": any("Building" in step["words"] for step in steps),
        "variant": numbers(workbench.store.get(run["variant"]["key"]).exploration),
        "knocked": [each["logit"] for each in knocked["after"]],
        "explained": [each["values"] for each in explained["maps"]],
        "field": breaking.answer("receptive_field", {**key, "stage": 2, "row": 3, "column": 2})["times"],
        "lens": [each["probabilities"] for each in breaking.answer("lens", key)["classes"]],
        "patched": [each["logit"] for each in patched["after"]],
        "stored": stored,
        "later": numbers(workbench.explore(Request(model="ablations/linear", picture=own)).exploration),
    }


def endless(workbench, progress):
    while True:
        progress("computing", 0.5)
        time.sleep(0.01)


def fatal(workbench, progress):
    os.kill(os.getpid(), signal.SIGKILL)


def mistaken(workbench, progress):
    raise AttributeError("a mistake")


def asked_by_browser(workbench):
    """The last line of an answer to the page itself, and whose GPU that took."""
    key = workbench.explore(Request(model=workbench.names[0], picture=own)).key
    settings = launch_settings(workbench)["app_kwargs"]
    with TestClient(Starlette(routes=settings["routes"], middleware=settings["middleware"])) as browser:
        lines = browser.post("/break/lens", json={"key": key}, headers={"x-ip-token": "a visitor"}).text.splitlines()
    return json.loads(lines[-1])["result"]["points"][-1], spaces.tasks[-1]


def said(work, *arguments):
    """How a call is refused."""
    try:
        return work(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)


def failures(workbench):
    """What is said when something goes wrong, and whether the next call is answered."""
    breaking, request = BreakingApi(workbench), Request(model=workbench.names[0], picture=own)
    asked = {"key": workbench.explore(request).key}
    pids = [spaces.workers[0].process.pid]

    def cancel(step, share):
        if step == "computing":
            raise Cancelled

    def watch(step, share):
        pass

    found = {
        "refused": said(breaking.answer, "explain", {**asked, "methods": ["guess"]}),
        "impossible": said(workbench.explore, replace(request, interventions=(Intervention(stage=0, block=9, part="mlp"),))),
        "cancelled": said(workbench.lent.run, endless, cancel),
        "mistaken": said(workbench.lent.run, mistaken, watch),
    }
    workbench.classes(request)
    pids.append(spaces.workers[0].process.pid)
    found["killed"] = said(workbench.lent.run, fatal, watch)
    workbench.classes(request)
    pids.append(spaces.workers[0].process.pid)
    spaces.refusals += ["You have exceeded your quota."] * 2
    found["quota"] = said(breaking.answer, "lens", asked)
    found["without"] = workbench.classes(request)
    found["same"] = [pids[0] == pids[1], pids[1] == pids[2]]
    return found


lending = made()
app.build_demo(lending)
report = {"lent": answers(lending), "forwards": len(forwards), "tasks": list(spaces.tasks)}
report["browser"] = asked_by_browser(lending)
report["failures"], count = failures(lending), len(spaces.tasks)
plain = made()
plain.lent = None
report |= {"plain": answers(plain), "more": len(spaces.tasks) - count}
print(json.dumps(report))
