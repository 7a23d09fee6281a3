"""The types of every resource in both colours. Checked by mypy and pyright, never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

from replicate import AsyncReplicate, FileOutput, Replicate
from replicate._dual.colours import Async, Sync
from replicate._objects.page import Page
from replicate.resources.account import Account
from replicate.resources.collections import Collection
from replicate.resources.deployments import Deployment
from replicate.resources.files import File
from replicate.resources.hardware import Hardware
from replicate.resources.models import Model
from replicate.resources.predictions import Prediction
from replicate.resources.search import SearchedModel, SearchResults
from replicate.resources.trainings import Training
from replicate.resources.versions import Version

if TYPE_CHECKING:
    from replicate.types import DeploymentCreateParams


def blocking(client: Replicate, new: DeploymentCreateParams) -> None:
    """Assert the plain results of a blocking client."""
    assert_type(client.account.get(), Account[Sync])
    assert_type(client.accounts.current(timeout=3), Account[Sync])
    assert_type(client.collections.get(slug="s"), Collection[Sync])
    assert_type(client.collections.list(), Page[Sync, Collection[Sync]])
    assert_type(client.collections.get("s")[0], Model[Sync])
    assert_type(client.collections.get("s").models, list[Model[Sync]])
    assert_type(client.deployments.get("o/n"), Deployment[Sync])
    assert_type(client.deployments.get(deployment_owner="o", deployment_name="n"), Deployment[Sync])
    assert_type(client.deployments.list(limit=3), Page[Sync, Deployment[Sync]])
    assert_type(client.deployments.create(**new), Deployment[Sync])
    assert_type(client.deployments.update("o", "n", min_instances=1), Deployment[Sync])
    assert_type(client.deployments.delete("o/n"), bool)
    assert_type(client.deployments.predictions.create("o/n", {}), Prediction[Sync])
    assert_type(client.deployments.get("o/n").predictions.create({}), Prediction[Sync])
    assert_type(client.files.create(content=b"x", type="a/b"), File[Sync])
    assert_type(client.files.create(Path("a.png")), File[Sync])
    assert_type(client.files.get(file_id="f"), File[Sync])
    assert_type(client.files.list(), Page[Sync, File[Sync]])
    assert_type(client.files.delete("f"), bool)
    assert_type(client.files.download("f", expiry=1, owner="o", signature="s"), FileOutput[Sync])
    assert_type(client.hardware.list(), list[Hardware[Sync]])
    assert_type(client.predictions.create(model="o/n", input={}, wait=True), Prediction[Sync])
    assert_type(client.predictions.list(), Page[Sync, Prediction[Sync]])
    assert_type(client.predictions.cancel("p"), Prediction[Sync])
    assert_type(client.predictions.wait("p", timeout=3), Prediction[Sync])
    assert_type(client.predictions.get("p").progress, Prediction.Progress | None)
    assert_type(client.search("q"), SearchResults[Sync])
    assert_type(client.search("q").models[0], SearchedModel[Sync])
    assert_type(client.search("q").models[0].model, Model[Sync])
    assert_type(client.trainings.create("o/n:v", {"a": 1}, "me/mine"), Training[Sync])
    assert_type(client.trainings.create(model="o/n", version="v", input={}, destination="me/mine"), Training[Sync])
    assert_type(client.trainings.get(training_id="t"), Training[Sync])
    assert_type(client.trainings.get("t").wait(), Training[Sync])
    assert_type(client.trainings.list(), Page[Sync, Training[Sync]])
    assert_type(client.trainings.cancel("t"), Training[Sync])
    assert_type(client.trainings.wait("t", timeout=3), Training[Sync])
    assert_type(client.trainings.cancel("t").destination, str | None)
    assert_type(client.webhooks.default.secret.get().key, str | None)


def blocking_models(client: Replicate) -> None:
    """Assert the plain results for models and their parts."""
    assert_type(client.models.get(owner="o", name="n"), Model[Sync])
    assert_type(client.models.get("o/n").latest_version, Version[Sync] | None)
    assert_type(client.models.get("o/n").default_example, Prediction[Sync] | None)
    assert_type(client.models.get("o/n").reload(), Model[Sync])
    assert_type(client.models.get("o/n").versions.get("v"), Version[Sync])
    assert_type(client.models.get("o/n").versions.list(), Page[Sync, Version[Sync]])
    assert_type(client.models.get("o/n").versions.delete("v"), bool)
    assert_type(client.models.list(sort_by="model_created_at"), Page[Sync, Model[Sync]])
    assert_type(client.models.search("q"), Page[Sync, Model[Sync]])
    assert_type(client.models.create("o", "n", hardware="cpu", visibility="public"), Model[Sync])
    assert_type(client.models.update("o/n", readme="# Hi"), Model[Sync])
    assert_type(client.models.delete("o/n"), bool)
    assert_type(client.models.examples.list("o/n"), Page[Sync, Prediction[Sync]])
    assert_type(client.models.readme.get("o/n"), str)
    assert_type(client.models.versions.get("o/n:v"), Version[Sync])
    assert_type(client.models.versions.list("o/n"), Page[Sync, Version[Sync]])
    assert_type(client.models.versions.delete(model_owner="o", model_name="n", version_id="v"), bool)
    assert_type(client.models.predictions.create(model_owner="o", model_name="n", input={}), Prediction[Sync])


def plain(model: Model[Sync]) -> None:
    """Assert the types of plain data."""
    assert_type(model.to_dict(exclude_none=True), dict[str, Any])
    assert_type(model.dict(), dict[str, Any])
    assert_type(model.json(indent=2), str)
    assert_type(model.copy(update={"name": "x"}), Model[Sync])
    assert_type(model.model_fields_set, set[str])


async def awaited(client: AsyncReplicate, new: DeploymentCreateParams) -> None:
    """Assert the coroutines of an asynchronous client."""
    assert_type(await client.account.get(), Account[Async])
    assert_type(await client.accounts.current(timeout=3), Account[Async])
    assert_type(await client.collections.get(slug="s"), Collection[Async])
    assert_type(await client.collections.list(), Page[Async, Collection[Async]])
    assert_type((await client.collections.get("s"))[0], Model[Async])
    assert_type((await client.collections.get("s")).models, list[Model[Async]])
    assert_type(await client.deployments.get("o/n"), Deployment[Async])
    assert_type(await client.deployments.list(limit=3), Page[Async, Deployment[Async]])
    assert_type(await client.deployments.create(**new), Deployment[Async])
    assert_type(await client.deployments.update("o", "n", min_instances=1), Deployment[Async])
    assert_type(await client.deployments.delete("o/n"), bool)
    assert_type(await client.deployments.predictions.create("o/n", {}), Prediction[Async])
    assert_type(await (await client.deployments.get("o/n")).predictions.create({}), Prediction[Async])
    assert_type(await client.files.create(Path("a.png")), File[Async])
    assert_type(await client.files.get(file_id="f"), File[Async])
    assert_type(await client.files.list(), Page[Async, File[Async]])
    assert_type(await client.files.delete("f"), bool)
    assert_type(await client.files.download("f", expiry=1, owner="o", signature="s"), FileOutput[Async])
    assert_type(await client.hardware.list(), list[Hardware[Async]])
    assert_type(await client.predictions.create(model="o/n", input={}, wait=True), Prediction[Async])
    assert_type(await client.predictions.get("p"), Prediction[Async])
    assert_type(await client.predictions.list(), Page[Async, Prediction[Async]])
    assert_type(await client.predictions.cancel("p"), Prediction[Async])
    assert_type(await client.predictions.wait("p", timeout=3), Prediction[Async])
    assert_type(await client.search("q"), SearchResults[Async])
    assert_type((await client.search("q")).models[0].model, Model[Async])
    assert_type(await client.trainings.create("o/n:v", {}, "me/mine"), Training[Async])
    assert_type(await client.trainings.get(training_id="t"), Training[Async])
    assert_type(await client.trainings.list(), Page[Async, Training[Async]])
    assert_type(await client.trainings.cancel("t"), Training[Async])
    assert_type(await client.trainings.wait("t", timeout=3), Training[Async])
    async for training in client.trainings.list():
        assert_type(await training.wait(timeout=3), Training[Async])


async def awaited_models(client: AsyncReplicate, model: Model[Async]) -> None:
    """Assert the coroutines for models and their parts."""
    assert_type(await client.models.get(owner="o", name="n"), Model[Async])
    assert_type(await client.models.list(), Page[Async, Model[Async]])
    assert_type(await client.models.create("o", "n", hardware="cpu", visibility="public"), Model[Async])
    assert_type(await client.models.update("o/n", readme="# Hi"), Model[Async])
    assert_type(await client.models.delete("o/n"), bool)
    assert_type(await client.models.examples.list("o/n"), Page[Async, Prediction[Async]])
    assert_type(await client.models.predictions.create("o/n", {}), Prediction[Async])
    assert_type(await client.models.readme.get("o/n"), str)
    assert_type(await client.models.versions.get("o/n:v"), Version[Async])
    assert_type(await client.models.versions.list("o/n"), Page[Async, Version[Async]])
    assert_type(await client.models.versions.delete("o", "n", "v"), bool)
    assert_type(model.latest_version, Version[Async] | None)
    assert_type(await model.reload(), Model[Async])
    assert_type(await model.versions.get("v"), Version[Async])
    assert_type(await model.versions.list(), Page[Async, Version[Async]])
    assert_type(await model.versions.delete("v"), bool)
    async for each in client.models.search("q"):
        assert_type(each, Model[Async])


def mistakes(client: Replicate) -> None:
    """Assert that each of these is an error; an unneeded ignore is an error too."""
    client.models.get("o/n", nme="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.trainings.get(prediction_id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.models.create("o", "n", hardware="cpu", visibility="secret")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.models.update("o/n", readme=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
