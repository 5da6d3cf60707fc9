"""What each action imports while the nodes are busy."""

from __future__ import annotations

from hadeploy.actions.preload import import_planning
from hadeploy.plan.inputs import Inputs


def import_plan(inputs: Inputs) -> None:
    """Import also what `plan` needs."""
    import_planning(inputs)
    import hadeploy.actions.plan  # noqa: F401


def import_up(inputs: Inputs) -> None:
    """Import also what `up` needs where nothing is to be changed."""
    import_planning(inputs)
    import hadeploy.actions.up  # noqa: F401


def import_proofs(inputs: Inputs) -> None:
    """Import also what `verify` needs."""
    import_planning(inputs)
    import hadeploy.actions.prove  # noqa: F401


def import_status(inputs: Inputs) -> None:
    """Import also what `status` needs."""
    import_planning(inputs)
    import hadeploy.actions.status  # noqa: F401
