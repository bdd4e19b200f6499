"""The page in Gradio: components, events and named endpoints. No other folder imports Gradio; ``app.py`` puts these together."""

from .gradio_stubs import leave_alone

leave_alone()
