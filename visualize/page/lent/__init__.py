"""A GPU that is lent for one piece of work at a time, in another process, as ZeroGPU does on Hugging Face Spaces.

There the package ``spaces`` forks this process. What crosses in either direction is pickled: a ``Task`` goes; its steps, and its answer or
its error, come back as values in the computer's own memory. Where nothing is lent, none of this is used.
"""
