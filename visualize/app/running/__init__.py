"""The server from its start to its end: its address, its uploads, its processes, and whose GPU is used."""
