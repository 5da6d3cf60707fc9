"""What all unit tests share: the same files are parsed over and over, so each is parsed once."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from hadeploy.plan import binds, redacted_diff


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Plans compare the haproxy.cfg of every node with the one that it will have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binds, "binds_in", functools.lru_cache(binds.binds_in))
        patch.setattr(redacted_diff, "secrets_in", functools.lru_cache(redacted_diff.secrets_in))
        patch.setattr(redacted_diff, "shown", functools.lru_cache(redacted_diff.shown))
        same_servers = functools.lru_cache(binds.ChangedFile.same_servers)
        patch.setattr(binds.ChangedFile, "same_servers", same_servers)
        yield
