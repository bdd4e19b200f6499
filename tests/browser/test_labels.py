"""Every label against what is drawn, in all states: layer × stage × view × cls token × head × features, drawn either way, at any depth.

The page is walked through once; what it says and draws in each state is compared with NumPy.
"""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from tests.browser.component import Page
from visualize.maps.features import principal_components

pytestmark = pytest.mark.browser
BLOCKS, CELL = (0, 1, 2), (0.55, 0.2)  # the blocks that are shown, and the token's place as shares of height and width
SIDE, TOLERANCE = 64, 0.012
DEPTHS, PAINTS = ("none", "attention", "features", "inside", "drawing", "export"), ("light", "map")
AXES = {
    "layer": ("attention", "features", "class", "none"),
    "stage": (0, 1, 2),
    "view": ("token", "received", "mean"),
    "cls": (False, True),
    "head": (-1, 0),
    "features": ("pca", "mean", "channel", "similarity"),
}
# Every state is drawn at once, and read: its labels, what is pressed and visible, and the overlay's colour at some points.
WALK = """([states, points]) => states.map((changes) => {
  const explorer = cvt.explorer(), { ref, roots } = explorer;
  explorer.set(changes);
  explorer.draw();
  const text = (name) => ref[name].textContent.replaceAll("\\u202f", "").replaceAll("\\u2212", "-");
  const shown = (element) => element.getClientRects().length > 0;
  const all = (selector) => Object.values(roots).flatMap((root) => [...root.querySelectorAll(selector)]);
  const groups = {};
  for (const each of all("[role=group] [data-set]")) {
    if (each.getAttribute("aria-pressed") === "true") (groups[each.dataset.set] ??= []).push(each.dataset.value);
  }
  const pressed = (selector) => all(selector).flatMap((each, at) => (each.getAttribute("aria-pressed") === "true" ? [at] : []));
  const pixels = ref.overlay.getContext("2d").getImageData(0, 0, ref.overlay.width, ref.overlay.height);
  const at = ([y, x]) => {
    const row = Math.floor((y / 64) * pixels.height), column = Math.floor((x / 64) * pixels.width);
    return Array.from(pixels.data.slice(4 * (row * pixels.width + column), 4 * (row * pixels.width + column) + 4));
  };
  let hash = 0;
  for (let place = 0; place < pixels.data.length; place += 41) hash = (hash * 31 + pixels.data[place]) | 0;
  return {
    groups, hash,
    labels: Object.fromEntries(["sentence", "headline", "detail", "legend", "chip", "verdict", "barHigh", "featureFigure"].map(
      (name) => [name, text(name)])),
    numbers: Object.fromEntries([...ref.numbers.children].filter((each) => !each.hidden).map(
      (each) => [each.firstChild.textContent, each.lastChild.textContent.replaceAll("\\u202f", "")])),
    depths: all("[data-depth]").filter(shown).map((each) => each.dataset.depth),
    shown: Object.fromEntries(["overview", "depth", "spots", "classes", "cls"].map((name) => [name, shown(ref[name])])),
    cards: all("[data-ref=spots] button").filter((each) => !each.hidden).length,
    card: pressed("[data-ref=spots] button:not([hidden])"),
    stage: pressed("[data-ref=pipeline] .cvt-stage"),
    heads: pressed("[data-ref=heads] button"),
    blocks: pressed("[data-ref=blocks] button"),
    cls: ref.cls.getAttribute("aria-pressed") === "true",
    which: pressed("[data-ref=classes] button"),
    pixels: (points[changes.points] ?? []).map(at),
    edge: points[`edge ${changes.stage}`].map(at),
    keyEdge: points[`key ${changes.stage}`].map(at),
  };
})"""


def points_of(grid) -> np.ndarray:
    """A point of each cell, away from its middle and its edge."""
    rows, columns = grid.shape
    return np.array([grid.centre(row, column) for row in range(rows) for column in range(columns)]) + np.array(grid.stride) / 4


