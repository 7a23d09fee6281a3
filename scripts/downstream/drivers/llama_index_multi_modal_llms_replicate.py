"""llama-index-multi-modal-llms-replicate: its `ReplicateMultiModal`."""

from __future__ import annotations

import base64
from pathlib import Path
from tempfile import TemporaryDirectory

from driving import FUYU, LLAVA, drive, equal, thing
from llama_index.core.base.llms.types import ImageBlock
from llama_index.core.schema import ImageNode
from llama_index.multi_modal_llms.replicate import ReplicateMultiModal
from PIL import Image

FILES = TemporaryDirectory()
CAT = Path(FILES.name, "cat.png")
Image.new("L", (1, 1)).save(CAT)
SIZE = CAT.stat().st_size
DATA = f"data:image/png;base64,{base64.b64encode(b'123').decode()}"


@thing("complete, image by path")
def complete() -> None:
    equal(ReplicateMultiModal().complete("size", [ImageBlock(path=CAT)]).text, f"size: {SIZE} bytes")


@thing("complete, image by URL")
def by_url() -> None:
    equal(ReplicateMultiModal(model=LLAVA).complete("size", [ImageBlock(url=DATA)]).text, "size: 3 bytes")


@thing("complete, ImageNode")
def document() -> None:
    made = ImageNode(image_path=str(CAT))
    equal(ReplicateMultiModal(model=FUYU).complete("size", [made]).text, f"size: {SIZE} bytes")


@thing("stream_complete")
def stream_complete() -> None:
    answers = list(ReplicateMultiModal().stream_complete("size", [ImageBlock(path=CAT)]))
    equal([answer.delta for answer in answers], ["size:", f" {SIZE}", " bytes"])
    equal(answers[-1].text, f"size: {SIZE} bytes")


@thing("acomplete")
async def acomplete() -> None:
    equal((await ReplicateMultiModal().acomplete("size", [ImageBlock(path=CAT)])).text, f"size: {SIZE} bytes")


@thing("astream_complete")
async def astream_complete() -> None:
    answers = [answer async for answer in await ReplicateMultiModal().astream_complete("size", [ImageBlock(path=CAT)])]
    equal(answers[-1].text, f"size: {SIZE} bytes")


if __name__ == "__main__":
    drive()
