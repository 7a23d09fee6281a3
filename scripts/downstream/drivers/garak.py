"""garak: its generators for Replicate."""

from __future__ import annotations

import pickle

from driving import BROKEN, LLAMA, VICUNA, drive, equal, thing
from garak import _config
from garak.attempt import Conversation, Message, Turn
from garak.generators.replicate import InferenceEndpoint, ReplicateGenerator

import replicate

_config.load_base_config()
PROMPT = Conversation([Turn("user", Message("hello there"))])


@thing("ReplicateGenerator, official model")
def official() -> None:
    equal([message.text for message in ReplicateGenerator(LLAMA).generate(PROMPT)], ["You said: hello there"])


@thing("ReplicateGenerator, by version")
def by_version() -> None:
    equal([message.text for message in ReplicateGenerator(VICUNA).generate(PROMPT)], ["You said: hello there"])


@thing("ReplicateGenerator, several generations")
def several() -> None:
    made = ReplicateGenerator(LLAMA).generate(PROMPT, 2)
    equal([message.text for message in made], ["You said: hello there"] * 2)


@thing("ReplicateGenerator, pickled")
def pickled() -> None:
    generator = pickle.loads(pickle.dumps(ReplicateGenerator(LLAMA)))
    equal([message.text for message in generator.generate(PROMPT)], ["You said: hello there"])


@thing("InferenceEndpoint")
def endpoint() -> None:
    model = replicate.models.get(VICUNA.partition(":")[0])
    replicate.deployments.create(
        name="garak",
        model=f"{model.owner}/{model.name}",
        version=model.latest_version.id,
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    made = InferenceEndpoint("local/garak")._call_model(PROMPT)
    equal("".join(message.text for message in made), "You said: hello there")  # garak splits it into characters


@thing("failed prediction")
def failed() -> None:
    try:
        ReplicateGenerator(BROKEN).generate(PROMPT)
    except replicate.exceptions.ModelError as error:
        equal(error.prediction.error, "cannot do hello there")
    else:
        raise AssertionError("no error")


@thing("ReplicateGenerator, in processes")
def processes() -> None:
    generator = ReplicateGenerator(LLAMA)
    generator.parallel_requests, generator.max_workers = 2, 2
    made = generator.generate(PROMPT, 4)
    equal([message.text for message in made], ["You said: hello there"] * 4)


if __name__ == "__main__":
    drive()