def edge_of(grid) -> np.ndarray:
    """The middles of the four sides of the cell at the token's place, or of the picture's edge beyond which they lie."""
    top, left, bottom, right = np.clip(grid.cell(*cell_of(grid)), 0.2, SIDE - 0.2)
    return np.array([(top, (left + right) / 2), (bottom, (left + right) / 2), ((top + bottom) / 2, left), ((top + bottom) / 2, right)])


def cell_of(grid) -> tuple[int, int]:
    return tuple(int(np.clip(round((share * SIDE - first) / step), 0, count - 1))
                 for share, first, step, count in zip(CELL, grid.first, grid.stride, grid.shape, strict=True))  # fmt: skip


def states() -> list[dict]:
    """All states; the depth and the way of drawing go around, so that each meets every value of the others."""
    found = []
    for number, values in enumerate(product(*AXES.values())):
        each = dict(zip(AXES, values, strict=True))
        heads = [-1, -1, -1]
        heads[each["stage"]] = each["head"]
        stage = each["stage"]
        seen_by = "query" if each["view"] == "received" else "key"
        points = {"attention": f"{seen_by} {stage}", "features": f"query {stage}", "class": "key 2", "none": ""}[each["layer"]]
        depth, paint = DEPTHS[number * 5 % 7 % 6], PAINTS[number * 3 % 5 % 2]
        found.append({**each, "heads": heads, "depth": depth, "paint": paint, "points": f"{points} all" if points else ""})
    return found


@pytest.fixture(scope="module")
def seen(explored):
    return explored["first"]


@pytest.fixture(scope="module")
def walked(_shared_component, explored, seen):
    page: Page = _shared_component
    page.as_opened(results=explored, failing=[])
    y, x = (share * SIDE for share in CELL)
    page.set(blocks=list(BLOCKS), y=y, x=x, opacity=1, colours="grey", which=1)
    page.open_microscope()
    points = {}
    for index, stage in enumerate(seen.stages):
        points |= {f"query {index} all": points_of(stage.query_grid), f"key {index} all": points_of(stage.key_grid)}
        points |= {f"edge {index}": edge_of(stage.query_grid), f"key {index}": edge_of(stage.key_grid)}
    wanted = states()
    assert {(each["depth"], each["layer"]) for each in wanted} == set(product(DEPTHS, AXES["layer"]))
    assert {(each["paint"], *(each[name] for name in ("layer", "stage", "view", "cls"))) for each in wanted} == set(
        product(PAINTS, *(AXES[name] for name in ("layer", "stage", "view", "cls")))
    )
    read = page.page.evaluate(WALK, [wanted, {name: each.tolist() for name, each in points.items()}])
    assert page.problems == []
    return list(zip(wanted, read, strict=True))


def asks(state: dict) -> bool:
    """Whether the cls token is the query: only the last stage has one."""
    return state["cls"] and state["stage"] == 2


def weights_of(seen, state: dict) -> tuple[np.ndarray, float]:
    """The weights that are drawn, and the whole row's or column's largest."""
    stage = seen.stages[state["stage"]]
    weights = stage.blocks[BLOCKS[state["stage"]]].weights().astype(np.float64)
    weights = weights.mean(axis=0) if state["head"] < 0 else weights[state["head"]]
    first = int(state["stage"] == 2)
    if state["view"] == "mean":
        return weights.mean(axis=0)[first:]
    if state["view"] == "received":
        row, column = cell_of(stage.key_grid)
        return weights[first:, 0 if asks(state) else row * stage.key_grid.shape[1] + column + first]
    return weights[0 if asks(state) else stage.query_index(*cell_of(stage.query_grid))][first:]


def place(grid) -> str:
    row, column = cell_of(grid)
    return f"row {row + 1}, column {column + 1}"


def sides(grid) -> str:
    return "×".join(map(str, grid.shape))


def percent(value: float) -> str:
    """Two significant digits, as the page writes a share."""
    if value >= 0.0995:
        return f"{100 * value:.0f}%"
    return f"{100 * value:.{min(3, 1 - int(np.floor(np.log10(100 * value))))}f}%"


