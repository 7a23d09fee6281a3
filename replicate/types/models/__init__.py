"""The types of what belongs to models, under version 2's names."""

from __future__ import annotations

from typing import TypeAlias

from replicate.resources.versions import Version as VersionGetResponse
from replicate.resources.versions import Version as VersionListResponse
from replicate.types.params import ModelPredictionCreateParams as PredictionCreateParams

ReadmeGetResponse: TypeAlias = str

__all__ = ["PredictionCreateParams", "ReadmeGetResponse", "VersionGetResponse", "VersionListResponse"]
