"""The promises of `scripts/regen.sh`: equal code from every form of the document, or no change and a reason."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from project_tree import PROJECT, Tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.codegen

Json = dict[str, Any]

SCHEMAS = "components schemas"
FILE = f"{SCHEMAS} schemas_file_response properties"
STRING = {"type": "string"}

HOSTILE = [
    'Ends the docstring: """\nimport os\nos.abort()\n"""',
    'Ends in a quote"',
    "Ends in a backslash \\",
    "\\N{nothing} \\x \\u12 \\U 'quotes' '''and''' {braces} %s {0}",
    "{{ 7 * 7 }}{% for x in openapi %}{% endfor %}{# comment #}",
    "Looks like other code: \u202e\u2066 # \u2069",
    '\n\n\tIndented\n  - list\n\n```python\nclient.run("""x""")\n```\n' * 5,
    "long " * 400 + "w" * 300 + "\\" * 150 + '"' * 150,
]


def published(document: Json) -> Json:
    """Rewrite our document as its publisher might: with other descriptions, order, errors, titles and examples."""
    words = iter(HOSTILE * 1000)

    def rewrite(value: Any, *, described: bool = True) -> Any:
        if isinstance(value, list):
            return [rewrite(item) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: rewrite(item, described=key != "properties") for key, item in reversed(value.items())}
        if described and {"type", "operationId", "content", "in"} & made.keys() and made.get("type") != "http":
            made["description"] = next(words)
        if described and "properties" in made:
            made["title"] = "A Title That Would Name The Class"
        if "operationId" in made:
            made["summary"] = next(words)
            error = {"type": "object", "properties": {"detail": {"type": "string"}, "title": {"type": "string"}}}
            content = {"application/problem+json": {"schema": error}}
            made["responses"] |= {code: {"description": "", "content": content} for code in ("401", "422", "default")}
            made["x-codeSamples"] = [{"lang": "python", "source": next(words)}]
        return made

    return rewrite(document)


def trees(package: Path) -> dict[str, str]:
    """Parse all modules, and drop their docstrings."""

    class Silence(ast.NodeTransformer):
        def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
            return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {
            str(path.relative_to(package)): ast.dump(Silence().visit(ast.parse(path.read_text(encoding="utf-8"))))
            for path in package.rglob("*.py")
        }


def our_document(tree: Tree) -> Json:
    document: Json = json.loads((tree.root / "openapi.json").read_text(encoding="utf-8"))
    return document


def save(tree: Tree, document: Json, name: str = "published.json") -> Path:
    path = tree.root.parent / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


# ---- output


def test_the_code_in_the_tree_is_up_to_date(environment: Path) -> None:
    """`scripts/regen.sh --check` passes, from a folder whose `types.py` hides Python's own."""
    command = [PROJECT / "scripts" / "regen.sh", "--check"]
    folder = PROJECT / "generated" / "replicate_api"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "regen: the generated code is up to date\n"), done.stderr


def test_the_published_form_gives_the_same_code(tree: Tree) -> None:
    """YAML, other descriptions, order, error responses and titles change docstrings only; text never becomes code."""
    before = trees(tree.package)
    document = published(our_document(tree))
    source = tree.root.parent / "published.yaml"
    source.write_text(yaml.safe_dump(document, sort_keys=False).replace("'200':", "200:"), encoding="utf-8")
    done = tree.regen("--spec", source)
    assert done.returncode == 0, done.stderr
    assert trees(tree.package) == before
    assert our_document(tree) == document
    text = (tree.root / "openapi.json").read_text(encoding="utf-8")
    assert text == json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert "\u202e" not in "".join(path.read_text(encoding="utf-8") for path in tree.package.rglob("*.py"))
    assert tree.regen("--check").returncode == 0


