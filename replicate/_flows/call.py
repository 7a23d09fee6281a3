"""One call of a model: check the input, upload its files and start a prediction, in as few requests as possible.

The create is the first request. A model is looked up only if the result matters: see `_models/look_up.py`.
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
    """One run of a model: its session, reference, input, options and deadline, and whether an early exit cancels it.

    The constructor sends nothing. Raises InputError, TypeError or ValueError for arguments that cannot be sent.
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
        """The block in which `start` must be called. It cancels the prediction if it is left early."""
        self.created: Created | None = None
        """The API's response to the create."""
        self.description: Description | None = None
        """What is known about the model; None if nothing is."""
        self._described = False
        self._inputs = Inputs(input or {}, settings.get("file_encoding_strategy"), blocking=session.blocking)

    @property
    def _bound(self) -> Session[C]:
        return self.deadline.bound(self.session)

    @property
    def output(self) -> OutputSchema:
        """The schema of the output, as far as it is known."""
        return BY_VALUE if self.description is None else self.description.output

    def with_inputs(self, inputs: Mapping[str, Any]) -> Call[C]:
        """Return a copy of this call with other inputs."""
        other = copy(self)
        strategy = self.settings.get("file_encoding_strategy")
        vars(other)["_inputs"] = Inputs(inputs, strategy, blocking=self.session.blocking)
        return other

    async def recall(self) -> None:
        """Use the description of the model that is remembered in memory or on disk, if there is one."""
        if self.description is None:
            self.description = await look_up.recall(self.session, self.reference)

    async def describe(self) -> None:
        """Find the description of the model: remembered, or else looked up. It stays None if the look-up fails."""
        if self._described:
            return
        self._described = True
        await self.recall()
        if self.description is None:
            self.description = await self._ask()

    async def _ask(self, seconds: float | None = None) -> Description | None:
        """Look the model up. Returns None if that fails."""
        return await look_up.try_look_up(self.session, self.reference, self.deadline, seconds)

    async def check(self) -> None:
        """Raise InputError for an input that the model does not have, or for a file input that is a string but no URL.

        If a remembered description refuses the input, the model is looked up again first.
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
        """Return whether the input passes the checks against a description."""
        try:
            self._check(description)
        except InputError:
            return False
        return True

    async def start(self, **changes: Any) -> Prediction[C]:
        """Start a prediction in this call's block, and report it to `updates`."""
        if not self._described:
            known = self.description
            self.description = await describe_model(self._bound, self.reference, self._inputs, self.deadline, known)
        with self._inputs:
            self.created = await self._begin({**self.settings, **changes})
            self.block.run = prediction = Prediction.bind(self.created.payload, self.session)
        look_up.note_version(self.session, self.reference, self.description, prediction.version)
        try:
            await self.updates.tell(prediction)
        except BaseException:
            self.updates.close()
            raise
        return prediction

    async def learn_output(self, prediction: Prediction[C]) -> OutputSchema:
        """Return the output schema of the version that runs. Look it up if it is unknown, once and quickly."""
        if self.description is None:
            if self.reference.model is None:
                self.reference = reference_of(prediction) or self.reference
                await self.recall()
            if self.description is None:
                self.description = await self._ask(look_up.QUICKLY)
        return self.output

    def iterate(self, prediction: Prediction[C], files: Files[C]) -> OutputIterator[C]:
        """Return an iterator over the output of a prediction that this call has started. The iterator now owns it."""
        return OutputIterator(prediction, self.output, files, self.deadline, block=self.block, updates=self.updates)

    async def _begin(self, options: Mapping[str, Any]) -> Created:
        """Start a prediction: of an official model by its name, of any other model by a version.

        A 404 shows that a model is not official. Then its latest version is looked up, run and remembered. If the API
        refuses a remembered version, the model is looked up again, and is run again if the result differs.
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
        """Add a hint to the error for a model that is not found."""
        if isinstance(error, UnprocessableEntityError):
            return
        hint = f"There is no official model {self.reference}: run any other by a version of it."
        if self.description is None:
            hint = f"There is no model {self.reference}, or this token's account may not see it: check the name."
            if (base_url := self.session.config.base_url) != DEFAULT_BASE_URL:
                hint = f"{hint[:-1]}, and base_url, which is {base_url}."
        error.advise(hint)

    async def _post_name(self, options: Mapping[str, Any]) -> Created:
        assert self.reference.model is not None  # noqa: S101 - a reference without a version has a model
        owner, name, _ = self.reference.model
        return await self._post(options, models_predictions_create, owner, name)

    async def _post_version(self, version: str, options: Mapping[str, Any]) -> Created:
        return await self._post(options, predictions_create, version=version)

    async def _post(self, options: Mapping[str, Any], endpoint: Any, *path: str, **members: Any) -> Created:
        session = with_request_options(self._bound, options)
        ready = await encode(self._inputs, session, self.description)
        members |= {"kind": Prediction, "input": ready, "options": options, "block": self.block}
        return await post(session, endpoint, *path, **members)
