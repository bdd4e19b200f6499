"""A program with two workers that asks a workbench while it is idle and while it is busy, and prints what came of it as JSON.

Its arguments are two folders with models. With the third argument "wait" it prints its workers' processes and waits.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from cvt.architecture.variants import architecture as architecture_of
from cvt.architecture.variants import stage_settings
from tests.helpers import ROOT
from visualize.change.parts import Intervention
from visualize.page.breaking.api import BreakingApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench, start_workers

models = sys.argv[1:3]
pictures = [str(path) for path in sorted((ROOT / "examples").glob("*.jpg"))[:4]]
used = []


def watched(work, *arguments):
    used.append(arguments[0].__name__)
    return run(work, *arguments)


def process(made):
    time.sleep(0.05)  # so that the other worker takes the next one
    return os.getpid()


def fail(made):
    raise KeyError("unexpected")


def crash(made):
    raise OSError("a fault of its own")


def end(made):
    os._exit(1)


def processes():
    with ThreadPoolExecutor(2) as threads:
        return sorted(threads.map(lambda _: run(process), range(2)))


def numbers(exploration):
    """Of every part of a result, some."""
    stages = exploration.stages
    return [
        *exploration.logits.tolist(),
        *(float(stage.features.sum()) for stage in stages),
        *(float(block.query.sum()) for stage in stages for block in stage.blocks),
        float(np.asarray(exploration.crop).sum()),
        float(exploration.evidence.places.sum()),
    ]


def said(ask):
    try:
        return ask() and "answered"
    except Exception as error:
        return f"{type(error).__name__}: {error}".strip().splitlines()[-1]


def report():
    kept = [Path(pictures[0])]
    workbench, plain = Workbench(models, "cpu", kept, workers=workers), Workbench(models, "cpu", kept)
    workers.run = watched
    first, second = workbench.names
    requests = [Request(model=name, picture=picture) for name in (first, second) for picture in pictures[1:]]
    head = Intervention(stage=2, block=1, part="head", head=1)
    requests.append(replace(requests[0], interventions=(head,), also=(7,)))
    requests.append(replace(requests[0], padding="circular"))
    requests.append(replace(requests[0], side=96))
    told = {"processes": [os.getpid(), *processes()], "names": [first, second]}

    def here(ask):
        """How many times workers were used for this."""
        before = len(used)
        ask()
        return len(used) - before

    told["alone"] = here(lambda: [workbench.explore(requests[0]), workbench.classes(requests[1])])
    with workbench.passes:  # as if somebody else's picture were being run
        told["explored"] = [numbers(workbench.explore(request).exploration) for request in requests]
        told["classes"] = [workbench.classes(request) for request in requests[:6]]
        told["used"] = list(used)
        question = {"interventions": [{"stage": 1, "block": 1, "part": "mlp"}]}
        told["knocked"] = BreakingApi(workbench).of_picture("knock_out", pictures[3], json.dumps(question), second)["after"]
        stages = stage_settings(workbench.loaded(first).config)
        stages[0]["depth"] += 1
        variant = replace(requests[0], architecture=architecture_of(workbench.loaded(first).config, stages))
        means = replace(requests[0], interventions=(replace(head, how="examples"),))
        told["variant"] = here(lambda: workbench.explore(variant))
        told["means"] = here(lambda: workbench.explore(means))
        told["no such head"] = said(lambda: workbench.explore(replace(requests[0], interventions=(replace(head, head=9),))))
    told["plain"] = {
        "explored": [numbers(plain.explore(request).exploration) for request in requests],
        "classes": [plain.classes(request) for request in requests[:6]],
        "knocked": BreakingApi(plain).of_picture("knock_out", pictures[3], json.dumps(question), second)["after"],
        "no such head": said(lambda: plain.explore(replace(requests[0], interventions=(replace(head, head=9),)))),
    }
    many = requests[:6] * 4
    with ThreadPoolExecutor(12) as threads:
        told["many"] = list(threads.map(workbench.classes, many))
    told["many used"] = len(used)
    told["running"] = [workers.running, workbench.passes.running]
    told["fails"] = [said(lambda: run(fail)), said(lambda: run(crash))]
    told["ends"] = [said(lambda: run(end)), said(lambda: run(process)), said(lambda: run(end)), said(lambda: run(process))]
    with workbench.passes:
        told["none left"] = numbers(workbench.explore(replace(requests[1], also=(3,))).exploration)
    told["plain"]["none left"] = numbers(plain.explore(replace(requests[1], also=(3,))).exploration)
    workbench.close()
    return told


workers = start_workers(2, models, "cpu")
run = workers.run
if sys.argv[3:] == ["wait"]:
    print(json.dumps(processes()), flush=True)
    sys.stdin.read()
else:
    print(json.dumps(report()))
