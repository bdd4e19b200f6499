"""A saved model learns another task, and what it has learnt survives saving, here and in transformers."""

import pytest
import torch

from cvt import CvtForImageClassification
from tests.helpers import tiny_config

STEPS, BATCH = 160, 32
NAMES = {0: "lying stripes", 1: "standing stripes", 2: "chequers", 3: "a disc"}


def task(count, seed):
    """Noisy 32×32 pictures of four patterns at random places, sizes and colours: (count, 3, 32, 32) and labels (count,)."""
    draw = torch.Generator().manual_seed(seed)

    def uniform(low, high, *shape):
        return torch.rand(count, *shape, generator=draw) * (high - low) + low

    labels = torch.arange(count) % 4
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    step, shift_y, shift_x = uniform(0.5, 1.2, 1, 1), uniform(0, 6.3, 1, 1), uniform(0, 6.3, 1, 1)
    lying, standing = torch.sin(y * step + shift_y), torch.sin(x * step + shift_x)
    away = (y - uniform(10, 22, 1, 1)) ** 2 + (x - uniform(10, 22, 1, 1)) ** 2
    disc = torch.tanh(uniform(5, 9, 1, 1) - away.sqrt())
    pattern = torch.stack([lying, standing, lying * standing * 2, disc])[labels, torch.arange(count)]  # (count, 32, 32)
    color = uniform(0.4, 1, 3, 1, 1) * uniform(-1, 1, 3, 1, 1).sign()
    return pattern[:, None] * color + 0.5 * torch.randn(count, 3, 32, 32, generator=draw), labels


def accuracy(predictions, labels):
    return float((predictions == labels).float().mean())


def test_fine_tuning(tmp_path):
    torch.manual_seed(0)
    config = tiny_config(embed_dim=(16, 24, 32), num_heads=(1, 2, 2), depth=(1, 2, 3), initializer_range=0.06)
    CvtForImageClassification(config).save_pretrained(tmp_path / "before")

    model = CvtForImageClassification.from_pretrained(tmp_path / "before", id2label=NAMES, ignore_mismatched_sizes=True).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    slower = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=STEPS)
    pictures, labels = task(2048, seed=1)
    losses = []
    for step in range(STEPS):
        batch = torch.arange(step * BATCH, (step + 1) * BATCH) % len(pictures)
        loss = model(pictures[batch], labels=labels[batch]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < sum(losses[:10]) / 3

    test_pictures, test_labels = task(400, seed=2)
    model.eval().save_pretrained(tmp_path / "after")
    with torch.no_grad():
        logits = model(test_pictures).logits
    assert accuracy(logits.argmax(1), test_labels) >= 0.95

    again = CvtForImageClassification.from_pretrained(tmp_path / "after")
    assert again.config.id2label == NAMES
    with torch.no_grad():
        assert torch.equal(again(test_pictures).logits, logits)

    transformers = pytest.importorskip("transformers")
    theirs = transformers.CvtForImageClassification.from_pretrained(tmp_path / "after")
    with torch.no_grad():
        their_logits = theirs(test_pictures).logits
    assert torch.allclose(their_logits, logits, atol=1e-4)
    assert torch.equal(their_logits.argmax(1), logits.argmax(1))
