"""What several test modules build: small seeded models with lively BatchNorm statistics."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification, CvtModel
from visualize.page.link.choices import MODULE, as_module

ROOT = Path(__file__).parent.parent
WITHOUT = ROOT / "tests" / "without"  # for PYTHONPATH: what spares a program time that it is not tested for
TINY = {"embed_dim": (8, 16, 24), "num_heads": (1, 2, 3), "depth": (1, 2, 3), "num_labels": 5, "image_size": 32}


def tiny_config(**changes) -> CvtConfig:
    """A CvT of three stages and few channels; any field can be changed."""
    return CvtConfig(**{**TINY, **changes})


def tiny_model(
    config: CvtConfig | None = None, seed: int = 0, cls: type = CvtForImageClassification, **changes
) -> CvtForImageClassification | CvtModel:
    """A seeded model in evaluation mode, of ``tiny_config(**changes)`` unless a config is given."""
    return randomize(cls(tiny_config(**changes) if config is None else config), seed)


def randomize(model: nn.Module, seed: int = 0) -> nn.Module:
    """Draws all weights and BatchNorm statistics so that nothing is left at a value that hides a mistake (0, 1, or tiny)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):  # norms
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif value.ndim > 1 and "cls_token" not in name:
                fan_in = value[0].numel()
                value.copy_(torch.randn(value.shape, generator=generator) / fan_in**0.5)
            elif value.is_floating_point() and value.ndim:
                value.copy_(torch.randn(value.shape, generator=generator) * 0.3)
    return model.eval()


def pixels(*shape: int, seed: int = 1) -> torch.Tensor:
    """Seeded pixel_values; (2, 3, 32, 32) where no shape is given."""
    return torch.randn(shape or (2, 3, 32, 32), generator=torch.Generator().manual_seed(seed))


def run_in_node(tests: Path, **folders: Path) -> None:
    """Runs the .test.mjs files of a folder by Node's own runner; each of ``folders`` becomes an environment variable.

    They run in a copy, where the page's scripts are beside them as the server hands them out, and all in one process, because starting
    one takes longer than most of them. All must pass and none may be skipped; without Node the calling test is skipped.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which is not installed here")
    files = sorted(file.relative_to(ROOT) for file in tests.glob("*.test.mjs"))
    assert files
    with tempfile.TemporaryDirectory() as place:
        web = Path(place, "visualize/web")
        shutil.copytree(ROOT / "visualize/web", web, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        (web / MODULE).write_text(as_module(), encoding="utf-8")
        for file in files:
            Path(place, file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, Path(place, file))
        every = Path(place, "every.test.mjs")
        every.write_text("".join(f'import "./{file.as_posix()}";\n' for file in files), encoding="utf-8")
        run = subprocess.run(
            [node, "--test", every.name],
            cwd=place,
            env=os.environ | {name: str(folder) for name, folder in folders.items()},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# skipped 0" in run.stdout
    assert "# fail 0" in run.stdout


def least_or_alike(numbers: np.ndarray) -> list[str]:
    """Those that come within a twentieth of the largest distance to the least, from 1; "equally" if all do."""
    near = np.flatnonzero(numbers <= numbers.min() + 0.05 * np.abs(numbers).max())
    return ["equally"] if len(near) == len(numbers) else [str(each + 1) for each in near]
