"""Which backends are lost with a change, through the shell functions that find out on a node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.rollout.test_knowledge import HEADER
from tests.unit.scripts.fragments import fragment

STATISTICS = Path(__file__).parents[2] / "observe" / "captured" / "stats.csv"
ALONE = "lock_keep() { :; }\nwith_lock_mutex() { :; }\n"
ALONE += "uptime_seconds() { date +%s; }\nrecorded() { :; }"


def run(main: str, *, shell: str = "dash", **variables: str) -> list[str]:
    """What a script says, without its token; the body of a message stands below it."""
    given = {"HD_HEALTH_PORT": "1", "HD_NODE_ADDRESS": "10.0.0.9", **variables}
    files = ("steps.sh", "disable.sh", "backends.sh")
    script = fragment(*files, main=f"{ALONE}\n{main}", **given)
    done = subprocess.run(
        [shell], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr == ""
    return [line.removeprefix("@t ") for line in done.stdout.splitlines() if line]


def row(server: str, status: str, check: str, code: str = "", reason: str = "") -> str:
    given = {
        "pxname": "api",
        "svname": server,
        "status": status,
        "check_status": check,
        "check_code": code,
        "last_chk": reason,
        "addr": "10.0.0.1:6443",
    }
    return ",".join(given.get(name, "") for name in HEADER.removeprefix("# ").split(","))


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_statistics_of_a_real_haproxy_are_read(shell: str) -> None:
    assert run(f"check_results <{STATISTICS}", shell=shell) == [
        "kube-apiserver-backend/n1 up - L4OK Layer4 check passed",
        "kube-apiserver-backend/n2 up - L4OK Layer4 check passed",
        "kube-apiserver-backend/n3 down - L4CON Connection refused",
    ]


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        (row("n1", "UP", "L7OK", "200", "OK"), "api/n1 up 10.0.0.1:6443 L7OK/200 OK"),
        (row("n1", "UP", "* L4OK"), "api/n1 up 10.0.0.1:6443 L4OK"),
        (row("n1", "UP 1/3", "INI"), "api/n1 unchecked 10.0.0.1:6443 INI"),
        (row("n1", "UP 2/3", "L4TOUT"), "api/n1 failing 10.0.0.1:6443 L4TOUT"),
        (row("n1", "UP", ""), "api/n1 unchecked 10.0.0.1:6443 -"),
        (row("n1", "no check", ""), "api/n1 up 10.0.0.1:6443 -"),
        (row("n1", "MAINT", ""), "api/n1 other 10.0.0.1:6443 -"),
        (
            row("n1", "DOWN", "L7STS", "403", "Forbidden"),
            "api/n1 down 10.0.0.1:6443 L7STS/403 Forbidden",
        ),
        (
            row("n1", "DOWN 1/2", "L7RSP", "", '"a, ""b"", c"'),
            "api/n1 down 10.0.0.1:6443 L7RSP a; b; c",
        ),
    ],
)
def test_a_check_has_a_result(line: str, reported: str) -> None:
    (result,) = run(f"check_results <<'END'\n{line}\nEND")
    assert result.rstrip() == reported


def haproxy(*rows: str) -> str:
    """A haproxy that answers every request with these statistics."""
    text = "\n".join([HEADER, *rows])
    return f"http_get() {{ cat <<'END'\n{text}\nEND\n}}"


UP = [row(f"n{i}", "UP", "L4OK") for i in (1, 2)]
WORDS = "api/=api/ api/n1=api/n1 api/n2=api/n2"


def proven(before: list[str], after: list[str], expected: str = WORDS) -> list[str]:
    """What comes of a change from one statistics to another."""
    main = f"{haproxy(*before)}\nexpect_backends\n{haproxy(*after)}\nstep 0 prove_backends 1"
    return run(main, HD_BACKENDS=expected)


def test_a_change_after_which_all_are_up_is_proven() -> None:
    assert proven(UP, UP) == ["step 0", "ok 0"]


def test_a_server_that_is_down_after_the_change_is_lost() -> None:
    down = row("n2", "DOWN", "L4CON", "", "Connection refused")
    assert proven(UP, [UP[0], down])[:4] == [
        "step 0",
        "lost api/n2",
        "api/n2 down 10.0.0.1:6443 L4CON Connection refused",
        "failed 0",
    ]


def test_a_server_that_was_down_before_may_be_down_after() -> None:
    down = row("n2", "DOWN", "L4CON", "", "Connection refused")
    assert proven([UP[0], down], [UP[0], down]) == ["step 0", "ok 0"]


def test_a_backend_without_any_server_left_is_lost() -> None:
    new = row("server-1", "DOWN", "L4CON")
    reported = proven(UP, [new], "api/=api/")
    assert reported[1] == "lost api/"


def test_a_server_that_was_taken_out_is_not_lost() -> None:
    assert proven(UP, UP[:1]) == ["step 0", "ok 0"]


def test_what_is_not_checked_within_the_deadline_is_not_lost() -> None:
    starting = [row(f"n{i}", "UP", "INI") for i in (1, 2)]
    assert proven(UP, starting)[-1] == "ok 0"


def test_what_fails_at_the_deadline_is_lost() -> None:
    failing = [row("n1", "UP", "L4OK"), row("n2", "UP 2/3", "L7TOUT")]
    assert "lost api/n2" in proven(UP, failing)


def test_a_backend_of_another_name_is_not_lost() -> None:
    assert proven(UP, [row("n1", "UP", "L4OK").replace("api,", "own,", 1)])[-1] == "ok 0"


def test_without_anything_up_before_nothing_is_waited_for() -> None:
    assert proven([], [row("n1", "DOWN", "L4CON")]) == ["step 0", "ok 0"]


def test_where_another_node_serves_one_server_must_be_up() -> None:
    down = [row(f"n{i}", "DOWN", "L4TOUT") for i in (1, 2)]
    assert proven([], down, "api/=")[1] == "lost api/"
    assert proven([], UP, "api/=") == ["step 0", "ok 0"]


def answering(*words: str) -> str:
    """A port that answers clients so, one after the other."""
    lines = "\n".join(words)
    return f"answers_of() {{ cat <<'END'\n{lines}\nEND\n}}\nheartbeat() {{ :; }}"


def port_proven(before: list[str], after: list[str], expected: str = ":9443=:9443") -> list[str]:
    """What comes of a change from some answers to others."""
    main = (
        f"{haproxy(*UP)}\n{answering(*before)}\nexpect_backends\n"
        f"{answering(*after)}\nstep 0 prove_backends 1"
    )
    return run(main, HD_BACKENDS=expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["tls"], ["tls"]),
        (["http"], ["tls"]),
        (["http", "tls"], ["tls"]),
        (["silent"], ["silent"]),
        # Nothing was answered before.
        (["closed"], ["closed"]),
        (["refused"], ["closed"]),
        ([], ["http"]),
    ],
)
def test_a_port_that_answers_as_before_is_proven(before: list[str], after: list[str]) -> None:
    assert port_proven(before, after) == ["step 0", "ok 0"]


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        (["tls"], ["closed"], "tls=closed"),
        (["tls"], ["http"], "tls=http"),
        (["http"], ["http/400"], "http=http/400"),
        (["http/200"], ["http/403"], "http/200=http/403"),
        # One of the servers is enough.
        (["tls"], ["silent", "tls"], "tls=silent"),
        (["http", "tls"], ["refused"], "http,tls=refused"),
    ],
)
def test_a_port_that_answers_otherwise_is_lost(
    before: list[str], after: list[str], reported: str
) -> None:
    said = port_proven(before, after)
    assert said[1] == f"lost :9443@10.0.0.9={reported}"
    assert "failed 0" in said


@pytest.mark.parametrize(
    ("direct", "reported"),
    [
        ("tls", ["step 0", "lost :9443@10.0.0.9=tls=silent"]),
        ("silent", ["step 0", "ok 0"]),
    ],
)
def test_a_server_that_was_frozen_is_not_the_changes_affair(
    direct: str, reported: list[str]
) -> None:
    rows = [one.replace("api,", "api-backend,", 1) for one in UP]
    main = (
        f"{haproxy(*rows)}\n{answering('tls')}\nexpect_backends\n{answering('silent', 'tls')}\n"
        f'answer_of() {{ case $* in "10.0.0.1 6443") echo {direct} ;; esac; }}\n'
        "step 0 prove_backends 1"
    )
    said = run(main, HD_BACKENDS=":9443=:9443", HD_LISTENERS="other=9444 api=9443")
    assert said[:2] == reported


def test_a_removed_vip_need_not_answer() -> None:
    main = f"{haproxy(*UP)}\n{answering('http')}\nall_here() {{ :; }}\nanswers_now 9443"
    assert run(main, HD_VIPS="10.0.0.100 2001:db8::100", HD_CLIENT_VIPS="10.0.0.100") == [
        "10.0.0.9 http",
        "10.0.0.100 http",
    ]


def test_where_another_node_answers_this_one_has_to_answer_alike() -> None:
    assert port_proven([], ["tls"], ":9443=!tls") == ["step 0", "ok 0"]
    assert port_proven([], ["http"], ":9443=!tls")[1] == "lost :9443@10.0.0.9=tls=http"


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        (["tls"], ["tls"], ["step 0", "ok 0"]),
        (["closed"], ["refused"], ["step 0", "ok 0"]),
        (["tls"], ["closed"], ["step 0", "lost :9443@2001:db8::9=tls=closed", "failed 0"]),
        (["tls", "closed"], ["tls", "silent"], ["step 0", "lost :9443@2001:db8::9=tls=silent"]),
    ],
)
def test_the_node_that_takes_over_answers_clients_as_the_one_before_it(
    before: list[str], after: list[str], reported: list[str]
) -> None:
    main = (
        f"tcp_opens() {{ :; }}\nnap() {{ :; }}\n{answering(*before)}\n"
        f"answered_here 9443 2001:db8::9\n{answering(*after)}\n"
        "step 0 answered_elsewhere 9443 2001:db8::9"
    )
    assert run(main)[: len(reported)] == reported


def test_answers_that_change_on_purpose_are_not_compared_after_a_handover() -> None:
    main = (
        f"tcp_opens() {{ :; }}\n{answering('tls')}\nanswered_here 9443 10.0.0.9\n"
        f"{answering('closed')}\nstep 0 answered_elsewhere 9443 10.0.0.9"
    )
    assert run(main, HD_COMPARE="no") == ["step 0", "ok 0"]


@pytest.mark.parametrize(
    ("after", "reported"),
    [
        ("http/200", ["step 0", "ok 0"]),
        ("closed", ["step 0", "lost :9443@10.0.0.9=http/200=closed"]),
    ],
)
def test_old_containers_run_again_if_clients_are_not_served_without_them(
    after: str, reported: list[str]
) -> None:
    main = (
        'quietly() { case $* in *"docker start"*) echo "$*" ;; esac; }\n'
        f"{haproxy(*UP)}\n{answering('http/200')}\nexpect_backends\n{answering(after)}\n"
        "hd_disabled='1f=always 2f=no'\nstep 0 prove_disabled 1"
    )
    said = run(main, HD_BACKENDS=":9443=:9443")
    assert said[:2] == reported[:2]
    started = [line for line in said if "docker start" in line]
    assert started == ([] if after == "http/200" else ["docker start 1f", "docker start 2f"])


def test_what_is_answered_is_recorded_beside_the_name(tmp_path: Path) -> None:
    file = tmp_path / "served"
    file.write_text("api\ngone tls\nquiet http\n")
    rows = [*UP, row("n1", "UP", "L4OK").replace("api,", "quiet-backend,", 1)]
    rows += [row("n1", "DOWN", "L4CON").replace("api,", "down-backend,", 1)]
    rows = [one.replace("api,", "api-backend,", 1) for one in rows]
    main = f"{haproxy(*rows)}\nrecord_served"

    def recorded(*words: str) -> str:
        run(
            f"{answering(*words)}\n{main}",
            HD_ROOT=str(tmp_path),
            HD_LISTENERS="api=9443 quiet=9444 down=9445",
        )
        return file.read_text()

    assert recorded("http", "tls") == "api http,tls\ngone tls\nquiet http,tls\n"
    # A template may name its section otherwise.
    assert recorded("tls").startswith("api tls\n")
    file.write_text("api http,tls\ngone tls\nquiet http,tls\n")
    # What was answered before is kept.
    assert recorded("closed") == "api http,tls\ngone tls\nquiet http,tls\n"
    file.unlink()
    assert recorded("closed") == "api\nquiet\n"


DOWN = [UP[0], row("n2", "DOWN", "L4TOUT")]
TRACK = 'set_track() { emit track "$@"; }\nno_restore() { emit left "${hd_unfit-}"; }'


@pytest.mark.parametrize(
    ("rows", "reported"),
    [
        (UP, ["step 0", "ok 0"]),
        (DOWN, ["step 0", "lost api/n2", "failed 0", "left yes"]),
        (UP[:1], ["step 0", "ok 0"]),
    ],
)
def test_a_node_that_does_not_reach_what_the_holder_reaches_may_not_win(
    rows: list[str], reported: list[str]
) -> None:
    main = f"{TRACK}\n{haproxy(*rows)}\nstep 0 prove_takeover 1 api/ api/n2"
    assert [line for line in run(main) if not line.startswith("api/")][:4] == reported


@pytest.mark.parametrize(
    ("rows", "here", "reported"),
    [
        (UP, "true", ["step 0", "ok 0"]),
        (DOWN, "true", ["step 0", "lost api/n2", "track handover 1", "failed 0", "left yes"]),
        # It did not win after all.
        (DOWN, "false", ["step 0", "ok 0"]),
    ],
)
def test_a_node_that_has_won_and_does_not_reach_them_gives_the_vip_up_at_once(
    rows: list[str], here: str, reported: list[str]
) -> None:
    main = f"{TRACK}\nall_here() {{ {here}; }}\n{haproxy(*rows)}"
    main += "\nstep 0 confirm_takeover 1 '192.0.2.1 192.0.2.2' api/ api/n2"
    said = run(main, HD_ELECTION="0")
    assert [s for s in said if not s.startswith(("api/", "not within"))][:5] == reported


def test_a_writer_that_goes_on_after_the_match_prints_no_error() -> None:
    main = "{ echo silent; sleep 0.2; echo tls; } | matches -x silent; emit found $?"
    assert run(main) == ["found 0"]
