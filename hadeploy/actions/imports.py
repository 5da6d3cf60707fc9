"""Imports of each action, done while hadeploy waits for the nodes."""

from __future__ import annotations

from hadeploy.actions.preload import import_planning
from hadeploy.plan.inputs import Inputs


def import_plan(inputs: Inputs) -> None:
    """Import the modules of `plan`."""
    import_planning(inputs)
    import hadeploy.actions.plan  # noqa: F401


def import_up(inputs: Inputs) -> None:
    """Import the modules of an `up` without changes."""
    import_planning(inputs)
    import hadeploy.actions.up  # noqa: F401


def import_proofs(inputs: Inputs) -> None:
    """Import the modules of `verify`."""
    import_planning(inputs)
    import hadeploy.actions.prove  # noqa: F401


def import_status(inputs: Inputs) -> None:
    """Import the modules of `status`."""
    import_planning(inputs)
    import hadeploy.actions.status  # noqa: F401
