"""Lessons: text files that set the page, ask before they show, and let the running model grade the answer."""
