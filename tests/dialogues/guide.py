"""Directions, hours, fees, insurance: nothing to set up, the demo hospital has it all."""

from typing import Any

from dialogues.runner import Patient


def prepare(patient: Patient, given: dict[str, Any]) -> None:
    return None


def check(patient: Patient, expect: dict[str, Any], world: None) -> None:
    """What is expected stands in `says` and `handed_over`."""
