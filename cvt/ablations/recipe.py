"""The family's recipe: the same for all members, chosen for a short training.

The embedded model's recipe is made for 100 epochs. In about 30 epochs a model of 1.6 million parameters sees too few pictures to
overfit, and strong augmentation would only slow it down: so crops keep at least 0.4 of a picture, colours change a little, a quarter
of the batches is mixed, and the last tenth of the steps trains on whole pictures. RandAugment and blur are off: they cost a GPU as much
time as the model's own passes. There is no stochastic depth. Label smoothing 0.1 and the optimizers are the embedded model's.
The average of the weights forgets in 500 steps, since there are only about 3000.
"""

from __future__ import annotations

from ..training.recipe import Recipe
from .family import SIDE

EPOCHS = 30.0


def recipe(seed: int, epochs: float = EPOCHS, batch_size: int = 1024) -> Recipe:
    """The recipe of one run."""
    return Recipe(
        phases=(((SIDE,), epochs),),
        batch_size=batch_size,
        warmup=0.05,
        mix=0.25,
        plain=0.1,
        area=(0.4, 1.0),
        color=0.2,
        blur=0.0,
        randaugment=0.0,
        ema_decay=0.998,
        seed=seed,
    )
