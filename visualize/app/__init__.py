"""The page in Gradio: components, events and named endpoints. No other folder imports Gradio; ``app.py`` puts these together."""

from .light_gradio import load_lightly

load_lightly()
