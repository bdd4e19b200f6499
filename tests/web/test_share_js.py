"""The page's link: what the browser writes, the server reads, and the other way round."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from cvt.architecture.variants import architecture
from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import photo
from tests.helpers import run_in_node, tiny_model
from visualize.container import unpack
from visualize.draw.payload import payload
from visualize.explore import explore
from visualize.page.laboratory.describe import about
from visualize.page.link.choices import HIDEABLE
from visualize.page.link.permalink import decode, encode
from visualize.page.link.view import View
from visualize.web import share

TESTS = Path(__file__).parent / "share"
MODEL, SIDE = tiny_model(), 32


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The queries that the browser writes."""
    folder = tmp_path_factory.mktemp("share")
    header, _ = unpack(payload(explore(MODEL, CvtImageProcessor(size=SIDE), photo())))
    (folder / "share.json").write_text(json.dumps({"about": about(MODEL.config, SIDE), "result": header}))
    run_in_node(TESTS, SHARE_CASES=folder)
    return json.loads((folder / "queries.json").read_text())


def read(query: str) -> View:
    view, notices = decode(query, MODEL.config, (), (), SIDE)
    assert notices == []
    return view


def test_architectures_go_through_the_link(written):
    for name, each in written["architectures"].items():
        view = read(each["query"])
        config = architecture(MODEL.config, each["state"]["stages"])
        assert (view.architecture or MODEL.config) == config, name
        assert (view.side or SIDE, view.weights, view.seed) == (each["state"]["side"], each["state"]["weights"], each["state"]["seed"])
        assert sorted(parse_qsl(encode(view, MODEL.config))) == sorted(parse_qsl(each["query"])), name


def test_views_go_through_the_link(written):
    views = {name: read(each["query"]) for name, each in written["views"].items()}
    place = views["place"]
    grid = MODEL.config.grids(SIDE, SIDE)[2][0]
    assert (place.stage, place.cls) == (3, True)
    assert 1 <= place.row <= grid[0]
    assert 1 <= place.col <= grid[1]
    block = views["block"]
    assert (block.stage, block.block, block.head, block.channel) == (3, 2, 3, 6)
    assert (block.features, block.layer) == ("channel", "features")
    chosen = views["choices"]
    assert (chosen.view, chosen.sort, chosen.scale, chosen.colours, chosen.projection) == ("received", "peak", "all", "grey", "key")
    assert (chosen.depth, chosen.paint) == ("drawing", "map")
    assert chosen.smooth
    assert chosen.pixels
    assert chosen.ancestors
    assert chosen.centred
    assert (views["evidence"].layer, views["evidence"].which, views["evidence"].sort) == ("class", 3, "region")
    assert (views["mean"].stage, views["mean"].view) == (1, "mean")


def test_what_is_switched_off_goes_through_the_link(written):
    view = read(written["off"]["query"])
    assert (view.off, view.how) == (written["off"]["off"], written["off"]["how"])
    assert encode(view, MODEL.config) == written["off"]["query"] == "off=3.2.head1,2.1.block&how=mean"


def test_every_group_that_can_be_hidden_is_hidden_by_the_style():
    for name in HIDEABLE:
        assert f'[data-cvt-hide~="{name}"]' in share.CSS, name


def test_the_template_holds_what_the_script_looks_for():
    assert "<script" not in share.SHARE_HTML
    assert "${" not in share.SHARE_HTML
    found = set(re.findall(r'data-ref="(\w+)"', share.SHARE_HTML))
    assert found == set(re.findall(r"\bref\.(\w+)", (share.STATIC / "host.js").read_text(encoding="utf-8")))