def near(text: str, value: float, tolerance: float = 0.06) -> bool:
    """Whether a text begins with a number that is this one, as far as bytes say it."""
    return float(re.match(r"[-+]?[0-9.]+", text)[0]) == pytest.approx(value, rel=tolerance, abs=tolerance)


def test_the_sentence_names_what_is_drawn(walked, seen):
    for state, read in walked:
        stage, sentence = seen.stages[state["stage"]], read["labels"]["sentence"]
        number, keys, tokens = state["stage"] + 1, sides(stage.key_grid), sides(stage.query_grid)
        if state["layer"] in ("attention", "none"):
            heads = len(stage.blocks[0].weights())
            head = "its only head" if heads == 1 else f"mean of {heads} heads" if state["head"] < 0 else f"head {state['head'] + 1}"
            what = {
                "mean": f"all {tokens} tokens, on average, attend to each of the {keys} key cells",
                "received": f"each of the {tokens} tokens attends to "
                + ("the cls token" if asks(state) else f"the key cell at {place(stage.key_grid)}"),
                "token": ("the cls token" if asks(state) else f"the token at {place(stage.query_grid)}")
                + f" attends to each of the {keys} key cells",
            }[state["view"]]
            assert sentence == f"Stage {number}, block {BLOCKS[state['stage']] + 1}, {head}: how strongly {what}."
        elif state["layer"] == "features":
            channel = int(stage.features.reshape(len(stage.features), -1).var(axis=1).argmax()) + 1
            width = len(stage.features)
            said = {
                "pca": f"the three directions in which its {tokens} tokens differ most",
                "mean": f"the mean of all {width} channels at each of the {tokens} tokens",
                "channel": f"channel {channel} of {width} at each of the {tokens} tokens",
                "similarity": f"cosine similarity of every token to the one at {place(stage.query_grid)}",
            }[state["features"]]
            assert sentence.startswith(f"Stage {number}: {said}")
        else:
            assert sentence.startswith(f"Score of {seen.top()[1][0]}: ")


def test_the_headlines_numbers_are_those_of_the_map_that_is_drawn(walked, seen):
    compared = 0
    for state, read in walked:
        headline, detail = read["labels"]["headline"], read["labels"]["detail"]
        stage = seen.stages[state["stage"]]
        if state["layer"] == "attention":
            weights = weights_of(seen, state)
            who = "token" if state["view"] == "received" else "cls token" if asks(state) and state["view"] == "token" else "spot"
            assert (who in headline) or state["view"] == "mean"
            if state["view"] == "received":
                more = (weights > 1 / stage.blocks[0].key.shape[1]).sum()
                said, of = map(int, re.match(r"(\d+) of (\d+) tokens look", headline).groups())
                assert (abs(said - more) <= 2, of) == (True, len(weights))
                assert near(re.search(r"spends ([0-9.]+)%", detail)[1], 100 * weights.max())
                assert headline.count("cls token") == asks(state)
            else:
                half = 1 + (np.cumsum(np.sort(weights)[::-1]) < weights.sum() / 2).sum()
                said, of = map(int, re.search(r"(\d+) of (\d+) cells", headline).groups())
                assert (abs(said - half) <= 1, of) == (True, len(weights))
                if found := re.search(r"([0-9.]+)%, ([0-9.]+) times its share", detail):
                    assert near(found[1], 100 * weights.max())
                    assert near(found[2], weights.max() * stage.blocks[0].key.shape[1])
                    compared += 1
        elif state["layer"] == "features":
            number = f"hannel {int(stage.features.reshape(len(stage.features), -1).var(axis=1).argmax()) + 1} "
            names = {"pca": "alike to stage", "mean": "mean of all", "channel": number, "similarity": "like this one"}
            assert names[state["features"]] in headline
        elif state["layer"] == "class":
            label = seen.top()[1][0]
            adds = seen.evidence.places[1].clip(0)
            half = 1 + (np.cumsum(np.sort(adds)[::-1]) < adds.sum() / 2).sum()
            assert headline.startswith(f"Half of what speaks for {label} lies in {half} of {len(adds)} cells")
        else:
            label, share = seen.top()[0]
            assert headline.endswith(f"{label}, {percent(share)}.")
    assert compared > 20


