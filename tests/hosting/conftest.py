"""Two processes' worth of the app behind an nginx with the settings that docs/hosting.md gives, below a path of the host."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.helpers import ROOT
from tests.hosting import nginx

PATH = "/cvt"
HOSTING = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")


def documented(**ports: int) -> str:
    """The settings for nginx in the document, with ports that are free here: ``listen``, ``one`` and ``two``."""
    (settings,) = re.findall(r"```nginx\n(.+?)```", HOSTING, re.DOTALL)
    for given, port in (
        ("listen 80;", f"listen 127.0.0.1:{ports['listen']};"),
        (":7860", f":{ports['one']}"),
        (":7861", f":{ports['two']}"),
    ):
        assert given in settings
        settings = settings.replace(given, port)
    return settings


@dataclass(frozen=True)
class Replicas:
    """Workbenches by the value of the cookie; ``address``: of both behind nginx; ``held``: the same behind a proxy that holds answers
    back until they are complete; ``stop``: ends one."""

    workbenches: dict
    address: str
    held: str
    stops: dict


@pytest.fixture(scope="session")
def replicas(tmp_path_factory):
    if nginx.EXECUTABLE is None:
        assert not os.environ.get("CI"), "CI must have an nginx."
        pytest.skip("no nginx on this machine")
    pytest.importorskip("gradio")
    import app
    from tests import serving
    from visualize.page.workbench import Workbench

    folder = tmp_path_factory.mktemp("replicas")
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 2))
    ports = {name: nginx.free_port() for name in ("listen", "one", "two", "holding")}
    with ExitStack() as stack:
        workbenches, stops = {}, {}
        for name in ("one", "two"):
            workbench = Workbench(str(folder), "cpu", kept=app.EXAMPLES[:2])
            own = stack.enter_context(ExitStack())
            own.enter_context(serving.app_of(workbench, ports[name], root_path=PATH))
            workbenches[f"cvt_{name}"], stops[f"cvt_{name}"] = workbench, own.close
        holding = f"""server {{
          listen 127.0.0.1:{ports["holding"]};
          client_max_body_size 33m;
          location = /favicon.ico {{ return 204; }}
          location / {{
            proxy_pass http://127.0.0.1:{ports["listen"]};
            proxy_set_header Host $http_host;
            proxy_buffering on;
            proxy_ignore_headers X-Accel-Buffering;
          }}
        }}"""
        stack.enter_context(nginx.nginx(documented(**ports) + holding, [ports["listen"], ports["holding"]]))
        address, held = (f"http://127.0.0.1:{ports[name]}{PATH}/" for name in ("listen", "holding"))
        yield Replicas(workbenches, address, held, stops)
