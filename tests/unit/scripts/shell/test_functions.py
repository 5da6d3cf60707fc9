"""Scripts are composed of several files: a function of one must not replace that of another."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from hadeploy.observe.gather import observation_script
from hadeploy.scripts.compose import compose
from tests.unit import builders

CHANGING = ("lock.sh", "keepalived.sh", "apply.sh", "check_runs.sh", "handover.sh")
ADOPTING = (*CHANGING, "restore.sh", "knowledge.sh", "ports.sh", "disable.sh", "adopt.sh")


@pytest.mark.parametrize(
    "script",
    [
        observation_script(builders.cluster()),
        compose(*ADOPTING, variables={}, main="true"),
        compose(*CHANGING, "down.sh", variables={}, main="true"),
        compose("lock.sh", "stage.sh", variables={}, main="true"),
        compose(*CHANGING, "watch.sh", "drill.sh", variables={}, main="true"),
    ],
    ids=["observe", "adopt", "down", "stage", "drill"],
)
def test_no_function_is_defined_twice(script: str) -> None:
    defined = Counter(re.findall(r"^(\w+)\(\)", script, re.M))
    assert [name for name, times in defined.items() if times > 1] == []
