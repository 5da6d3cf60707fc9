"""The server state that one haproxy leaves for the next, through the shell functions of a node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.scripts import apply_script
from hadeploy.scripts.compose import load_file
from tests.unit import builders
from tests.unit.rollout.test_scripts import change

HEADER = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
    "wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,"
    "tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,"
    "hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,"
    "comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,"
    "agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,"
    "check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode"
)


def reported(function: str, given: str, shell: str = "dash") -> list[str]:
    """The lines that a function of server_state.sh makes of what it is given."""
    script = load_file("server_state.sh").body
    done = subprocess.run(
        [shell, "-c", f"HD_ROOT=/nonexistent\n{script}\n{function}"],
        input=given,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def row(server: str, status: str, address: str, last_check: str = "") -> str:
    """One line of haproxy's statistics, as haproxy writes it."""
    given = {"pxname": "api", "svname": server, "status": status, "addr": address}
    given["last_chk"] = last_check
    return ",".join(given.get(name, "0") for name in HEADER.removeprefix("# ").split(","))


@pytest.mark.parametrize("status", ["DOWN", "DOWN 1/2"])
def test_a_server_that_is_down_is_known(status: str) -> None:
    rows = [HEADER, row("n3", status, "10.0.0.3:6443"), row("v6", status, "[2001:db8::1]:6443")]
    assert reported("down_servers", "\n".join(rows)) == [
        "api n3 10.0.0.3:6443",
        "api v6 [2001:db8::1]:6443",
    ]


@pytest.mark.parametrize(
    "status",
    ["UP", "UP 1/3", "no check", "MAINT", "MAINT (via api/n1)", "DRAIN", "NOLB", "DOWN (agent)"],
)
def test_only_what_its_check_calls_down_is_down(status: str) -> None:
    assert reported("down_servers", row("n3", status, "10.0.0.3:6443")) == []


def test_what_a_server_answered_does_not_get_in_the_way() -> None:
    rows = row("n3", "DOWN", "10.0.0.3:6443", '"a, ""b"", c"')
    assert reported("down_servers", rows) == ["api n3 10.0.0.3:6443"]


def test_the_servers_of_a_configuration_are_reported(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        builders.desired(builders.cluster())["n1"].file("haproxy/haproxy.cfg").content
    )
    assert reported(f"servers {config}", "") == [
        f"kube-apiserver-backend n{n} 198.51.100.1{n}:6443 ".rstrip() for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_state_has_the_fields_that_every_version_takes(shell: str) -> None:
    given = "api n3 10.0.0.3:6443\napi v6 [2001:db8::1]:7443\n"
    version, names, *lines = reported("server_state", given, shell)
    assert version == "1"
    assert [len(line.split()) for line in (names.removeprefix("# "), *lines)] == [20, 20, 20]
    fields = [
        dict(zip(names.removeprefix("# ").split(), line.split(), strict=True)) for line in lines
    ]
    assert [(f["be_name"], f["srv_name"], f["srv_port"]) for f in fields] == [
        ("api", "n3", "6443"),
        ("api", "v6", "7443"),
    ]
    assert {f["srv_addr"] for f in fields} == {"-"}, "the configured one"


def test_an_unknown_state_is_a_state() -> None:
    version, names = reported("server_state", "")
    assert version == "1"
    assert names.startswith("#")


def carried_over(folder: Path, config: str, statistics: list[str]) -> list[str]:
    """The servers that save_server_state writes for a haproxy with that configuration."""
    (folder / "haproxy").mkdir()
    (folder / "haproxy/haproxy.cfg").write_text(config)
    (folder / "statistics").write_text("\n".join(statistics))
    reported(
        f"""HD_ROOT={folder} HD_HEALTH_PORT=1 state_file={folder}/haproxy/server-state
        recorded() {{ :; }}
        http_get() {{ cat {folder}/statistics; }}
        clear_server_state
        save_server_state""",
        "",
    )
    state = folder / "haproxy/server-state"
    assert state.stat().st_mode & 0o777 == 0o644
    lines = [line for line in state.read_text().splitlines()[1:] if not line.startswith("#")]
    return [line.split()[3] for line in lines]


CONFIG = """global
    maxconn 100
backend api
    server n1 10.0.0.1:6443 check
    server n2 10.0.0.2:6443 check
    server n3 10.0.0.3:6443 check
"""
ALL_DOWN = [HEADER, *(row(f"n{n}", "DOWN", f"10.0.0.{n}:6443") for n in (1, 2, 3))]


def test_servers_that_are_the_same_afterwards_are_carried_over(tmp_path: Path) -> None:
    changed = CONFIG.replace("10.0.0.1:6443", "10.0.0.1:7443").replace("n2 10.0.0.2", "n2 10.0.0.9")
    assert carried_over(tmp_path, changed, ALL_DOWN) == ["n3"]


@pytest.mark.parametrize(
    ("config", "statistics"),
    [
        (CONFIG, []),
        (CONFIG, [HEADER, row("n3", "UP", "10.0.0.3:6443")]),
        # An older haproxy.cfg of hadeploy has statistics without addresses.
        (CONFIG, [HEADER, row("n3", "DOWN", "")]),
        (CONFIG.replace("backend api", "backend other"), ALL_DOWN),
        (CONFIG.replace("maxconn 100", "zero-warning"), ALL_DOWN),
    ],
)
def test_nothing_else_is_carried_over(tmp_path: Path, config: str, statistics: list[str]) -> None:
    assert carried_over(tmp_path, config, statistics) == []


def test_it_is_carried_over_right_before_haproxy_is_touched() -> None:
    cluster = builders.cluster()
    desired = builders.desired(cluster)
    (turn, *_) = make_plan(cluster, desired, {n: builders.empty(n) for n in desired}).nodes
    lines = apply_script(change("n1"), turn, "f" * 16, otherwise="restore").splitlines()
    assert lines.count("save_server_state") == 1
    assert lines[lines.index("save_server_state") + 1].split()[2] == "if_ports_are_free"