def test_the_corner_of_the_picture_names_who_asks(walked, seen):
    for state, read in walked:
        chip, hint = read["labels"]["chip"], "Move · click holds"
        wanted = hint
        if state["layer"] == "attention" and state["view"] == "mean":
            wanted = "all tokens"
        elif state["layer"] == "attention" and asks(state):
            wanted = "cls token"
        elif state["layer"] == "class":
            row, column = cell_of(seen.stages[2].key_grid)
            value = seen.evidence.places[1].reshape(seen.stages[2].key_grid.shape)[row, column]
            label, said = chip.split(" · here ")
            assert label == seen.top()[1][0]
            assert float(said) == pytest.approx(value, abs=0.006 if abs(value) < 10 else 0.06)
            continue
        assert chip == wanted, state


def test_what_is_said_to_be_outlined_is_outlined(walked):
    """White sides of the token's cell or of the key's, exactly where the legend says so."""
    for state, read in walked:
        legend = read["labels"]["legend"]
        white = [min(edge[:3]) > 200 and edge[3] > 200 for edge in read["edge"]]
        key_white = [min(edge[:3]) > 200 and edge[3] > 200 for edge in read["keyEdge"]]
        if state["layer"] == "class":
            assert "The outlined cells carry half of what adds" in legend
            continue
        if "Outlined: the token" in legend:
            assert all(white), state
        elif "Outlined: the key cell" in legend:
            assert all(key_white), state
        else:
            assert "Outlined" not in legend
            assert not all(white), state
            assert state["layer"] == "attention"
        expected = state["layer"] != "attention" or state["view"] != "mean"
        assert ("Outlined" in legend) == (expected and not (state["layer"] == "attention" and asks(state)))


def test_what_is_pressed_is_what_is_shown(walked):
    for state, read in walked:
        for name in ("layer", "view", "features", "depth", "paint"):
            assert read["groups"][name] == [state[name]]
        assert read["stage"] == [state["stage"]]
        assert read["cls"] == (asks(state) and state["view"] == "token") or state["depth"] != "attention"
        if state["depth"] == "attention":
            heads = (1, 2, 4)[state["stage"]]
            assert read["heads"] == [0 if heads == 1 else state["head"] + 1]
            assert read["blocks"] == [BLOCKS[state["stage"]]]
            assert read["shown"]["cls"] == (state["stage"] == 2)
        assert read["depths"] == ([state["depth"]] if state["depth"] != "none" else [])
        assert read["shown"]["overview"] == (state["depth"] == "none")
        assert read["shown"]["depth"] == (state["depth"] != "none")
        if state["depth"] == "none":
            assert read["shown"]["spots"] == (state["layer"] != "class")
            assert read["shown"]["classes"] == (state["layer"] == "class")
            if state["layer"] == "class":
                assert read["which"] == [1]
            else:
                assert read["cards"] == (3 if state["layer"] == "features" else 4)
                card = 3 if asks(state) else state["stage"]
                assert read["card"] == ([] if card >= read["cards"] else [card])


def test_the_verdict_is_always_the_most_probable_class(walked, seen):
    (first, share), (second, rest) = seen.top()[:2]
    wanted = f"{first} {percent(share)} next: {second}, {percent(rest) if rest >= 0.0095 else 'under 1%'}"
    assert {re.sub(r"\s+", " ", read["labels"]["verdict"]).strip().replace("%next", "% next") for _, read in walked} == {wanted}


def test_the_numbers_of_the_heads_are_those_of_the_chosen_one(walked, seen):
    compared = 0
    for state, read in walked:
        if state["depth"] != "attention":
            continue
        weights = weights_of(seen, state)
        assert near(read["numbers"]["max"], 100 * weights.max())
        assert near(read["labels"]["barHigh"], 100 * weights.max())
        assert ("entropy" in read["numbers"]) == (state["view"] != "received")
        if state["view"] != "received":
            assert near(read["numbers"]["max is"], weights.max() * seen.stages[state["stage"]].blocks[0].key.shape[1])
        compared += 1
    assert compared > 50


