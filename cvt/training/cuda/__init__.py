"""How a training step keeps a GPU busy: batches made ahead, and passes replayed as a graph."""
