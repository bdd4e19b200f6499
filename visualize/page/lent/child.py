"""Does tasks in the process with the GPU, on a copy of the workbench that it was forked with."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import closing
from typing import Any, Protocol
from weakref import WeakValueDictionary

from ..jobs import Jobs, Step
from ..results import ExplorationStore
from .task import Done, Failed, Task, portable


class Forkable(Protocol):
    """A workbench that can go on in a forked process."""

    store: ExplorationStore

    def forked(self) -> Any: ...

    def with_store(self, store: ExplorationStore) -> Any: ...


_registered: WeakValueDictionary[int, Forkable] = WeakValueDictionary()  # in the parent; a child finds them as they were when it was forked
_numbers = itertools.count()
_own: dict[int, Forkable] = {}  # in a child: made in its first task, and kept for the next ones
_jobs: list[Jobs] = []


def register(workbench: Forkable) -> int:
    """Makes a workbench known to processes that are forked later, by the number that is returned."""
    number = next(_numbers)
    _registered[number] = workbench
    return number


def steps_of(task: Task) -> Generator[Step | Done | Failed]:
    """Does a task in a thread: yields its steps, each second at least, and then how it ended. Closing the iterator cancels it."""
    if not _jobs:
        _jobs.append(Jobs(1))
    try:
        with closing(_jobs[0].steps("", lambda progress: _done(task, progress))) as steps:
            yield from steps
    except Exception as error:
        yield Failed(portable(error))


def _done(task: Task, progress: Any) -> Done:
    if task.workbench not in _own:
        _own[task.workbench] = _registered[task.workbench].forked()
    store = ExplorationStore()
    for key, result in task.results.items():
        store.keep(key, result)
    answer = task.work(_own[task.workbench].with_store(store), progress, *task.arguments)
    return Done(answer, {key: result for key, result in store.items() if key not in task.results})
