"""OpenAPI documents: read from a file or an https URL as JSON or YAML, validated, and written as JSON."""

from __future__ import annotations

import json
import re
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from referencing.exceptions import Unresolvable

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 50_000_000
VALIDATORS = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}


class Problem(Exception):  # noqa: N818  # people read it
    """An error that stops the generation. Its text says what to do about it."""


def load(source: str) -> dict[str, Any]:
    """Read the document at a path or https URL, and check that it is a valid OpenAPI document."""
    content = fetch(source) if "://" in source else read(Path(source))
    document = parse(content, source)
    if not isinstance(document, dict):
        raise Problem(f"{source} is not an OpenAPI document: it must be a JSON object. Is it the right file?")
    validate(document, source)
    return document


def read(path: Path) -> bytes:
    """Read a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(f"Cannot read {path}: {error.strerror}. Give a file or an https URL with --spec.") from error


class HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects to https only."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        """Refuse a redirect to another scheme."""
        require_https(arguments[-1])
        return super().redirect_request(*arguments)


def require_https(url: str) -> None:
    """Raise Problem unless the URL's scheme is https."""
    if urlsplit(url).scheme != "https":
        raise Problem(
            f"Refusing to fetch {url}: only https is safe to generate code from. Give an https URL or a file."
        )


def fetch(url: str) -> bytes:
    """Fetch an https URL."""
    require_https(url)
    accept = {"Accept": "application/json, application/yaml;q=0.9"}
    request = urllib.request.Request(url, headers=accept)  # noqa: S310  # https, see above
    try:
        with urllib.request.build_opener(HttpsOnly).open(request, timeout=60) as response:
            content: bytes = response.read(LARGEST + 1)
    except OSError as error:  # URLError is one
        raise Problem(f"Cannot fetch {url}: {error}. Try again, or download it and give the file.") from error
    if len(content) > LARGEST:
        raise Problem(f"{url} is larger than {LARGEST:,} bytes, which no API description is. Is it the right URL?")
    return content


class JsonLikeLoader(yaml.SafeLoader):
    """YAML with JSON's data model: keys are strings and come once, `yes` and dates are strings too."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002, FBT001, FBT002
        """Make a dict with the keys as written: `200:` is "200"."""
        return once([(key.value, self.construct_object(value, deep=True)) for key, value in node.value])


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in {"int", "float", "null"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
JsonLikeLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of pairs; refuse a duplicate key."""
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise ValueError(f"the key {key!r} comes {times} times in one object")
    return dict(pairs)


def refuse(constant: str) -> None:
    """Refuse NaN and the infinities, which Python would accept, but JSON does not have."""
    raise ValueError(f"{constant} is no JSON")


def parse(content: bytes, source: str) -> Any:
    """Read JSON or YAML."""
    try:
        if content.lstrip().startswith(b"{"):
            return json.loads(content, object_pairs_hook=once, parse_constant=refuse)
        return yaml.load(content, JsonLikeLoader)  # noqa: S506  # it is a SafeLoader
    except (TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise Problem(f"{source} is neither JSON nor YAML: {error}. Correct it, or fetch it again.") from error


def validate(document: dict[str, Any], source: str) -> None:
    """Validate a document against the OpenAPI specification that it names. It must not refer to other files."""
    version = str(document.get("openapi", ""))[:3]
    if version not in VALIDATORS:
        raise Problem(f"{source} is not OpenAPI 3.0 or 3.1 (`openapi: {document.get('openapi')!r}`). Convert it first.")
    for reference in references(document):
        if not reference.startswith("#/"):
            raise Problem(f"{source} refers to another document, {reference}. Bundle them into one first.")
    try:
        error = next(iter(VALIDATORS[version](document).iter_errors()), None)
    except (Unresolvable, RecursionError) as reason:
        raise Problem(
            f"{source} cannot be followed: {str(reason) or type(reason).__name__}. Correct its $refs."
        ) from reason
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "the top"
        raise Problem(f"{source} is not valid OpenAPI {version}: at {place}: {error.message[:500]}. Correct it there.")


def references(value: Any) -> Iterator[str]:
    """Yield every `$ref` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def text(document: dict[str, Any]) -> str:
    """Return a document as JSON, in the format of `openapi.json`."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
