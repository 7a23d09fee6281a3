"""Deployments: versions under their own names, with a release for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate.local.clock import stamp

if TYPE_CHECKING:
    from replicate.local.clock import Clock
    from replicate.local.store import Place, Store

HARDWARE = {
    "cpu": "CPU",
    "gpu-t4": "Nvidia T4 GPU",
    "gpu-l40s": "Nvidia L40S GPU",
    "gpu-l40s-2x": "2x Nvidia L40S GPU",
    "gpu-a100-large": "Nvidia A100 (80GB) GPU",
    "gpu-a100-large-2x": "2x Nvidia A100 (80GB) GPU",
    "gpu-h100": "Nvidia H100 GPU",
}
_CONFIGURATION = ("hardware", "min_instances", "max_instances")


class Deployments:
    """The deployments of one server, as records in the format of the API."""

    def __init__(self, store: Store, clock: Clock, account: dict[str, Any]) -> None:
        self._store, self._clock, self._account = store, clock, account

    def get(self, owner: str, name: str) -> dict[str, Any] | None:
        """Return a deployment."""
        deployment: dict[str, Any] | None = self._store.record("deployment", f"{owner}/{name}")
        return deployment

    def page(self, place: Place, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return deployments with their numbers, newest first."""
        return self._store.records("deployment", place, limit)

    def create(self, name: str, model: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Add a deployment with its first release."""
        first: dict[str, Any] = {"number": 0, "model": model, "version": "", "configuration": {}}
        return self.update({"owner": self._account["username"], "name": name, "current_release": first}, settings)

    def update(self, deployment: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """Add a release with changed settings."""
        before = deployment["current_release"]
        configuration = {name: settings[name] for name in _CONFIGURATION if name in settings}
        release = {
            "number": before["number"] + 1,
            "model": before["model"],
            "version": settings.get("version", before["version"]),
            "created_at": stamp(self._clock.now()),
            "created_by": self._account,
            "configuration": {**before["configuration"], **configuration},
        }
        changed = {**deployment, "current_release": release}
        self._store.keep("deployment", f"{deployment['owner']}/{deployment['name']}", changed)
        return changed

    def delete(self, owner: str, name: str) -> None:
        """Delete a deployment."""
        self._store.discard("deployment", f"{owner}/{name}")

    def runs(self, version: str) -> bool:
        """Return whether a version is deployed."""
        deployments = self._store.records("deployment")
        return any(deployment["current_release"]["version"] == version for _number, deployment in deployments)
