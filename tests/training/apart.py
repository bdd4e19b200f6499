"""Training in processes of its own, which are forked from one that has imported everything: importing takes longer than they do."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import redirect_stdout
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
import torch._dynamo  # which the first optimizer of each process would import

from cvt.train import main
from cvt.training import result


def train(given: list[str], said: Path, environment: dict[str, str]) -> None:
    """``python -m cvt.train`` on one thread, so that it computes alike every time, without its last picture; one test draws it."""
    os.environ.update(environment)
    torch.set_num_threads(1)
    result.draw_curves = lambda out: ""
    with said.open("w") as file, redirect_stdout(file):
        main(given)


def started(given: list[str], said: Path, **environment: str) -> BaseProcess:
    """A process that trains; what it says is in a file at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=train, args=(given, said, environment))
    process.start()
    return process
