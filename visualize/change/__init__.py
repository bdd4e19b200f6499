"""Changes to what a model computes or sees: parts replaced, and what each is worth; positions, padding, and parts of another picture."""
