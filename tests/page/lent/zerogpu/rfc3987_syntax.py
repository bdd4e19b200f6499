"""Nothing, as on a Space: JupyterLab brings it, and Gradio would load it, as tests/conftest.py says."""

raise ImportError
