"""A stand-in for the package ``spaces`` on ZeroGPU: it forks, pickles, and loses what ZeroGPU's generators lose (spaces 0.51.3).

A process is forked for the first task and does the next ones too. Tasks run in threads of it. Of an error only its class's name arrives.
Closing the generator is noticed at the next step. A process that ends is "GPU task aborted".
"""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import gradio
from gradio.context import LocalContext

context = multiprocessing.get_context("fork")
tasks, refusals, workers = [], [], []  # what was asked for; what the next ones are refused with; the process that is there


class Worker:
    def __init__(self, task):
        self.given, self.made, self.stop = context.SimpleQueue(), context.SimpleQueue(), context.Event()
        self.process = context.Process(target=self.run, args=(task,), daemon=True)
        self.process.start()
        self.made._writer.close()  # so that reading ends when the process does

    def run(self, task):
        while True:
            given = self.given.get()
            self.stop.clear()
            with ThreadPoolExecutor() as threads:
                threads.submit(self.iterate, task, given)
            self.made.put(("end", None))

    def iterate(self, task, given):
        steps = task(*given)
        while True:
            try:
                step = next(steps)
            except StopIteration:
                return
            except Exception as error:
                self.made.put(("error", type(error).__name__))
                return
            if self.stop.is_set():
                steps.close()
                return
            self.made.put(("step", step))


def GPU(duration):
    def decorated(task):
        def lent(*given):
            visitor = LocalContext.request.get(None)
            tasks.append((given[0].work.__name__, duration(*given), visitor and visitor.headers.get("x-ip-token")))
            if refusals:
                raise gradio.Error(refusals.pop(), print_exception=False)
            worker = workers.pop() if workers else None
            if worker is None or not worker.process.is_alive():
                worker = Worker(task)
            worker.given.put(given)
            stopped = False
            while True:
                try:
                    kind, value = worker.made.get()
                except EOFError:
                    raise gradio.Error("GPU task aborted", print_exception=False) from None
                if kind == "end":
                    workers.append(worker)
                    return
                if kind == "error":
                    raise gradio.Error(value, print_exception=False)
                if not stopped:
                    try:
                        yield value
                    except GeneratorExit:
                        worker.stop.set()
                        stopped = True

        return lent if os.environ.get("SPACES_ZERO_GPU") else task

    return decorated


def gradio_auto_wrap(task):
    return task
