"""Serve the models that the drivers run, over HTTPS, until standard input ends.

    python models.py FOLDER

Prints one line of JSON: the base URL and the token. Writes `ca.pem`, the certificate that clients have to trust, to
FOLDER. It uses HTTPS because clients recognize files in outputs by `https:`.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator  # noqa: TC003 - the server reads the annotations of a model
from functools import partial
from pathlib import Path

import attrs
import trustme
import uvicorn

import replicate.local
from replicate.local import Model


def reply(
    prompt: str,
    system_prompt: str = "",
    temperature: float = 0.75,
    top_p: float = 0.9,
    max_length: int = 512,
    max_tokens: int = 512,
    max_new_tokens: int = 512,
    repetition_penalty: float = 1.0,
    num_beams: int = 1,
    seed: int = 0,
) -> Iterator[str]:
    """Say the prompt again, word by word."""
    yield "You said:"
    for word in prompt.split():
        yield f" {word}"


def describe(
    prompt: str,
    image: Path,
    temperature: float = 0.75,
    top_p: float = 0.9,
    max_length: int = 512,
    max_new_tokens: int = 512,
    repetition_penalty: float = 1.0,
    num_beams: int = 1,
) -> Iterator[str]:
    """Answer a question on a picture: with its size in bytes."""
    yield f"{prompt}:"
    yield f" {image.stat().st_size}"
    yield " bytes"


def greet(prompt: str) -> str:
    """Answer in one text."""
    return f"Hello, {prompt}!"


def pictures(prompt: str, num_outputs: int = 2) -> list[bytes]:
    """Give that many pictures of one pixel, whose color comes of the prompt."""
    return [_png((zlib.crc32(prompt.encode()) + number) % 256) for number in range(num_outputs)]


def video(prompt: str) -> Path:
    """Give a file that is called a video."""
    path = Path(tempfile.mkdtemp(dir="."), "out.mp4")
    path.write_bytes(prompt.encode())
    return path.absolute()


def broken(prompt: str) -> str:
    """Fail."""
    raise RuntimeError(f"cannot do {prompt}")


def _png(gray: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes([0, gray]))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


MODELS = {
    "meta/meta-llama-3-8b-instruct": Model(reply, official=True),
    "replicate/vicuna-13b": Model(reply),
    "meta/llama-2-13b-chat": Model(reply),
    "lucataco/fuyu-8b": Model(describe),
    "yorickvp/llava-13b": Model(describe),
    "local/greeter": Model(greet, official=True),
    "black-forest-labs/flux-schnell": Model(pictures, official=True),
    "stability-ai/stable-diffusion": Model(pictures),
    "minimax/video-01": Model(video, official=True),
    "deforum/deforum_stable_diffusion": Model(video),
    "local/broken": Model(broken, official=True),
    "local/broken-community": Model(broken),
}
# Packages name these versions in their code or documentation.
VERSIONS = {
    "meta/llama-2-13b-chat": "f4e2de70d66816a838a89eeeb621910adffb0dd0baba3976c96980970978018d",
    "replicate/vicuna-13b": "6282abe6a492de4145d7bb601023762212f9ddbbe78278bd6771c8b3b2f2a13b",
    "lucataco/fuyu-8b": "42f23bc876570a46f5a90737086fbc4c3f79dd11753a28eaa39544dd391815e9",
    "yorickvp/llava-13b": "e272157381e2a3bf12df3a8edd1f38d1dbd736bbb7437277c8b34175f8fce358",
    "stability-ai/stable-diffusion": "27b93a2413e7f36cd83da926f3656280b2931564ff050bf9575f1fdf9bcd7478",
}


def main(folder: Path) -> None:
    """Serve."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    # The local server speaks plain HTTP; its uvicorn also supports TLS.
    uvicorn.Config = partial(uvicorn.Config, ssl_certfile=folder / "server.pem")  # type: ignore[misc]
    with replicate.local.server(MODELS) as server:
        catalog = server.cloud.models
        for reference, identifier in VERSIONS.items():
            entry = catalog.get(reference)
            version = attrs.evolve(entry.versions[0], id=identifier)
            entry.versions[:] = [version]
            catalog._versions[identifier] = version  # noqa: SLF001 - the server offers no way to choose an id
        base_url = server.base_url.replace("http:", "https:").removesuffix("/v1")
        print(json.dumps({"base_url": base_url, "token": server.token}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
