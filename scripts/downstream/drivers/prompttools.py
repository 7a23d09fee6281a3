"""prompttools: its `ReplicateExperiment`."""

from __future__ import annotations

from driving import DIFFUSION, FLUX, LLAMA, LLAMA_2, PNG, VICUNA, download, drive, equal, thing
from prompttools.experiment import ReplicateExperiment


def experiment(models: list[str], *, images: bool = False, **inputs: list[object]) -> ReplicateExperiment:
    made = ReplicateExperiment(models, inputs, {model: {} for model in models}, use_image_model=images)
    made.run()
    return made


@thing("official model of text")
def official() -> None:
    table = experiment([LLAMA], prompt=["hello", "bye"], temperature=[0.5]).get_table(get_all_cols=True)
    equal(list(table["response"]), ["You said: hello", "You said: bye"])


@thing("models of text, by version")
def by_version() -> None:
    table = experiment([LLAMA_2, VICUNA], prompt=["hello", "bye"], temperature=[0.5]).get_table(get_all_cols=True)
    equal(list(table["response"]), ["You said: hello", "You said: bye"] * 2)


@thing("evaluate, and the best")
def evaluate() -> None:
    made = experiment([VICUNA], prompt=["hello", "hello there"])
    made.evaluate("length", lambda row: len(row["response"]))
    equal(list(made.get_table()["length"]), [len("You said: hello"), len("You said: hello there")])


@thing("export to JSON")
def export() -> None:
    made = experiment([VICUNA], prompt=["hello", "bye"])
    assert "You said: bye" in made.to_json(), made.to_json()


@thing("models of images")
def images() -> None:
    table = experiment([DIFFUSION, FLUX], images=True, prompt=["a cat", "a dog"]).get_table(get_all_cols=True)
    equal([download(str(url))[:8] for url in table["response"]], [PNG] * 4)


@thing("visualize images")
def visualize() -> None:
    made = experiment([FLUX], images=True, prompt=["a cat", "a dog"])
    made.visualize()
    tag = made._image_tag(made.get_table()["response"][0], 300)
    assert tag.startswith('<img src="https://127.0.0.1'), tag


if __name__ == "__main__":
    drive()
