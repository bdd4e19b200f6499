"""The command line: ``python -m visualize.site OUT``."""

from __future__ import annotations

import argparse
import sys

from .build import build


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m visualize.site", description="Writes the page without a server: a folder that any web server can serve."
    )
    parser.add_argument("out", metavar="OUT", help="the folder: a new one, an empty one, or that of an earlier site")
    parser.add_argument("--model", dest="source", help="a folder in Hugging Face's format, or a Hub id (default: the embedded model)")
    parser.add_argument("--lessons", metavar="DIR", help="a folder with lessons of your own")
    parser.add_argument("--runtime", metavar="PACKAGE", help="onnxruntime-web's npm package, a .tgz or a folder, instead of fetching it")
    parser.add_argument("--server", metavar="URL", default="", help="the address of a page with a server, for what the browser cannot do")
    options = parser.parse_args()
    try:
        out = build(**vars(options))
    except (ImportError, ValueError) as error:
        sys.exit(f"The site cannot be written: {error}")
    print(f"The site is in {out}. To see it: python -m http.server --directory {out}")


if __name__ == "__main__":
    main()
