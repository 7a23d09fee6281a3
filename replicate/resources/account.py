"""The account that the token belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.options import RequestOptions
from replicate._objects.resource import Namespace, Resource
from replicate_api import models
from replicate_api.api.account import account_get

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Account(Resource[C], models.Account):
    """A user or an organization."""

    first: ClassVar[tuple[str, ...]] = ("type", "username", "name", "github_url")


class Accounts(Namespace[C]):
    """`client.account`: https://replicate.com/docs/reference/http#account.get."""

    @dual
    async def get(self, **options: Unpack[RequestOptions]) -> Account[C]:
        """Get the account that the token belongs to. Maps to `account.get`. Raises AuthenticationError, APIError."""
        return Account.bind(await self._session.given(options).call(account_get), self._session)

    current = get
