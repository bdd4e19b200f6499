"""Permalinks: every view comes back, and untrusted links end in defaults and a few short notices."""

import string
from contextlib import suppress
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cvt.architecture.settings import INPUT_SIDES, SETTINGS
from cvt.architecture.variants import architecture
from cvt.config import PUBLISHED, CvtConfig
from tests.helpers import tiny_config
from tests.strategies import stages
from visualize.change.parts import WAYS
from visualize.page.laboratory.trained import ABLATIONS
from visualize.page.link.choices import CHOICES, FLAGS, HIDEABLE, SETTING_KEYS, TABLE
from visualize.page.link.permalink import MAX_NOTICES, decode, encode
from visualize.page.link.view import DEFAULT, View

BASE = CvtConfig(**PUBLISHED["CvT-13"])
MODELS, EXAMPLES = ("Embedded CvT", "microsoft/cvt-13"), ("red_panda", "honey_bee", "été & co")
MANY = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def read(query, base=BASE, side=224):
    return decode(query, base, MODELS, EXAMPLES, side)


@st.composite
def switched_off(draw):
    """Parts of the model, as text, that can be replaced in any way."""
    stages = draw(st.lists(st.sampled_from(BASE.stages), max_size=3, unique=True))
    each = [(stage, draw(st.integers(1, stage.depth)), draw(st.integers(1, stage.num_heads))) for stage in stages]
    return ",".join(f"{stage.index + 1}.{block}.{draw(st.sampled_from(('attention', f'head{head}')))}" for stage, block, head in each)


@st.composite
def views(draw):
    tab = draw(st.sampled_from(CHOICES["tab"]))
    config, side = None, draw(st.none() | st.sampled_from(INPUT_SIDES))
    with suppress(ValueError):
        made = architecture(BASE, draw(stages()))
        made.grids(side or 224, side or 224)
        config = None if made == BASE else made
    shown, shown_side = (config or BASE, side or 224) if tab == "architecture" else (BASE, 224)
    place = {}
    if draw(st.booleans()):
        stage = draw(st.sampled_from(shown.stages))
        rows, columns = shown.grids(shown_side, shown_side)[stage.index][0]
        place = {
            "stage": stage.index + 1,
            "block": draw(st.none() | st.integers(1, stage.depth)),
            "head": draw(st.none() | st.integers(0, stage.num_heads)),
            "channel": draw(st.none() | st.integers(1, stage.embed_dim)),
            "cls": stage.cls_token and draw(st.booleans()),
        }
        if draw(st.booleans()):
            place |= {"row": draw(st.integers(1, rows)), "col": draw(st.integers(1, columns))}
    chosen = {"off": draw(switched_off())} | {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()} | {"tab": tab}
    return View(
        model=draw(st.none() | st.sampled_from(MODELS)),
        picture=draw(st.none() | st.sampled_from(EXAMPLES)),
        architecture=config,
        side=side,
        which=draw(st.none() | st.integers(1, 1000)),
        ablation=draw(st.none() | st.sampled_from(ABLATIONS)),
        seed=draw(st.integers(0, 2**31 - 1)),
        hidden=tuple(name for name in HIDEABLE if draw(st.booleans())),
        **{name: draw(st.booleans()) for name in FLAGS if name != "cls"},
        **chosen,
        **place,
    )


@MANY
@given(view=views())
def test_every_view_comes_back(view):
    query = encode(view, BASE)
    assert query.isascii()
    assert read(query) == (view, [])
    assert read(f"?{query}") == (view, [])


def test_the_defaults_need_no_words():
    assert encode(DEFAULT, BASE) == ""
    assert read("") == read("?") == (DEFAULT, [])
    assert encode(replace(DEFAULT, architecture=BASE), BASE) == ""


def test_a_link_can_be_read_by_a_person():
    config = architecture(BASE, [{"stride_kv": 1}, {}, {"depth": 6, "mlp_ratio": 0.5, "cls_token": False, "qkv_projection_method": "avg"}])
    view = View(picture="red_panda", tab="architecture", stage=3, row=6, col=6, architecture=config, side=96, hidden=("upload", "seed"))
    assert encode(view, BASE) == (
        "picture=red_panda&tab=architecture&stage=3&row=6&col=6&"
        "s1.kv=1&s3.depth=6&s3.mlp=0.5&s3.projection=avg&s3.cls=0&side=96&hide=upload,seed"
    )
    assert encode(View(architecture=architecture(BASE, [{}, {}])), BASE) == "stages=2"


