"""What runs in the browser, and the templates that carry it; talks to the page's server by HTTP alone."""
