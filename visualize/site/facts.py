"""What the site's scripts must know of Python: what a link can name, and in which words it is refused."""

from __future__ import annotations

from typing import Any

from cvt.architecture.presets import PRESETS
from cvt.config import CvtConfig

from ..page.laboratory.architectures import MAX_SEED
from ..page.laboratory.trained import ABLATIONS
from ..page.lessons.measures import MOST_STEPS
from ..page.link import off, permalink
from ..page.link.choices import HIDEABLE
from ..page.words.sentences import SENTENCES


def link_facts(config: CvtConfig, side: int, model: str, examples: list[str]) -> dict[str, Any]:
    """What ``web/site/link/read.js`` needs to read links as ``permalink.decode`` does."""
    grids = config.grids(side, side)
    stages = [
        {
            "depth": stage.depth,
            "heads": stage.num_heads,
            "width": stage.embed_dim,
            "cls": stage.cls_token,
            "rows": query[0],
            "columns": query[1],
            "projection": {"method": stage.qkv_projection_method},
        }
        for stage, (query, _) in zip(config.stages, grids, strict=True)
    ]
    return {
        "model": model,
        "examples": examples,
        "presets": list(PRESETS),
        "ablations": list(ABLATIONS),
        "hideable": list(HIDEABLE),
        "labels": config.num_labels,
        "stages": stages,
        "lesson": permalink.LESSON,
        "most": {
            "characters": permalink.LINK_CHARACTERS,
            "notices": permalink.MAX_NOTICES,
            "place": permalink.MAX_PLACE,
            "seed": MAX_SEED,
            "steps": MOST_STEPS,
            "off": off.MOST,
        },
        "words": {key: text for key, text in SENTENCES.items() if key.startswith("link_")},
    }