def opacities(weights: np.ndarray, even: float) -> np.ndarray:
    light = np.clip((weights / even - 1) / (max(weights.max() / even, 3) - 1), 0, 1)
    return np.where(light > 0.01, 0.08 + 0.5 * light, 0)


def test_the_picture_shows_the_map_that_is_named(walked, seen):
    compared = dict.fromkeys(AXES["layer"], 0)
    for state, read in walked:
        stage = seen.stages[state["stage"]]
        if state["layer"] == "none":
            assert np.array(read["edge"])[:, 3].min() > 200
            continue
        pixels = np.array(read["pixels"], float) / 255
        shown = seen.stages[2] if state["layer"] == "class" else stage
        grid = shown.query_grid if state["points"].startswith("query") else shown.key_grid
        points = points_of(grid)
        top, left, bottom, right = stage.query_grid.receptive_field(*cell_of(stage.query_grid))
        free = ~((points > (top - 4, left - 4)) & (points < (bottom + 4, right + 4))).all(axis=1)
        if state["view"] == "received":
            top, left, bottom, right = stage.key_grid.cell(*cell_of(stage.key_grid))
            free &= ~((points > (top - 3, left - 3)) & (points < (bottom + 3, right + 3))).all(axis=1)
        if state["layer"] == "attention":
            if state["view"] == "mean" or asks(state):
                free[:] = True
            weights = weights_of(seen, state)
            if state["paint"] == "map":
                assert pixels[free, 0] == pytest.approx((weights / weights.max())[free], abs=0.02), state
            else:
                light = opacities(weights, 1 / stage.blocks[0].key.shape[1])
                assert (pixels[:, 0] * pixels[:, 3])[free] == pytest.approx(light[free], abs=0.02), state
            compared["attention"] += free.sum()
            continue
        if state["layer"] == "class":
            values = seen.evidence.places[1]
            for value, (red, _, blue, alpha) in zip(values, pixels, strict=True):
                strong = abs(value) > 0.2 * np.abs(values).max()
                assert not strong or ((red > blue) == (value > 0) and alpha > 0.1)
                compared["class"] += strong
            continue
        if state["features"] == "pca":
            rgb = principal_components(stage.features).rgb.reshape(-1, 3) / 255
            assert pixels[free, :3] == pytest.approx(rgb[free], abs=0.02), state
            compared["features"] += free.sum()
            continue
        flat = stage.features.reshape(len(stage.features), -1)
        if state["features"] == "similarity":
            unit = flat / np.linalg.norm(flat, axis=0)
            row, column = cell_of(stage.query_grid)
            values = unit.T @ unit[:, row * stage.query_grid.shape[1] + column]
        else:
            values = flat.mean(axis=0) if state["features"] == "mean" else flat[flat.var(axis=1).argmax()]
        extent = 1 if state["features"] == "similarity" else np.abs(values).max()
        strong = free & (np.abs(values) > 0.15 * extent)
        assert ((pixels[:, 0] > pixels[:, 2]) == (values > 0))[strong].all(), state
        order = np.argsort(values[free])
        assert (np.diff((pixels[:, 0] - pixels[:, 2])[free][order]) > -0.75).all()
        compared["features"] += strong.sum()
    assert min(compared[name] for name in ("attention", "features", "class")) > 300


def test_what_is_said_alike_is_drawn_alike_and_what_is_drawn_differently_is_said(walked):
    drawn: dict[tuple, set[int]] = {}
    for state, read in walked:
        labels = read["labels"]
        said = (state["layer"], labels["sentence"], labels["headline"], labels["legend"], labels["chip"])
        paint = state["paint"] if state["layer"] in ("attention", "class") else ""
        drawn.setdefault((*said, paint), set()).add(read["hash"])
    assert {said: count for said, hashes in drawn.items() if (count := len(hashes)) > 1} == {}
    by_picture: dict[int, set[tuple]] = {}
    for said, (picture,) in drawn.items():
        if said[0] != "none":
            by_picture.setdefault(picture, set()).add(said[1])
    assert {picture: said for picture, said in by_picture.items() if len(said) > 1} == {}