def test_names_in_links_are_one_to_one():
    assert set(SETTING_KEYS) == set(SETTINGS)
    assert len(set(SETTING_KEYS.values())) == len(SETTING_KEYS)
    keys = [each.key for each in TABLE.values()]
    assert len(set(keys)) == len(keys)
    assert "view" not in keys  # Gradio's own, as in ?view=api
    assert set(TABLE) == {each.name for each in fields(View)} - {"architecture"}  # which has keys of its own
    for name, values in CHOICES.items():
        assert TABLE[name].default == values[0]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("model=other", "model"),
        ("picture=/etc/passwd", "picture"),
        ("tab=admin", "tab"),
        ("stage=4", "stage"),
        ("stage=0", "stage"),
        ("stage=-1", "stage"),
        ("stage=1e3", "stage"),
        ("stage=١", "stage"),  # a digit, but not one that we write
        ("stage=2&block=3", "block"),
        ("stage=1&head=2", "head"),
        ("stage=3&row=15&col=1", "row"),
        ("row=3", "row without a column"),
        ("cls=1&stage=1", "cls"),
        ("cls=yes", "cls"),
        ("show=everything", "show"),
        ("off=4.1.mlp", "off"),
        ("off=3.11.mlp", "off"),
        ("off=1.1.head2", "off"),
        ("off=1.1.mlp2", "off"),
        ("off=1.1.head", "off"),
        ("off=1.1.nothing", "off"),
        ("off=", "off"),
        ("off=1.1.mlp&how=gone", "how"),
        ("seed=-5", "seed"),
        ("seed=99999999999", "seed"),
        ("weights=trained", "weights"),
        ("ablation=baseline", "ablation"),
        ("ablation=other", "ablation"),
        ("class=0", "class"),
        ("class=1001", "class"),
        ("side=100", "input side"),
        ("side=4096", "input side"),
        ("stages=5", "number of stages"),
        ("s1.kv=9", "s1.kv"),
        ("s1.kv=NaN", "s1.kv"),
        ("s4.kv=1", "s4.kv"),
        ("s1.bogus=1", "setting"),
        ("s1.mlp=1e300", "s1.mlp"),
        ("s1.cls=2", "s1.cls"),
        ("s1.projection=mean", "s1.projection"),
        ("s3.heads=5", "cannot be built"),
        ("s1.step=16&s2.step=16&s3.patch=16&s3.padding=0", "larger input"),
        ("hide=laboratory,everything", "hide"),
        ("unknown=1", "unknown part"),
        ("seed=1&seed=2", "more than once"),
        ("x" * 5000, "too long"),
    ],
)
def test_what_cannot_be_is_the_default_and_one_sentence_says_so(query, word):
    view, notices = read(query)
    assert len(notices) == 1, notices
    assert word in notices[0]
    good = {"stage", "hidden", "seed", "off"}
    assert all(getattr(view, each.name) == each.default for each in fields(View) if each.name not in good)


def test_what_others_add_to_addresses_is_left_alone():
    assert read("__theme=dark&utm_source=x&fbclid=y&view=api&logs=container&deep_link=z&viewer=2")[1] == [
        "The link has an unknown part, “viewer”. It is ignored."
    ]


def test_the_good_parts_of_a_bad_link_stay():
    view, notices = read("picture=honey_bee&tab=architecture&s1.kv=1&s2.kv=77&side=96&hide=upload,nonsense&seed=4")
    assert (view.picture, view.side, view.seed, view.hidden) == ("honey_bee", 96, 4, ("upload",))
    assert view.architecture == BASE.replace(stride_kv=(1, 2, 2))
    assert len(notices) == 2


def test_what_is_switched_off_is_what_the_model_has_and_once():
    def off(query, base=BASE):
        view, notices = read(query, base)
        return view.off, len(notices)

    assert off("off=3.10.head6,1.1.attention_residual,2.1.block") == ("3.10.head6,1.1.attention_residual,2.1.block", 0)
    assert off("off=last.last.head1,2.last.mlp,last.1.block") == ("3.10.head1,2.2.mlp,3.1.block", 0)
    assert off("off=2.all.attention") == ("2.1.attention,2.2.attention", 0)
    assert off("off=2.2.mlp,2.all.block,last.all.head9") == ("2.2.mlp", 1)
    assert off("off=3.1.mlp,3.1.block,3.1.mlp,9.1.mlp,3.2.mlp") == ("3.1.mlp,3.2.mlp", 1)
    assert off("off=3.1.mlp,3.1.attention&how=uniform") == ("3.1.attention", 1)
    linear = tiny_config(qkv_projection_method=("linear", "avg", "dw_bn"))
    assert off("off=1.1.key_conv,2.1.query_conv,2.1.key_conv,3.1.query_conv", linear) == ("2.1.key_conv,3.1.query_conv", 1)
    assert off("off=" + ",".join(["1.1.mlp"] * 400)) == ("1.1.mlp", 1)
    assert (
        encode(View(experiment="decide", off="3.8.head2", how="mean", stage=3), BASE) == "experiment=decide&off=3.8.head2&how=mean&stage=3"
    )


