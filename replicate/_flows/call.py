"""One call of a model: checked, its files uploaded, started, in as few requests as that takes.

The create is the first request. A model is looked up only where that decides something: see `_models/look_up.py`.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Generic

from attrs import evolve

from replicate._dual.colours import C
from replicate._flows.output_iterator import OutputIterator
from replicate._http.deadline import Deadline
from replicate._http.environment import DEFAULT_BASE_URL
from replicate._inputs.encode import Inputs
from replicate._jobs.create import describe_model, encode, post
from replicate._jobs.input_names import check_names
from replicate._jobs.options import check, with_request_options
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.updates import Updates
from replicate._models import look_up
from replicate._models.descriptions import reference_of, remembered
from replicate._models.reference import Reference
from replicate._models.schema import BY_VALUE
from replicate.exceptions import InputError, NotFoundError, UnprocessableEntityError
from replicate.resources.predictions import Prediction
from replicate_api.api.models import models_predictions_create
from replicate_api.api.predictions import predictions_create

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.session import Session
    from replicate._jobs.create import Created
    from replicate._jobs.output_files import Files
    from replicate._models.descriptions import Description
    from replicate._models.schema import OutputSchema


class Call(Generic[C]):
    """One run of a model: by whom, of which, with what, by when, and whether it is canceled if nobody waits for it.

    Making one raises InputError, TypeError or ValueError for whatever cannot be sent; nothing has been sent by then.
    """

    def __init__(
        self,
        session: Session[C],
        ref: Any,
        input: Mapping[str, Any] | None,
        settings: Mapping[str, Any],
        timeout: float | None,
        *,
        cancel_on_exit: bool = True,
        updates: Updates | None = None,
    ) -> None:
        check(input, settings)
        self.session: Session[C] = session
        self.reference: Reference = Reference.of(ref)
        self.settings: Mapping[str, Any] = settings
        self.deadline: Deadline = Deadline(session, timeout)
        self.updates: Updates = updates or Updates(session)
        self.block: CancelOnExit = CancelOnExit(cancel=cancel_on_exit, updates=self.updates)
        """What is entered before `start`, and cancels what that starts when it is left early."""
        self.created: Created | None = None
        """What was started, as the API answered."""
        self.description: Description | None = None
        """What is known of the model, if anything is."""
        self._described = False
        self._inputs = Inputs(input or {}, settings.get("file_encoding_strategy"), blocking=session.blocking)

    @property
    def _bound(self) -> Session[C]:
        return self.deadline.bound(self.session)

    @property
    def output(self) -> OutputSchema:
        """What is known of the output."""
        return BY_VALUE if self.description is None else self.description.output

    def with_inputs(self, inputs: Mapping[str, Any]) -> Call[C]:
        """Give this call with other inputs."""
        other = copy(self)
        strategy = self.settings.get("file_encoding_strategy")
        vars(other)["_inputs"] = Inputs(inputs, strategy, blocking=self.session.blocking)
        return other

    async def recall(self) -> None:
        """Take what is remembered of the model, here or on the disk."""
        if self.description is None:
            self.description = await look_up.recall(self.session, self.reference)

    async def describe(self) -> None:
        """Find out what is run, if that can be found out."""
        if self._described:
            return
        self._described = True
        await self.recall()
        if self.description is None:
            self.description = await self._ask()

    async def _ask(self, seconds: float | None = None) -> Description | None:
        """Look the model up, if that can be done."""
        return await look_up.try_look_up(self.session, self.reference, self.deadline, seconds)

    async def check(self) -> None:
        """Raise InputError for an input that the model does not have, or a text where it takes a file.

        What is remembered of the model is looked up once more before it refuses anything.
        """
        await self.describe()
        known = self.description
        if known is not None and known.remembered and not self._fits(known):
            self.description = await self._ask() or known
        if self.description is not None:
            self._check(self.description)

    def _check(self, description: Description) -> None:
        check_names(self.reference, self._inputs.names, description)
        self._inputs.check_texts(description.input)

    def _fits(self, description: Description) -> bool:
        """Tell whether the input is one that the model takes, as far as is known."""
        try:
            self._check(description)
        except InputError:
            return False
        return True

    async def start(self, **changes: Any) -> Prediction[C]:
        """Start a prediction, in this call's block, and tell of it."""
        if not self._described:
            known = self.description
            self.description = await describe_model(self._bound, self.reference, self._inputs, self.deadline, known)
        with self._inputs.told_apart():
            self.created = await self._begin({**self.settings, **changes})
            self.block.run = prediction = Prediction[C].bind(self.created.payload, self.session)
        look_up.note_version(self.session, self.reference, prediction.version)
        try:
            await self.updates.tell(prediction)
        except BaseException:
            self.updates.close()
            raise
        return prediction

    async def learn_output(self, prediction: Prediction[C]) -> OutputSchema:
        """Find out, once and quickly, what the version that runs says of its output."""
        if self.description is None:
            if self.reference.model is None:
                self.reference = reference_of(prediction) or self.reference
                await self.recall()
            if self.description is None:
                self.description = await self._ask(look_up.QUICKLY)
        return self.output

    def iterate(self, prediction: Prediction[C], files: Files[C]) -> OutputIterator[C]:
        """Give an iterator over the output of a prediction that this call has started, which takes it over."""
        return OutputIterator(prediction, self.output, files, self.deadline, block=self.block, updates=self.updates)

    async def _begin(self, options: Mapping[str, Any]) -> Created:
        """Start a prediction: of an official model by its name, of any other by a version.

        Which kind a model is, a 404 tells; then its latest version is looked up, and remembered. Where the API refuses
        a version that was remembered, the model is looked up again, and run once more if there is news.
        """
        if self.reference.version is not None:
            return await self._post_version(self.reference.version, options)
        known = self.description
        try:
            if known is not None and known.official is False and known.version:
                return await self._post_version(known.version, options)
            return await self._post_name(options)
        except (NotFoundError, UnprocessableEntityError) as error:
            by_version = known is not None and known.official is False
            if isinstance(error, UnprocessableEntityError) and not by_version:
                raise
            if known is None or known.remembered:
                look_up.forget(self.session, self.reference)
                self.description = await self._ask()
            found = self.description
            if found is None or not found.version or (by_version and found == known):
                self._advise(error)
                raise
            self.description = found = evolve(found, official=False)
            if remembered(self.session, self.reference) is not None:
                look_up.keep(self.session, self.reference, found)
            return await self._post_version(str(found.version), options)

    def _advise(self, error: NotFoundError | UnprocessableEntityError) -> None:
        """Say what may be wrong with a model that is not found."""
        if isinstance(error, UnprocessableEntityError):
            return
        hint = f"There is no official model {self.reference}: run any other by a version of it."
        if self.description is None:
            hint = f"There is no model {self.reference}, or this token's account may not see it: check the name."
            if (base_url := self.session.config.base_url) != DEFAULT_BASE_URL:
                hint = f"{hint[:-1]}, and base_url, which is {base_url}."
        error.advise(hint)

    async def _post_name(self, options: Mapping[str, Any]) -> Created:
        assert self.reference.model is not None  # noqa: S101 - one without a version has a model
        owner, name, _ = self.reference.model
        return await self._post(options, models_predictions_create, owner, name)

    async def _post_version(self, version: str, options: Mapping[str, Any]) -> Created:
        return await self._post(options, predictions_create, version=version)

    async def _post(self, options: Mapping[str, Any], endpoint: Any, *path: str, **members: Any) -> Created:
        session = with_request_options(self._bound, options)
        ready = await encode(self._inputs, session, self.description)
        told: Any = {"input": ready, "options": options, "block": self.block}
        told["kind"] = Prediction
        return await post(session, endpoint, *path, **told, **members)
