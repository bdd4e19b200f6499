"""The words of the page's server: ``sentences`` has them all, the others choose among them by values."""
