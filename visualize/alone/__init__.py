"""The explorer without the page's server: what carries its scripts, styles and data in itself."""
