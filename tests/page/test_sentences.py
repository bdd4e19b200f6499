"""The server's sentences: each is used, each is whole, and no other module of the page's server makes one."""

import ast
import pickle
import re
import string

import pytest

from tests.helpers import ROOT
from visualize.page.words.sentences import SENTENCES, Refused, say

SERVER = [ROOT / "app.py", *(path for room in ("app", "page") for path in sorted((ROOT / "visualize" / room).rglob("*.py")))]
ELSEWHERE = [path for path in SERVER if path.name != "sentences.py"]
MADE_OF_PARTS = {  # keys that are put together where they are used
    "attention_of_token", "mean_attention_of_token", "attention_of_cls", "mean_attention_of_cls", "waiting", "building", "building_share",
    "running", "stage_new", "stages_new", "stage_gone", "stages_gone",
    "broken_stage", "broken_embedding", "broken_cls_token", "broken_classifier",
}  # fmt: skip


def test_every_sentence_is_used_and_every_key_is_there():
    texts = "\n".join(path.read_text(encoding="utf-8") for path in ELSEWHERE)
    named = set(re.findall(r'"(\w+)"', texts))
    assert set(SENTENCES) - MADE_OF_PARTS <= named
    asked = set(re.findall(r'(?:\bsay|Refused|LessonError)\(\s*"(\w+)"', texts))
    assert asked <= set(SENTENCES)
    assert len(asked) > 40


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: str(path.relative_to(ROOT)))
def test_errors_have_their_words_from_the_table(path):
    """Errors of programmers aside, which nobody on the page can cause."""
    allowed = {"visualize/page/words/head.py": 1, "visualize/app/blocks.py": 1}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [each.exc for each in ast.walk(tree) if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call)]
    written = [
        each for each in calls
        if each.args and isinstance(each.func, (ast.Name, ast.Attribute)) and ast.unparse(each.func) not in ("Refused", "LessonError")
        and isinstance(each.args[0], (ast.Constant, ast.JoinedStr))
    ]  # fmt: skip
    assert len(written) == allowed.get(str(path.relative_to(ROOT)), 0)


def test_a_refusal_keeps_its_values():
    error = Refused("no_head", head=9, stage=2, most=3)
    assert str(error) == "There is no head 9 in stage 2: choose 1 to 3, or 0 for their mean."
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.key, again.values) == (str(error), "no_head", {"head": 9, "stage": 2, "most": 3})
    with pytest.raises(KeyError):
        say("no_head", head=1)


@pytest.mark.parametrize("key", SENTENCES)
def test_places_for_values_have_names(key):
    assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(SENTENCES[key]))
