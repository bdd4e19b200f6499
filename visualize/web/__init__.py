"""The browser's scripts and templates; they talk to the page's server only by HTTP."""
