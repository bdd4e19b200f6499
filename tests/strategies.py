"""What property tests draw: configurations of every shape, and what people or untrusted callers request from the laboratory."""

from __future__ import annotations

from hypothesis import strategies as st

from cvt.architecture.settings import SETTINGS
from cvt.config import PROJECTION_METHODS, CvtConfig


@st.composite
def configs(draw, width=1):
    """Small configurations of every shape, whose widths are multiples of ``width``; not every input is large enough."""
    count = draw(st.integers(1, 4))

    def each(strategy):
        return [draw(strategy) for _ in range(count)]

    heads = each(st.sampled_from([1, 2, 3]))
    method, kernel = each(st.sampled_from(PROJECTION_METHODS)), each(st.sampled_from([1, 3, 5]))
    pair = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return CvtConfig(
        num_channels=draw(st.integers(1, 4)),
        patch_sizes=each(st.one_of(st.integers(1, 7), st.tuples(st.integers(1, 5), st.integers(1, 5)))),
        patch_stride=each(pair),
        patch_padding=each(st.integers(0, 3)),
        embed_dim=[head * width * draw(st.integers(1, 5)) for head in heads],
        num_heads=heads,
        depth=each(st.integers(0, 2)),
        mlp_ratio=each(st.sampled_from([1.0, 1.7, 4.0])),
        qkv_bias=each(st.booleans()),
        cls_token=each(st.booleans()),
        qkv_projection_method=method,
        kernel_qkv=kernel,
        padding_q=[size // 2 for size in kernel],
        padding_kv=[draw(st.integers(0, size // 2)) for size in kernel],
        stride_kv=each(st.integers(1, 3)),
        num_labels=draw(st.integers(0, 5)),
        hidden_act=draw(st.sampled_from(["gelu", "quick_gelu"])),
    )


def stage_settings(**values):
    """Some settings of one stage; ``values`` replaces those to choose from, so that models stay small and quick."""
    choices = {name: st.sampled_from(list(values.get(name, setting.values))) for name, setting in SETTINGS.items()}
    return st.fixed_dictionaries({}, optional=choices)


def stages(least=1, most=4, **values):
    """What ``architecture`` takes: settings of one to four stages, not every one of which can be built."""
    return st.lists(stage_settings(**values), min_size=least, max_size=most)


def anything():
    """What JSON may hold, and more."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)

    def nested(each):
        return st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)

    return st.recursive(leaves, nested, max_leaves=6)
