"""The log says nothing of people: no name of a file, no path of a picture. Gradio's server writes no line per request."""

from __future__ import annotations

import logging
import re
import tempfile
import traceback

from gradio.utils import get_upload_folder

LOGS = ("cvt_explorer", "uvicorn.error", "asyncio")  # where failures of requests are told


class Discreet(logging.Filter):
    """Takes paths in these folders, in which users' pictures are, out of messages and tracebacks."""

    def __init__(self, *folders: str):
        super().__init__()
        within = "|".join(re.escape(folder) for folder in folders)
        self._path = re.compile(rf"(?<=')(?:{within})[^'\n]*|(?<=\")(?:{within})[^\"\n]*|(?:{within})\S*")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._path.sub("(a picture)", record.getMessage()), ()
        if record.exc_info and record.exc_info[1]:
            told = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
            record.exc_text = self._path.sub("(a picture)", told)  # which formatters take instead of their own
        return True


def keep_discreet() -> None:
    """From now on."""
    discreet = Discreet(get_upload_folder(), tempfile.gettempdir())
    for name in LOGS:
        logging.getLogger(name).addFilter(discreet)
