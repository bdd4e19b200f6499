"""Shared by all format readers: bounds, pictures as stored, colour spaces, EXIF orientation, and notes on conversions."""
