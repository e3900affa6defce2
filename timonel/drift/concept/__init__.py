"""Concept drift on matured losses: detectors that take one loss at a time."""

from timonel.drift.concept.adwin import ADWIN
from timonel.drift.concept.detector import ConceptDetector
from timonel.drift.concept.esr import ESR

__all__ = ["ADWIN", "ESR", "ConceptDetector"]
