"""How a fleet has ended."""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode
from hadeploy.fleet.member import ClusterResult, Member, members
from hadeploy.fleet.verdict import DONE, NOT_STARTED, fleet_code, result_text, summary, with_text

MEMBER = Member("a.yaml", "a", "a")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([0, 3], 3),
        ([3, 3], 3),
        ([3, 4], 1),
        ([1, 1, 0], 1),
        ([3, None, None], 3),
        ([5, 0], 5),
        ([5, 3], 3),
        ([130, 0], 130),
        ([7, 7], 7),
        ([99], 1),
    ],
)
def test_the_exit_code_is_what_failures_have_in_common(
    codes: list[int | None], expected: int
) -> None:
    assert fleet_code(codes) == expected


@pytest.mark.parametrize("codes", [[0, 0], [130, None], [3, 130], [None]])
def test_an_interrupted_fleet_is_reported_as_such(codes: list[int | None]) -> None:
    assert fleet_code(codes, interrupted=True) == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("up", 0, "applied and verified"),
        ("up", 3, "unreachable or checks failed, nothing changed"),
        ("check", 3, "checks failed"),
        ("status", 4, "degraded"),
        ("verify", 4, "verification failed"),
        ("plan", 5, "changes pending"),
        ("down", 6, "locked by another run"),
        ("status", 7, "does not serve"),
        ("up", 99, "failed"),
        ("up", None, NOT_STARTED),
    ],
)
def test_a_cluster_result_text(command: str, code: int | None, words: str) -> None:
    assert result_text(command, code) == words


@pytest.mark.parametrize("command", DONE)
@pytest.mark.parametrize("code", ExitCode)
def test_every_result_has_a_message(command: str, code: ExitCode) -> None:
    assert result_text(command, code)


@pytest.mark.parametrize(("pending", "code"), [(False, 0), (True, 5)])
def test_pending_changes_are_reported_without_their_exit_code(pending: bool, code: int) -> None:
    ending = with_text("plan", ClusterResult(MEMBER, 5), pending=pending)
    assert (ending.result, ending.code) == ("changes pending", code)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([0], "1 cluster: 1 applied and verified"),
        (
            [4, 0, 0, None],
            "4 clusters: 2 applied and verified; 1 verification failed; 1 not started",
        ),
    ],
)
def test_the_sum_in_one_sentence(codes: list[int | None], said: str) -> None:
    assert (
        summary([with_text("up", ClusterResult(MEMBER, c), pending=False) for c in codes]) == said
    )


@pytest.mark.parametrize(
    ("clusters", "labels"),
    [
        ([("a.yaml", "east"), ("b.yaml", "west")], ["east", "west"]),
        ([("a.yaml", "kube-lb"), ("f/b.yaml", "kube-lb")], ["a", "b"]),
        ([("a/lb.yaml", "kube-lb"), ("b/lb.yaml", "kube-lb")], ["a/lb.yaml", "b/lb.yaml"]),
    ],
)
def test_labels_distinguish_clusters(clusters: list[tuple[str, str]], labels: list[str]) -> None:
    assert [member.label for member in members(clusters)] == labels
