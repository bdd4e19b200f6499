"""The supported picture formats, one module per format: a file → its pixels as stored, with orientation and colour space.

Each module's ``read(file)`` parses the file's structure itself, checks the bounds of ``common/bounds.py`` before any pixel is
decoded, and gives Pillow a file with only the parts that make up the picture.
"""
