"""Only a former node can be forgotten; a typing error is no success."""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.plan.forgotten import refuse_forget
from tests.unit import builders

FORMER = "198.51.100.99"
FORGOTTEN = "198.51.100.98"
PRESENT = str(builders.cluster().nodes[0].address)


def refuse(address: str) -> None:
    cluster = builders.cluster()
    observed = dict(builders.healthy(cluster))
    record = observed["n1"].applied
    assert record
    members = (*record.members, FORMER)
    observed["n1"] = observed["n1"].with_record(members=members, forgotten=(FORGOTTEN,))
    refuse_forget(cluster, observed, [address])


@pytest.mark.parametrize("address", [FORMER, FORGOTTEN])
def test_a_former_node_can_be_forgotten_more_than_once(address: str) -> None:
    refuse(address)


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        (PRESENT, f"{PRESENT} is in the inventory", "remove it from the inventory first"),
        ("n2", "n2 is in the inventory", "remove it from the inventory first"),
        (
            "198.51.100.97",
            "198.51.100.97 was not a node of this cluster",
            f"former nodes: {FORGOTTEN}, {FORMER}",
        ),
    ],
)
def test_what_is_no_former_node_is_refused(address: str, message: str, hint: str) -> None:
    with pytest.raises(HadeployError) as raised:
        refuse(address)
    assert (raised.value.message, raised.value.hint) == (message, hint)
    assert raised.value.code is ExitCode.USAGE
