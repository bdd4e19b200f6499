"""What every format's reader stands on: bounds, a picture as stored, colour spaces, EXIF's turn, and notes on what was done."""
