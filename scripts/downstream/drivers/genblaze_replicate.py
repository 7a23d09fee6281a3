"""genblaze-replicate: its `ReplicateProvider`."""

from __future__ import annotations

import os

from driving import BROKEN, DEFORUM, DIFFUSION, FLUX, PNG, download, drive, equal, thing
from genblaze_core.models.enums import Modality
from genblaze_core.models.step import Step
from genblaze_core.providers import ValidationOutcome
from genblaze_replicate import ReplicateProvider


def provider() -> ReplicateProvider:
    return ReplicateProvider(poll_interval=0.1)


def step(model: str, **settings: object) -> Step:
    return Step(provider="replicate", model=model, prompt="a cat", **settings)


@thing("invoke, official model")
def official() -> None:
    done = provider().invoke(step(FLUX))
    equal(done.status.value, "succeeded")
    equal([download(asset.url)[:8] for asset in done.assets], [PNG, PNG])
    equal(done.assets[0].media_type, "image/png")
    equal(done.provider_payload["replicate"]["status"], "succeeded")


@thing("invoke, community model")
def community() -> None:
    done = provider().invoke(step(DIFFUSION.partition(":")[0], params={"num_outputs": 1}))
    equal([download(asset.url)[:8] for asset in done.assets], [PNG])


@thing("invoke, by version")
def by_version() -> None:
    done = provider().invoke(step(DIFFUSION))
    equal(len(done.assets), 2)
    equal(done.provider_payload["replicate"]["version"], DIFFUSION.partition(":")[2])


@thing("ainvoke, with api_token")
async def ainvoke() -> None:
    made = ReplicateProvider(os.environ["REPLICATE_API_TOKEN"], poll_interval=0.1)
    done = await made.ainvoke(step(DEFORUM, modality=Modality.VIDEO))
    equal([download(asset.url) for asset in done.assets], [b"a cat"])
    equal(done.assets[0].media_type, "video/mp4")


@thing("submit, poll, fetch_output")
def steps() -> None:
    made, wanted = provider(), step(DIFFUSION)
    identifier = made.submit(wanted)
    while not made.poll(identifier):
        pass
    equal(len(made.fetch_output(identifier, wanted).assets), 2)


@thing("failed prediction")
def failed() -> None:
    done = provider().invoke(step(f"{BROKEN}-community"))
    equal((done.status.value, done.error), ("failed", "cannot do a cat"))


@thing("validate_model")
def validate() -> None:
    made = provider()
    equal(made.validate_model(FLUX).outcome, ValidationOutcome.OK_AUTHORITATIVE)
    equal(made.validate_model(DIFFUSION).outcome, ValidationOutcome.OK_AUTHORITATIVE)


@thing("validate_model, unknown model")
def unknown() -> None:
    found = provider().validate_model("local/nothing")
    assert found.outcome is not ValidationOutcome.OK_AUTHORITATIVE, found
    assert "404" in found.detail, found


@thing("discover_models")
def discover() -> None:
    found = provider().discover_models()
    assert FLUX in found.slugs, found


@thing("wrong token")
def wrong_token() -> None:
    done = ReplicateProvider("r8_wrong").invoke(step(FLUX))
    equal((done.status.value, done.error_code.value), ("failed", "auth_failure"))


if __name__ == "__main__":
    drive()
