"""Queries the registries for missing images, for `check`; pulls nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from hadeploy.check.images import pulled
from hadeploy.check.registry import Asked, parse_asked
from hadeploy.inventory.references import registry_of
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs, Login
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose

Answers = dict[str, dict[str, Asked]]


def ask_registries(
    inputs: Inputs,
    observed: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
) -> Answers:
    """Query the registries from the engine of each node for the images that it would pull.

    Args:
        inputs: the inventory and its login.
        observed: by node label.
        sessions: by node label.
        progress: receives events.

    Returns:
        The answers by node and reference; nodes with an error are left out.

    Raises:
        InventoryError: the password of the login cannot be resolved.
    """
    wanted = {node: list(pulled(inputs.cluster, state)) for node, state in observed.items()}
    wanted = {node: references for node, references in wanted.items() if references}
    login = inputs.login() if wanted else None

    def query(node: str) -> tuple[str, dict[str, Asked]]:
        found = {}
        for reference in wanted[node]:
            own_login = login if login and login.registry == registry_of(reference) else None
            progress.waiting(f"the answer of {registry_of(reference)} to {node} for {reference}")
            script = registry_script(reference, own_login)
            reply = sessions[node].run(script, operation="querying the registry")
            for message in reply.all("registry"):
                found[reference] = parse_asked(message.text, login=own_login is not None)
        return node, found

    return dict(try_each(query, wanted)[0])


def registry_script(reference: str, login: Login | None) -> str:
    """The script that queries one image; it contains the password: send it on stdin only. Pure."""
    auth = ""
    if login:
        fields = {
            "username": login.user,
            "password": login.password.get_secret_value(),
            "serveraddress": login.registry,
        }
        auth = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    variables = {"HD_IMAGES": reference, "HD_AUTH": auth}
    return compose("registry.sh", variables=variables, main="ask_registry\nemit end")
