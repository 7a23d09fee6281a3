"""Small demo models: text, streamed text, a picture."""

# ruff: noqa: T201 - what a model prints is its log

import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

from replicate.local.models import Model
from replicate.local.schema import Input

_HELLO = {"english": "Hello", "français": "Bonjour", "deutsch": "Hallo", "español": "Hola", "日本語": "こんにちは"}


def hello(
    name: Annotated[str, Input(description="Whom to greet", min_length=1)] = "world",
    language: Literal["english", "français", "deutsch", "español", "日本語"] = "english",
) -> str:
    """Greet somebody in one of five languages."""
    print(f"greeting {name} in {language}")
    return f"{_HELLO[language]}, {name}!"


def summary(
    prompt: Annotated[str, Input(description="The text to shorten", min_length=1)],
    sentences: Annotated[int, Input(description="How many sentences to keep", ge=1, le=20)] = 2,
) -> Iterator[str]:
    """Shorten a text to the sentences that say most about it, and stream them word by word."""
    found = re.findall(r"\S.*?(?:[.!?](?=\s|$)|$)", prompt, re.DOTALL)
    counts = Counter(_words(prompt))

    def weight(sentence: str) -> float:
        words = _words(sentence)
        return sum(counts[word] for word in words) / len(words) if words else 0

    kept = sorted(sorted(range(len(found)), key=lambda place: -weight(found[place]))[:sentences])
    print(f"kept {len(kept)} of {len(found)} sentences")
    yield from re.findall(r"\s*\S+", " ".join(found[place] for place in kept).rstrip())


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if len(word) > 3]  # without the, and, of


def poster(
    image: Annotated[Path, Input(description="The picture to work on")],
    colors: Annotated[int, Input(description="How many colors to leave", ge=2, le=256)] = 6,
    blur: Annotated[float, Input(description="Radius in pixels of the blur before that", ge=0, le=50)] = 1.0,
) -> bytes:
    """Turn a picture into a poster with few colors, as PNG."""
    try:
        from PIL import Image, ImageFilter, ImageOps
    except ModuleNotFoundError as error:
        raise RuntimeError("demo/poster works on pictures with Pillow: pip install pillow") from error
    with closing(Image.open(image)) as picture:
        print(f"{picture.format} of {picture.width} x {picture.height} pixels, {colors} colors")
        smooth = ImageOps.exif_transpose(picture).convert("RGB").filter(ImageFilter.GaussianBlur(blur))
    result = io.BytesIO()
    smooth.quantize(colors).save(result, "PNG")
    return result.getvalue()


MODELS = {
    "demo/hello": Model(hello, official=True),
    "demo/summary": Model(summary, official=True),
    "demo/poster": Model(poster),
}
