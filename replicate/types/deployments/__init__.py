"""The types of what belongs to deployments, under version 2's names."""

from __future__ import annotations

from replicate.types.params import DeploymentPredictionCreateParams as PredictionCreateParams

__all__ = ["PredictionCreateParams"]
