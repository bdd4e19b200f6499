"""What there is to ask about: models, examples, lessons, and the view that a link describes."""

from __future__ import annotations

from typing import Annotated, Any

from ..lessons.text import MOST_BYTES
from ..link.permalink import LINK_CHARACTERS
from ..words.sentences import Refused
from ..words.trust import accuracy
from .parameters import NAME, TEXT, Parameter
from .services import Services

LessonName = Annotated[str, Parameter(TEXT, "the lesson's name, as `lessons` lists it", most=NAME)]
LessonText = Annotated[str, Parameter(TEXT, "a lesson of one's own, in the form of docs/lessons.md", most=MOST_BYTES)]
Query = Annotated[str, Parameter(TEXT, "the part of a link after its question mark", most=LINK_CHARACTERS)]


def models(to: Services) -> dict[str, Any]:
    """The models that can be asked, by the name that every other tool takes as ``model``.

    Returns ``models``: each with a ``title``, its ``group``, its ``state`` ("ready" in memory, "here" on this machine, "absent" if it needs
    a download of so many ``bytes``, "loading", or "failed" with a ``sentence``); of those in memory also the number of ``classes``, the
    input's ``side`` in pixels, the ``stages`` (blocks, heads and width of each), and what is known of the ``accuracy``. ``first`` is the
    one that is asked by default. To ask a model loads it; where that takes longer than a minute, ask again.
    """
    listed = to.workbench.models.listed()
    return listed | {"models": [each | _known(to, each["name"]) for each in listed["models"]]}


def _known(to: Services, name: str) -> dict[str, Any]:
    """What is known of a model that is in memory."""
    loaded = to.workbench.models.ready(name)
    if loaded is None:
        return {}
    stages = [
        {"blocks": stage.depth, "heads": stage.num_heads, "width": stage.embed_dim, "cls_token": stage.cls_token}
        for stage in loaded.config.stages
    ]
    return {"classes": loaded.config.num_labels, "side": loaded.side, "stages": stages, "accuracy": accuracy(loaded.config)}


def examples(to: Services) -> dict[str, Any]:
    """The example pictures of the page, by name: ``examples``. A tool takes such a name as its picture."""
    return {"examples": list(to.workbench.examples)}


def lessons(to: Services) -> dict[str, Any]:
    """The lessons: ``lessons``, each with its name, title, minutes, and how many ``steps`` it has."""
    known = to.lessons.lessons()["lessons"]
    return {"lessons": [{name: each[name] for name in ("name", "title", "minutes")} | {"steps": len(each["steps"])} for each in known]}


def lesson(to: Services, name: LessonName) -> dict[str, Any]:
    """A lesson: its ``steps``, each with what it says, the link's text that sets the page, and what it asks.

    A step asks in ``ask`` and sometimes again in ``after``; `lesson_question` asks it about a picture, `lesson_answer` grades an answer.
    """
    return found(to, name)


def check_lesson(to: Services, text: LessonText) -> dict[str, Any]:
    """Whether a text is a lesson: ``lesson`` as `lesson` gives it, or ``error``, a sentence, with its ``line``."""
    return to.lessons.read({"text": text})


def open_link(to: Services, query: Query) -> dict[str, Any]:
    """What a link to the page shows: ``view``, the ``model`` and its ``architecture``, and ``notices`` on parts that cannot be used."""
    return to.laboratory.open({"query": query})


def found(to: Services, name: str) -> dict[str, Any]:
    """The lesson with this name. Raises Refused."""
    known = {each["name"]: each for each in to.lessons.lessons()["lessons"]}
    if name not in known:
        raise Refused("no_lesson", name=repr(name), names=" or ".join(known))
    return known[name]