def test_api_additions_need_no_overlay_entry(tree: Tree) -> None:
    """New operations, parameters, fields, objects and enumerations are generated without a change to the overlay."""
    document = our_document(tree)
    prediction = document["components"]["schemas"]["schemas_prediction_response"]["properties"]
    prediction["cost"] = {"type": "object", "properties": {"from": {"type": "string"}, "cents": {"type": "integer"}}}
    prediction["tier"] = {"type": "string", "enum": ["fast", "slow"], "nullable": True}
    document["components"]["schemas"]["schemas_run_response"] = {
        "type": "object",
        "properties": {"id": {"type": "string"}},
    }
    answer = {"schema": {"$ref": "#/components/schemas/schemas_run_response"}}
    document["paths"]["/runs/{run_id}"] = {
        "parameters": [{"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {
            "operationId": "runs.get",
            "parameters": [
                {"name": "filter[a]", "in": "query", "schema": {"type": "string", "enum": ["x", "y"]}},
                {"name": "from", "in": "query", "schema": {"type": "integer"}},
            ],
            "responses": {"200": {"description": "", "content": {"application/json": answer}}},
        },
    }
    done = tree.regen("--spec", save(tree, document))
    assert done.returncode == 0, done.stderr
    program = """
from replicate_api import models
from replicate_api.api.runs import runs_get
print(runs_get.build_request("a/b", from_=3, filtera="x").path, dict(runs_get.build_request("a", from_=3).query))
print(runs_get.parse_response(b'{"id": "r"}'))
cost = models.Prediction.from_dict({"cost": {"from": "x"}, "tier": "warp"}).cost
print(cost.from_, cost.to_dict())
"""
    environment = {**os.environ, "PYTHONPATH": str(tree.package.parent)}
    command = [sys.executable, "-B", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["/runs/a%2Fb {'from': '3'}", "Run(id='r')", "x {'from': 'x'}"], done.stderr


def test_check_names_what_differs(tree: Tree) -> None:
    """`--check` lists missing, extra and changed files with a diff, and changes none."""
    (tree.package / "api" / "search" / "search.py").unlink()
    (tree.package / "models" / "left_over.py").write_text("x = 1\n")
    with (tree.package / "types.py").open("a") as file:
        file.write("# edited\n")
    before = tree.content()
    done = tree.regen("--check")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == ["missing: api/search/search.py", "surplus: models/left_over.py"]
    assert "-# edited" in done.stdout.splitlines()
    assert "Run scripts/regen.sh" in done.stderr
    assert tree.content() == before


def test_regenerating_repairs_the_tree(tree: Tree) -> None:
    """A run undoes edits, deletions and additions by hand, and leaves nothing else behind."""
    before = tree.content()
    (tree.package / "types.py").write_text("")
    (tree.package / "models" / "left_over.py").write_text("x = 1\n")
    done = tree.regen()
    assert done.returncode == 0, done.stderr
    assert tree.content() == before


# ---- what stops a run


def edit(path: str, *removed: str, **changes: Any) -> Callable[[Json], None]:
    """Return a function that changes the object at a path of keys in a document."""

    def apply(document: Json) -> None:
        place = document
        for key in path.split():
            place = place[key]
        for key in removed:
            del place[key]
        place.update(changes)

    return apply


DOCUMENTS: list[tuple[Callable[[Json], None], str]] = [
    (edit("info", "title"), "is not valid OpenAPI 3.0: at info"),
    (edit("", openapi="2.0"), "is not OpenAPI 3.0 or 3.1"),
    (edit("paths /account get", "operationId"), "GET /account has no operationId"),
    (edit("paths /search get", operationId="models_list"), "2 things would be written to models_list.py"),
    (edit(SCHEMAS, schemas_prediction=STRING), "Two components are called Prediction"),
    (edit(SCHEMAS, Account={"type": "object"}), "There is a component Account already"),
    (edit(SCHEMAS, predictionUrls={"type": "object", "properties": {"a": STRING}}), "the generator failed"),
    (edit(FILE, keys=STRING), "File/keys would hide a method"),
    (edit(FILE, self=STRING), "importing the new package failed"),
    (edit(FILE, more={"$ref": "#/components/schemas/nothing"}), "cannot be followed"),
    (
        edit(FILE, size={"oneOf": [STRING, {"type": "integer"}]}),
        "several types",
    ),
    (edit(FILE, size={"type": "integer", "enum": [1]}), "other than strings"),
    (edit(FILE, more={"$ref": "https://x/y.json"}), "another document"),
    (edit(FILE, etag=STRING), "has File/etag by now. Delete it"),
    (edit(f"{SCHEMAS} schemas_file_response", required=["id"]), "File/expires_at is optional by now"),
    (edit(f"{SCHEMAS} schemas_prediction_response properties", "metrics"), "Prediction/metrics, which the document no"),
    (edit(f"{SCHEMAS} schemas_prediction_response properties", version=STRING), "Prediction/version changes nothing"),
    (edit(f"{SCHEMAS} schemas_training_response properties status", enum=["x"]), "no longer like Prediction/status"),
    (edit("paths /search get", parameters=[{"name": "a", "in": "cookie", "schema": STRING}]), "cookie parameters"),
    (
        edit("paths /search get", parameters=[{"name": "a", "in": "query", "schema": {"type": "array", "items": {}}}]),
        "no parameter like 'a'",
    ),
    (
        edit("paths /predictions post requestBody", content={"text/plain": {"schema": STRING}}),
        "write no text/plain body",
    ),
]


def test_a_bad_document_changes_nothing(tree: Tree) -> None:
    """The run fails, gives the reason, and leaves every file unchanged."""
    sources = []
    for number, (change, _) in enumerate(DOCUMENTS):
        document = our_document(tree)
        change(document)
        sources.append(save(tree, document, f"{number}.json"))
    before = tree.content()
    done = tree.regen("--spec", sources[0])
    outcomes = [(done.returncode, done.stderr), *tree.regen_each(*sources[1:])]
    assert tree.content() == before
    for (_, reason), (status, said) in zip(DOCUMENTS, outcomes, strict=True):
        assert reason in said
        assert status == 1, reason


def break_option(tree: Tree) -> None:
    with (tree.codegen / "generator.yaml").open("a") as file:
        file.write("literal_enum: true\n")


def break_template(tree: Tree) -> None:
    (tree.codegen / "templates" / "endpoint.py.jinja").write_text("")


def break_formatter(tree: Tree) -> None:
    """Use an environment that lacks only the formatter."""
    bare = tree.root.parent / "bare"
    (bare / "bin").mkdir(parents=True)
    (bare / "bin" / "python").symlink_to((tree.environment / "bin" / "python").resolve())
    (bare / "lib").symlink_to(tree.environment / "lib")
    (bare / "pyvenv.cfg").write_text((tree.environment / "pyvenv.cfg").read_text())
    tree.environment = bare


def break_code(tree: Tree) -> None:
    with (tree.codegen / "templates" / "model.py.jinja").open("a") as file:
        file.write("def broken(:\n")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (break_option, "knows no option 'literal_enum'"),
        (break_template, "knows no template endpoint.py.jinja"),
        (break_formatter, "no formatter at"),
        (break_code, "ruff failed"),
    ],
)
def test_a_bad_generator_changes_nothing(tree: Tree, damage: Callable[[Tree], None], reason: str) -> None:
    """An unknown option or template, a missing formatter, or invalid output stops the run with the reason."""
    damage(tree)
    before = tree.content()
    done = tree.regen()
    assert done.returncode == 1
    assert reason in done.stderr
    assert tree.content() == before
