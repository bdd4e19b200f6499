"""Linear probes: how much of the answer can be read after a block of the stages before the last, which have no classifier.

``python -m cvt.probes --data DIR --out FILE`` trains them on a model's pictures; the embedded model's lie beside its weights.
"""

from .probes import Probe, Probes, embedded, pooled

__all__ = ["Probe", "Probes", "embedded", "pooled"]
