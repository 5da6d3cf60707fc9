"""An inventory without another user's change is distinguished from one that includes it."""

from __future__ import annotations

from typing import Any

import pytest

from hadeploy.observe.applied import Applied
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.inventory_changes import (
    MOST_CHANGES,
    applied_by_another,
    gone_back,
    newest,
    recorded_inventory,
    undone,
    when,
)
from hadeploy.rollout import record as records
from tests.unit import builders

ONE = {"name": "kube", "port": 9443}
TWO = {"name": "second", "port": 8443, "backend_port": 7443}
FIRST: dict[str, Any] = {"listeners": [ONE]}


@pytest.fixture
def apply(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Apply one inventory after the other, each by its user."""

    def applied(*runs: tuple[str, dict[str, Any]]) -> Applied:
        found: Applied | None = None
        for by, inventory in runs:
            monkeypatch.setattr(records, "this_user", lambda by=by: by)
            cluster = builders.cluster(**inventory)
            desired = builders.desired(cluster)["n1"]
            text = records.applied_record(cluster, desired, "id", interim=False, before=found)
            found = parse_record(text.encode())
        assert found
        return found

    return applied


def reported(record: Applied, inventory: dict[str, Any], by: str = "b@two") -> list[str]:
    sentences = undone(record, recorded_inventory(builders.cluster(**inventory)), by)
    return [sentence.partition(";")[0] for sentence in sentences]


def with_maxconn(maxconn: int, **others: Any) -> dict[str, Any]:
    return {**FIRST, "haproxy": {"maxconn": maxconn}, **others}


BOTH = {"listeners": [ONE, TWO]}
MOVED = {"listeners": [ONE, {**TWO, "port": 8444}]}


@pytest.mark.parametrize(
    ("runs", "mine", "sentences"),
    [
        # The file of a user without the second listener.
        ([("b@two", FIRST), ("a@one", BOTH)], FIRST, ["listeners.second is removed again"]),
        ([("b@two", BOTH), ("a@one", FIRST)], BOTH, ["listeners.second is added again"]),
        (
            [("b@two", BOTH), ("a@one", MOVED)],
            BOTH,
            ["listeners.second.port changes back from 8444 to 8443"],
        ),
        (
            [("b@two", FIRST), ("a@one", with_maxconn(3000)), ("a@one", with_maxconn(4000))],
            with_maxconn(3000),
            ["haproxy.maxconn changes back from 4000 to 3000"],
        ),
        # Two changes later it still is an older one.
        (
            [("b@two", FIRST), ("a@one", BOTH), ("a@one", {**BOTH, "haproxy": {"maxconn": 3000}})],
            {**BOTH},
            ["haproxy.maxconn changes back from 3000 to 8000"],
        ),
        # An own change beside what is undone.
        (
            [("b@two", FIRST), ("a@one", BOTH)],
            with_maxconn(3000),
            ["listeners.second is removed again"],
        ),
        # It goes on from what the nodes have.
        ([("b@two", FIRST), ("a@one", BOTH)], {**BOTH, "haproxy": {"maxconn": 3000}}, []),
        ([("b@two", FIRST), ("a@one", BOTH)], BOTH, []),
        ([("b@two", FIRST), ("a@one", with_maxconn(3000))], with_maxconn(5000), []),
        # An own change that is taken back.
        ([("a@one", FIRST), ("b@two", BOTH)], FIRST, []),
        ([("a@one", FIRST)], BOTH, []),
        # Without the earlier state there is nothing to compare.
        ([("a@one", BOTH)], FIRST, []),
    ],
)
def test_what_is_undone(
    apply: Any, runs: list[tuple[str, dict[str, Any]]], mine: dict[str, Any], sentences: list[str]
) -> None:
    assert reported(apply(*runs), mine) == sentences


def test_the_author_and_time_of_a_change_are_shown(apply: Any) -> None:
    record = apply(("b@two", FIRST), ("a@one", BOTH))
    (sentence,) = undone(record, recorded_inventory(builders.cluster(**FIRST)), "b@two")
    assert sentence == (
        f"listeners.second is removed again; it was added by a@one, {when(record.at)}."
    )
    assert applied_by_another(record, "b@two") == (f"Last applied by a@one, {when(record.at)}.")
    assert applied_by_another(record, "a@one") == applied_by_another(None, "a@one") == ""


def test_a_rollback_names_the_author_of_the_change_that_it_undoes(apply: Any) -> None:
    first, second = apply(("b@two", FIRST)), apply(("b@two", FIRST), ("a@one", BOTH))
    assert gone_back(second, first) == (
        f"This restores the configuration that b@two applied, {when(first.at)}, "
        f"and replaces the one that a@one applied, {when(second.at)}."
    )
    assert (
        gone_back(None, first)
        == f"This restores the configuration that b@two applied, {when(first.at)}."
    )


def test_no_more_is_remembered_than_is_worth_it(apply: Any) -> None:
    record = apply(*(("a@one", with_maxconn(1000 + i)) for i in range(MOST_CHANGES + 3)))
    assert len(record.changes) == MOST_CHANGES
    assert reported(record, with_maxconn(1000 + 1 + MOST_CHANGES)) == [
        "haproxy.maxconn changes back from 1022 to 1021"
    ]


def test_a_change_of_many_fields_does_not_fill_the_screen(apply: Any) -> None:
    many = [{"name": f"l{i}", "port": 9000 + i, "backend_port": 7443} for i in range(12)]
    record = apply(("b@two", {"listeners": [*many, ONE]}), ("a@one", FIRST))
    sentences = reported(record, {"listeners": [*many, ONE]})
    assert len(sentences) == 9
    assert sentences[-1] == "The same applies to 4 more fields."


def test_the_newest_record_counts(apply: Any) -> None:
    older, later = apply(("a@one", FIRST)), apply(("a@one", BOTH))
    assert newest([None, older, later]) in (older, later)
    assert newest([]) is None


def test_no_value_of_the_inventory_is_kept_twice(apply: Any) -> None:
    record = apply(("b@two", FIRST), ("a@one", with_maxconn(3000)))
    (change,) = record.changes
    assert set(change.was) == {"haproxy.maxconn"}
    assert "8000" not in str(change)


@pytest.mark.parametrize("at", ["", "yesterday", "2026-13-40"])
def test_a_time_that_is_none(at: str) -> None:
    assert when(at) == at


POINTS: dict[str, Any] = {
    **FIRST,
    "templates": {"folder": "ours"},
    "vrrp": {"password": "env:VRRP"},
    "images": {"haproxy": {"archive": "haproxy.tar"}},
}
PATHS = ["images.haproxy.archive", "templates.folder/haproxy.cfg.j2", "vrrp.password"]


def all_of(digest: str) -> dict[str, str]:
    return dict.fromkeys(PATHS, digest)


def recorded(
    monkeypatch: pytest.MonkeyPatch,
    *runs: tuple[str, dict[str, Any], dict[str, str] | None],
) -> Applied:
    """The record after several runs, each with contents that the inventory points to."""
    found: Applied | None = None
    for by, inventory, contents in runs:
        monkeypatch.setattr(records, "this_user", lambda by=by: by)
        cluster = builders.cluster(**inventory)
        desired = builders.desired(builders.cluster())["n1"]
        text = records.applied_record(
            cluster, desired, "id", interim=False, before=found, contents=contents
        )
        found = parse_record(text.encode())
    assert found
    return found


def told_of_contents(
    record: Applied, contents: dict[str, str], inventory: dict[str, Any] = POINTS, by: str = "b@two"
) -> list[str]:
    wanted = recorded_inventory(builders.cluster(**inventory))
    return list(undone(record, wanted, by, contents))


def test_older_contents_that_the_inventory_references_are_reported_like_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = recorded(monkeypatch, ("b@two", POINTS, all_of("1")), ("a@one", POINTS, all_of("2")))
    assert told_of_contents(record, all_of("1")) == [
        f"the content of {path} changes back to an older version; it was changed by a@one, "
        f"{when(record.at)}."
        for path in PATHS
    ]
    # What goes on from it, what is the same, and an own change are not.
    assert told_of_contents(record, all_of("3")) == []
    assert told_of_contents(record, all_of("2")) == []
    assert told_of_contents(record, all_of("1"), by="a@one") == []


def test_a_template_that_another_added_or_removed_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after = {PATHS[1]: "1"}, {PATHS[1]: "1", "templates.folder/part.j2": "2"}
    record = recorded(monkeypatch, ("b@two", POINTS, before), ("a@one", POINTS, after))
    (sentence,) = told_of_contents(record, before)
    assert sentence.startswith("the content of templates.folder/part.j2 is removed again; ")
    record = recorded(monkeypatch, ("b@two", POINTS, after), ("a@one", POINTS, before))
    (sentence,) = told_of_contents(record, after)
    assert sentence.startswith("the content of templates.folder/part.j2 is added again; ")


def test_a_field_that_goes_away_says_so_for_its_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    record = recorded(monkeypatch, ("b@two", FIRST, {}), ("a@one", POINTS, all_of("2")))
    sentences = told_of_contents(record, {}, FIRST)
    assert [sentence.partition(" changes back")[0] for sentence in sentences] == [
        "vrrp.password",
        "images.haproxy.archive",
        "templates.folder",
    ]


def test_a_record_of_an_older_version_has_no_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    old = recorded(monkeypatch, ("b@two", POINTS, None))
    assert old.contents is None
    assert told_of_contents(old, all_of("1")) == []
    # The first record with contents is no change of them.
    record = recorded(monkeypatch, ("b@two", POINTS, None), ("a@one", POINTS, all_of("2")))
    assert record.changes == ()
    assert record.contents == all_of("2")
    assert told_of_contents(record, all_of("1")) == []
