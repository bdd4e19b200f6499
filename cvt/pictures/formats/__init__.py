"""The picture formats that are read, one module per format: a file → its pixels as stored, with what decides how they look.

Each module's ``read(file)`` walks the file's structure itself, keeps the bounds of ``common/bounds.py`` before any pixel is
decoded, and hands Pillow a file of nothing but the parts that hold the picture.
"""
