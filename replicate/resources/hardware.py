"""The hardware that models and deployments can run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.options import RequestOptions
from replicate._objects.resource import Namespace, Resource, bind_nested
from replicate_api import models
from replicate_api.api.hardware import hardware_list

if TYPE_CHECKING:
    import builtins

    from typing_extensions import Unpack


class Hardware(Resource[C], models.Hardware):
    """A kind of hardware. Pass its `sku` as `hardware=` to other methods."""

    @property
    def id(self) -> str | None:
        """The `sku`."""
        return self.sku


class HardwareNamespace(Namespace[C]):
    """`client.hardware`: https://replicate.com/docs/reference/http#hardware.list."""

    @dual
    async def list(self, **options: Unpack[RequestOptions]) -> builtins.list[Hardware[C]]:
        """List all hardware. Maps to `hardware.list`. Raises APIError."""
        found = await self._session.given(options).call(hardware_list)
        listed: builtins.list[Hardware[C]] = bind_nested(found, Hardware.bind, self._session)
        return listed
