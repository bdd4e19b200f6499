"""The page without a server: ``python -m visualize.site OUT`` writes a folder that any web server can serve.

The examples' results are made here, once; a picture of one's own is run through the model in the browser. ``web/site`` has the scripts.
"""
