"""pixeltable: its function `replicate.run`, in computed columns."""

from __future__ import annotations

import logging

import pixeltable as pxt
from driving import BROKEN, FLUX, LLAMA, VICUNA, drive, equal, thing
from pixeltable import runtime
from pixeltable.functions import replicate


def table(name: str) -> pxt.Table:
    made = pxt.create_table(name, {"prompt": pxt.String})
    made.insert([{"prompt": "hello there"}, {"prompt": "bye"}])
    return made


@thing("run, official model")
def official() -> None:
    made = table("official")
    made.add_computed_column(response=replicate.run({"prompt": made.prompt}, ref=LLAMA))
    rows = made.order_by(made.prompt).select(made.response).collect()
    equal(["".join(row["response"]) for row in rows], ["You said: bye", "You said: hello there"])


@thing("run, images")
def images() -> None:
    made = table("images")
    made.add_computed_column(response=replicate.run({"prompt": made.prompt}, ref=FLUX))
    made.add_computed_column(image=made.response[0].astype(pxt.Image))
    equal([row["image"].size for row in made.select(made.image).collect()], [(1, 1), (1, 1)])


@thing("run, by version")
def by_version() -> None:
    made = table("by_version")
    made.add_computed_column(response=replicate.run({"prompt": made.prompt}, ref=VICUNA), on_error="ignore")
    rows = made.order_by(made.prompt).select(made.response).collect()
    equal(["".join(row["response"] or ()) for row in rows], ["You said: bye", "You said: hello there"])


@thing("run, failed prediction")
def failed() -> None:
    made = table("failed")
    made.add_computed_column(response=replicate.run({"prompt": made.prompt}, ref=BROKEN), on_error="ignore")
    rows = made.order_by(made.prompt).select(made.response, error=made.response.errormsg).collect()
    equal([row["response"] for row in rows], [None, None])
    assert all("cannot do" in row["error"] for row in rows), rows


@thing("run, and the runtime closes its client")
def close() -> None:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("pixeltable")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    client = runtime.get_runtime().get_client("replicate")
    equal("".join(client.run(LLAMA, {"prompt": "hello"}, use_file_output=False)), "You said: hello")
    connections = client._Client__client
    runtime.get_runtime().close()
    equal([line for line in said if "Error closing" in line], [])
    assert connections.is_closed


if __name__ == "__main__":
    drive()
