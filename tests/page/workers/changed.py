"""A program whose models are changed on the disk once its workbench has loaded them, and that then asks it while it is busy.

It runs in a folder that has the models a/same, b/same, c/other and d/other, and prints the answers before and after as JSON.
"""

import json
import shutil

from tests.helpers import ROOT
from visualize.page.requests import Request
from visualize.page.workbench import Workbench, start_workers

SOURCES = ["a/same", "b/same", "c/other"]
NAMES = ["same", "same (2)", "other"]
picture = str(next((ROOT / "examples").glob("*.jpg")))


def answers():
    found = []
    for name in NAMES:
        try:
            found.append([workbench.classes(Request(model=name, picture=picture)) for _ in range(2)])
        except ValueError as error:
            found.append(str(error))
    return found


if __name__ == "__main__":
    workers = start_workers(2, SOURCES, "cpu")
    workbench = Workbench(SOURCES, "cpu", workers=workers)
    before = answers()
    shutil.rmtree("a")
    shutil.rmtree("c/other")
    shutil.move("d/other", "c/other")
    with workbench.passes:
        after = answers()
    workbench.close()
    print(json.dumps([before, after]))
