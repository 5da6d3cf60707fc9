"""A script is composed only from files that match."""

from __future__ import annotations

import pytest

from hadeploy.scripts.compose import CompositionError, compose, parse_file, required_files


def test_a_file_says_what_it_requires_and_reads() -> None:
    text = (
        "# shellcheck shell=sh\n# What it does.\n# Requires: a.sh\n# Requires: b.sh\n"
        "# Inputs: HD_A HD_B\n# Optional inputs: HD_C\n\n# one: of two.\none() { :; }\n"
    )
    file = parse_file("x.sh", text)
    assert file.requires == ("a.sh", "b.sh")
    assert (set(file.inputs), set(file.optional_inputs)) == ({"HD_A", "HD_B"}, {"HD_C"})
    assert (file.functions, file.body) == (("one",), "# one: of two.\none() { :; }")


def test_required_files_come_once_and_report_first() -> None:
    names = [file.name for file in required_files("lock.sh", "steps.sh")]
    assert names[0] == "report.sh"
    assert {"lock_read.sh", "lock_release.sh", "waiting.sh"} < set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("names", "given", "error"),
    [
        (["no.sh"], {}, "no.sh does not exist"),
        (["track.sh"], {}, "inputs not given: HD_ROOT"),
        (["track.sh"], {"HD_ROOT": "/x", "HD_VIPS": ""}, "unused inputs: HD_VIPS"),
        (["support.sh", "versions.sh"], {}, "main is defined in support.sh and in versions.sh"),
    ],
)
def test_an_oversized_configuration_is_refused(
    names: list[str], given: dict[str, str], error: str
) -> None:
    with pytest.raises(CompositionError) as raised:
        compose(*names, variables=given)
    assert str(raised.value) == error


def test_of_what_is_offered_only_what_is_read_is_given() -> None:
    script = compose(
        "track.sh", variables={}, offered={"HD_ROOT": "/a b", "HD_VIPS": "x"}, main="drained"
    )
    assert script.startswith("HD_ROOT='/a b'\n")
    assert "HD_VIPS" not in script
    assert script.endswith("main() {\ndrained\n}\nmain </dev/null\n")
