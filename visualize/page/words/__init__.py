"""The server's text: ``sentences`` has all of it, the other modules choose from it by values."""