def test_ways_in_links_are_the_models():
    assert CHOICES["how"] == WAYS


def test_another_models_link_gets_what_that_model_has():
    config = architecture(BASE, [{}, {}, {"depth": 2}])
    query = encode(View(tab="architecture", stage=3, block=2, architecture=config), BASE)
    view, notices = read(query, base=tiny_config(), side=32)
    assert view.architecture == tiny_config(depth=(1, 2, 2))
    assert (view.block, notices) == (2, [])
    assert read(encode(View(stage=3, block=10), BASE), base=tiny_config(), side=32)[0] == View(stage=3)


def is_harmless(query):
    view, notices = read(query)
    assert isinstance(view, View)
    assert len(notices) <= MAX_NOTICES
    for notice in notices:
        assert len(notice) < 160
        assert not set(notice) & set('<>&"`\n\r\0')
    assert read(encode(view, BASE))[0] == view
    if view.architecture is not None:
        (view.architecture).grids(view.side or 224, view.side or 224)


SETTING_NAMES = [f"s{stage}.{key}" for stage in range(6) for key in SETTING_KEYS.values()]
KEY = st.sampled_from([*(each.key for each in TABLE.values()), "stages", *SETTING_NAMES])
ODD = ["nan", "1e9", "true", "dw_bn", "linear", "<b>", "%00", "1" * 30]
VALUE = st.text(max_size=12) | st.integers(-5, 600).map(str) | st.sampled_from(ODD)


@MANY
@given(pairs=st.lists(st.tuples(KEY, VALUE), max_size=12))
def test_forged_links_never_raise(pairs):
    is_harmless("&".join(f"{key}={value}" for key, value in pairs))


@MANY
@given(query=st.text(max_size=300) | st.text(alphabet=string.printable + "&=%;.?", max_size=300))
def test_arbitrary_text_never_raises(query):
    is_harmless(query)


@MANY
@given(view=views(), at=st.integers(0, 400), text=st.text(max_size=3), length=st.integers(0, 5))
def test_hand_edited_links_never_raise(view, at, text, length):
    query = encode(view, BASE)
    is_harmless(query[:at] + text + query[at + length :])


def test_a_notice_repeats_no_more_than_a_few_characters():
    for query in ("tab=" + "a" * 1000, "stage=<script>alert(1)</script>", "a" * 1000 + "=1"):
        (notice,) = read(query)[1]
        assert "aaaaaaaaaaaaa" not in notice
        assert "<" not in notice
        assert "alert" not in notice


def test_many_faults_are_few_notices():
    notices = read("&".join(f"bad{number}=1" for number in range(100)))[1]
    assert len(notices) == MAX_NOTICES
    assert notices[-1] == "95 more parts of the link could not be used."


def test_a_lesson_its_step_and_what_the_laboratory_starts_from_come_back():
    for query, found in {
        "lesson=far&step=3": {"lesson": "far", "step": 3},
        "lesson=https://a.test/b%20c.yaml": {"lesson": None},  # which no browser writes so
        "lesson=https://a.test/b.yaml?c%3Dd%26e": {"lesson": "https://a.test/b.yaml?c=d&e"},
        "tab=lessons": {"tab": "lessons"},
        "preset=no-overlap&ablation=linear": {"preset": "no-overlap", "ablation": "linear"},
    }.items():
        view, notices = read(query)
        assert {name: getattr(view, name) for name in found} == found
        assert len(notices) == (None in found.values())
        assert read(encode(view, BASE))[0] == view
    for query in ("lesson=../far", "lesson=http://a.test/b", "lesson=javascript:alert(1)", "step=0", "step=13", "preset=x", "ablation=A b"):
        view, notices = read(query)
        assert view == DEFAULT
        assert len(notices) == 1
