"""The tools of the Model Context Protocol: the named endpoints as agents see them, on Gradio's route ``/gradio_api/mcp``.

Gradio itself would describe tools by their components, without ranges, and would answer in Python's notation. To run one it would call
this server over HTTP with a client that uploads whatever file of this machine an argument names. So tools and their schemas come from the
table of endpoints, arguments are checked by it, and functions are run here, behind the same check as any call (``Page``).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio.processing_utils import save_bytes_to_cache
from gradio.state_holder import SessionState
from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ..page.api.parameters import PICTURE
from ..page.api.table import TOOLS, Tool, checked
from ..page.gate import AGENT_BYTES, is_full
from ..page.words.sentences import Refused, say

if TYPE_CHECKING:
    from .blocks import Page

MOST_WAITING = 100  # questions of agents in each line: slow ones do not keep quick ones out
UPLOADED = "/gradio_api/file="  # in the address of a file that was uploaded here
PICTURE_HINT = (
    "{meaning}: base64 as data:image/jpeg;base64,…, of 8 MB at most, the name of an example (`examples` lists them), or the path "
    "that an upload to /gradio_api/upload gave; a web address only where this server allows it"
)

log = logging.getLogger("cvt_explorer")
logging.getLogger("mcp").setLevel(logging.ERROR)  # it would repeat what clients send


class AgentsServer(GradioMCPServer):
    """Gradio's server for agents, with the table's tools."""

    blocks: Page

    def __init__(self, blocks: Page):
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()
        super().__init__(blocks)

    def StreamableHTTPSessionManager(self, **options: Any) -> Any:  # type: ignore[override]
        """With room for a picture: by itself it takes 4 MiB."""
        return super().StreamableHTTPSessionManager(**options, max_request_body_size=AGENT_BYTES)

    def get_tool_to_endpoint(self) -> dict[str, str]:
        return {self.tool_prefix + name: f"/{name}" for name in TOOLS}

    def get_fn_description(self, block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        return self._tool(tool_name).description, {}

    def get_input_schema(self, tool_name: str, parameters: dict[str, str] | None = None) -> tuple[dict[str, Any], list[list[str | int]]]:
        tool = self._tool(tool_name)
        schema = tool.schema
        pictures = [each for each in tool.parameters if each.kind == PICTURE]
        for each in pictures:
            described = PICTURE_HINT.format(meaning=each.meaning)
            schema["properties"][each.name] |= {"description": described, "format": "Gradio File Input - a http or https url to a file"}
        return schema, [["properties", each.name] for each in pictures]

    def create_mcp_server(self) -> Any:
        """Gradio's, in which a call is answered here."""
        server = super().create_mcp_server()

        @server.call_tool(validate_input=False)  # whose messages repeat what was sent, in a schema's words
        async def call(name: str, arguments: dict[str, Any]) -> Any:
            try:
                content = await self._answered(self._tool(name), arguments, server.request_context.request)
                return self.types.CallToolResult(content=content)
            except (ValueError, gr.Error) as error:
                sentence = str(error.message if isinstance(error, gr.Error) else error)
            except Exception as error:
                full = isinstance(error, OSError) and is_full(error)
                log.error("a tool failed", exc_info=None if full else error)
                sentence = say("disk_full" if full else "failed")
            return self.types.CallToolResult(content=[self._text(sentence)], isError=True)

        return server

    def _tool(self, name: str) -> Tool:
        found = TOOLS.get(name.removeprefix(self.tool_prefix))
        if found is None:
            raise Refused("no_tool")
        return found

    def _text(self, text: str) -> Any:
        return self.types.TextContent(type="text", text=text)

    async def _answered(self, tool: Tool, arguments: Mapping[str, Any], request: Request | None) -> list[Any]:
        """What a tool gives, as contents. Raises ValueError or gr.Error with a sentence."""
        values = checked(tool, arguments)
        function = self.get_block_fn_from_endpoint_name(f"/{tool.name}")
        assert function is not None
        which = str(function.concurrency_id)
        if self._waiting[which] >= MOST_WAITING:
            raise Refused("tools_busy")
        self._waiting[which] += 1
        line = self._lines.setdefault(which, asyncio.Semaphore(function.concurrency_limit or 1))  # type: ignore[arg-type]
        try:
            async with line:
                if isinstance(values.get("picture"), str):
                    host = request.headers.get("host", "") if request else ""
                    values["picture"] = await run_in_threadpool(self._picture, values["picture"], host)
                inputs = [values.get(str(block.label)) for block in function.inputs]  # type: ignore[union-attr]
                found = await self.blocks.process_api(function, inputs, state=SessionState(self.blocks), request=request)
        finally:
            self._waiting[which] -= 1
        return [self._content(*each) for each in zip(function.outputs, found["data"], strict=True) if each[1] is not None]

    def _content(self, block: Any, value: Any) -> Any:
        """A value of an output as JSON; a picture that was drawn as itself."""
        if isinstance(block, gr.Image):
            drawn = base64.b64encode(Path(value["path"]).read_bytes()).decode()
            return self.types.ImageContent(type="image", data=drawn, mimeType="image/png")
        return self._text(json.dumps(value, ensure_ascii=False, default=lambda data: data.model_dump()))  # Gradio's own type of JSON

    def _picture(self, given: str, host: str) -> str:
        """What an agent gives as a picture, as ``Intake.accepted`` takes it. Raises Refused."""
        examples = {Path(path).stem: path for path in self.blocks.intake.ours}
        if given in examples:
            return examples[given]
        if given.startswith("data:"):
            _, found, encoded = given.partition(";base64,")
            try:
                content = base64.b64decode(encoded, validate=True) if found else b""
            except (binascii.Error, ValueError):
                content = b""
            if not content:
                raise Refused("not_base64")
            path = save_bytes_to_cache(content, "picture", get_upload_folder())
            self.blocks.upload_file_set.add(path)  # by which it is deleted in time, as an upload
            return path
        if host and re.match(rf"https?://{re.escape(host)}/", given) and UPLOADED in given:
            return given.partition(UPLOADED)[2]
        return given
