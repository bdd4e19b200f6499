"""What programs can ask: typed functions with docstrings, each an endpoint and a tool for agents by the same table."""

from .attention import attention_answer

__all__ = ["attention_answer"]
