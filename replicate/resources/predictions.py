"""Predictions: runs of a model. Creating, reading, waiting for and canceling them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from replicate._core.dual import C, dual
from replicate._core.polling import Deadline, poll
from replicate._core.resource import Namespace, Resource, renew, session_of
from replicate.exceptions import APIConnectionError, APIError, InternalServerError, PredictionTimeout, RateLimitError
from replicate_api import models
from replicate_api.api.predictions import predictions_cancel, predictions_create, predictions_get, predictions_list
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from typing_extensions import Unpack

    from replicate._core.options import RequestOptions
    from replicate._core.page import Page
    from replicate.resources.creation import PredictionOptions


TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})
"""The states that a prediction never leaves. A state that is not known is none of them."""
PASSING = (APIConnectionError, InternalServerError, RateLimitError)
"""What may be over at the next look, for the prediction goes on meanwhile."""
FAILURES = 10
"""How many looks in a row may fail where there is no deadline."""


class Prediction(Resource[C], models.Prediction):
    """A run of a model, as last seen: `reload` looks again, `wait` looks until it has finished."""

    @property
    def finished(self) -> bool:
        """Whether it has ended: succeeded, failed, canceled or aborted."""
        return self.status in TERMINAL

    @dual
    async def wait(self, timeout: float | None = None) -> Prediction[C]:
        """Wait until this prediction has finished, for at most so many seconds, and give it.

        Whether it succeeded is in `status`. Raises PredictionTimeout, APIError.
        """
        return await settle(self, Deadline(self._session, timeout))

    @dual
    async def reload(self) -> Prediction[C]:
        """Load this prediction from the server, in place (`predictions.get`). Raises APIError."""
        return await look(self)

    @dual
    async def cancel(self) -> Prediction[C]:
        """Stop this prediction, in place (`predictions.cancel`). One that has finished stays as it is."""
        return await halt(self)


async def look(prediction: Prediction[C], deadline: Deadline | None = None) -> Prediction[C]:
    """Load a prediction anew, in place."""
    session = session_of(prediction)
    renew(prediction, await (deadline.bound(session) if deadline else session).call(predictions_get, prediction.id))
    return prediction


async def halt(prediction: Prediction[C]) -> Prediction[C]:
    """Stop a prediction, in place."""
    renew(prediction, await session_of(prediction).call(predictions_cancel, prediction.id))
    return prediction


class Watch:
    """Looks at a prediction, again and again, that ride out what passes."""

    def __init__(self, prediction: Prediction[Any], deadline: Deadline) -> None:
        self.prediction, self.deadline = prediction, deadline
        self.failures = 0

    async def look(self) -> None:
        """Load the prediction anew, or leave that to the next look. What is raised carries the prediction."""
        try:
            await look(self.prediction, self.deadline)
            self.failures = 0
        except PASSING as error:
            self.failures += 1
            if self.deadline.remaining() <= 0:
                raise PredictionTimeout(self.prediction, self.deadline.seconds or 0) from error
            if self.deadline.seconds is None and self.failures >= FAILURES:
                raise self.carried_by(error) from error.__cause__
        except APIError as error:
            raise self.carried_by(error) from error.__cause__

    def carried_by(self, error: APIError) -> APIError:
        """Have an error carry the prediction, and say how to go on."""
        again = f"The prediction may go on: client.predictions.wait({self.prediction.id!r}) gives its result."
        vars(error).update(prediction=self.prediction, hint=f"{error.hint} {again}" if error.hint else again)
        return error


async def settle(prediction: Prediction[C], deadline: Deadline) -> Prediction[C]:
    """Look at a prediction until it has finished. Raise PredictionTimeout at the deadline."""
    watch = Watch(prediction, deadline)
    if not await poll(session_of(prediction), lambda: prediction.finished, watch.look, deadline):
        raise PredictionTimeout(prediction, deadline.seconds or 0)
    return prediction


class Predictions(Namespace[C]):
    """`client.predictions`: https://replicate.com/docs/reference/http#predictions."""

    @dual
    async def create(
        self, version: Any = None, input: Mapping[str, Any] | None = None, **options: Unpack[PredictionOptions]
    ) -> Prediction[C]:
        """Start a prediction with a version: its id, "owner/name:id", or an official model's "owner/name".

        `input` maps the model's input names to values; files in it are sent along. Gives the prediction as it is after
        `wait` seconds, or at once: usually "starting". Maps to `predictions.create`. Raises APIStatusError,
        AmbiguousCreateError where it is not known whether the prediction was started, TypeError or ValueError before
        anything is sent.
        """
        from replicate._data.reference import Reference
        from replicate.resources.creation import create

        reference = Reference.of(version)
        payload = await create(self._session, predictions_create, version=str(reference), input=input, options=options)
        return Prediction[C].bind(payload, self._session)

    @dual
    async def get(self, prediction_id: str, **options: Unpack[RequestOptions]) -> Prediction[C]:
        """Get a prediction by its id. Maps to `predictions.get`. Raises NotFoundError, APIError."""
        found = await self._session.given(options).call(predictions_get, prediction_id)
        return Prediction[C].bind(found, self._session)

    @dual
    async def list(
        self,
        *,
        created_after: datetime = UNSET,
        created_before: datetime = UNSET,
        source: Literal["web"] = UNSET,
        **options: Unpack[RequestOptions],
    ) -> Page[C, Prediction[C]]:
        """List the account's predictions, newest first, without their outputs' files. Maps to `predictions.list`.

        `created_after` and `created_before` are moments (a naive one is in local time); `source="web"` gives those of
        the web site only. Raises APIError.
        """
        from replicate._core.page import Page

        session, fetching = self._session, self._session.given(options)
        page = await fetching.call(
            predictions_list, created_after=created_after, created_before=created_before, source=source
        )
        return Page(fetching, page, lambda item: Prediction[C].bind(item, session), predictions_list)

    @dual
    async def cancel(self, prediction_id: str, **options: Unpack[RequestOptions]) -> Prediction[C]:
        """Stop a prediction. One that has finished stays as it is. Maps to `predictions.cancel`. Raises APIError."""
        stopped = await self._session.given(options).call(predictions_cancel, prediction_id)
        return Prediction[C].bind(stopped, self._session)

    @dual
    async def wait(self, prediction: str | Prediction[Any], *, timeout: float | None = None) -> Prediction[C]:
        """Wait until a prediction, given itself or by its id, has finished, for at most so many seconds.

        Whether it succeeded is in `status`. Raises PredictionTimeout, which carries the prediction; APIError.
        """
        deadline = Deadline(self._session, timeout)
        prediction_id = prediction if isinstance(prediction, str) else prediction.id
        found = await deadline.bound(self._session).call(predictions_get, prediction_id)
        return await settle(Prediction[C].bind(found, self._session), deadline)
