"""`check` asks the registries for the images that nodes lack; nothing is pulled."""

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
    """Have each node's engine ask for what it would pull.

    Args:
        inputs: the inventory and its login.
        observed: by node label.
        sessions: by node label.
        progress: told what it waits for.

    Returns:
        By node, and there by reference; without what could not be asked.

    Raises:
        InventoryError: the reference of the login's password leads nowhere.
    """
    wanted = {node: list(pulled(inputs.cluster, look)) for node, look in observed.items()}
    wanted = {node: references for node, references in wanted.items() if references}
    login = inputs.login() if wanted else None

    def ask(node: str) -> tuple[str, dict[str, Asked]]:
        found = {}
        for reference in wanted[node]:
            here = login if login and login.registry == registry_of(reference) else None
            progress.waiting(f"{node} asks {registry_of(reference)} for {reference}")
            script = registry_script(reference, here)
            reply = sessions[node].run(script, operation="asking the registry")
            for message in reply.all("registry"):
                found[reference] = parse_asked(message.text, login=here is not None)
        return node, found

    return dict(try_each(ask, wanted)[0])


def registry_script(reference: str, login: Login | None) -> str:
    """Asks for one image. Pure; holds the password, and goes to stdin only."""
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
