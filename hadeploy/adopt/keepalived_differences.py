"""Differences between the keepalived.conf of a cluster set up by hand and hadeploy's. Pure.

Every statement gets a verdict (keepalived.conf(5)); one that no rule covers is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.adopt.classic import Classic
from hadeploy.adopt.difference import NO_KEY, OWN_TEMPLATE, Difference, Keep, different
from hadeploy.adopt.report import Verdict
from hadeploy.config_files.haproxy_values import whole
from hadeploy.config_files.keepalived import Statement, parse
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import check_weight, priorities
from hadeploy.plan.redacted_diff import shown

# Blocks whose lines are judged one by one.
_VIPS = ("virtual_ipaddress", "virtual_ipaddress_excluded")
_LISTS = ("authentication", *_VIPS, "unicast_peer", "track_script", "track_interface")
# Statements that `keepalived_differences` compares as values, or that have no effect.
_COMPARED = (
    *("interface", "state", "virtual_router_id", "priority", "advert_int", "unicast_src_ip"),
    *("nopreempt", "preempt", "version", "debug", "accept"),
)
_GLOBAL_NAMES = ("router_id", "script_user", "enable_script_security", "vrrp_version")
_OF_CHECK = ("interval", "timeout", "fall", "rise")
_ENOUGH = 200


@dataclass
class _Report:
    """The verdict on each statement, and the differences."""

    cluster: Cluster
    classic: Classic
    ours: Statement
    verdicts: list[tuple[Statement, Verdict]] = field(default_factory=list)
    differences: dict[Difference, None] = field(default_factory=dict)

    def judge(self, statement: Statement, verdict: Verdict) -> None:
        self.verdicts += [(each, verdict) for each in statement.walk()]

    def add(self, *differences: Difference) -> None:
        self.differences |= dict.fromkeys(differences)

    def lose(self, statement: Statement, where: str = "", why: str = OWN_TEMPLATE) -> None:
        self.judge(statement, Verdict.REPORTED)
        for text in _texts(statement):
            self.add(Difference(f"keepalived: {where}{text}", why=why))


def keepalived_differences(
    cluster: Cluster, node: str, classics: Mapping[str, Classic], ours: str
) -> tuple[Difference, ...]:
    """The differences of the keepalived of a node.

    Args:
        node: the node's label.
        classics: the instance of every old node, by label.
        ours: the keepalived.conf that replaces it.
    """
    return tuple(judge_keepalived(cluster, node, classics, ours)[1])


def judge_keepalived(
    cluster: Cluster, node: str, classics: Mapping[str, Classic], ours: str
) -> tuple[list[tuple[Statement, Verdict]], list[Difference]]:
    """The same, with a verdict on each statement."""
    report = _Report(cluster, classics[node], parse(ours))
    report.add(*_values(cluster, node, classics))
    for statement in report.classic.tree.block:
        if statement.keyword == "global_defs":
            _global_defs(report, statement)
        elif statement.keyword == "vrrp_script":
            _script(report, statement)
        elif statement.keyword == "vrrp_instance":
            _instance(report, statement)
        else:
            report.lose(statement)
    return report.verdicts, list(report.differences)


def _values(cluster: Cluster, node: str, classics: Mapping[str, Classic]) -> Iterator[Difference]:
    """The differences in settings that the inventory also has."""
    vrrp, classic = cluster.vrrp, classics[node]
    weights = [script.weight for script in classic.scripts]
    check = "weight" if any(weights) else "fault"
    pairs: list[tuple[str, Any, Any, str]] = [
        ("virtual_router_id", classic.virtual_router_id, vrrp.virtual_router_id, ""),
        ("VRRP version", classic.version, vrrp.version, "version"),
        ("advert_int", classic.advert_interval, vrrp.advert_interval, "advert_interval"),
        ("transport", "unicast" if classic.peers else "multicast", vrrp.mode, "mode"),
        ("preemption", not classic.nopreempt, vrrp.preempt, "preempt"),
        ("on a failed check", check, vrrp.on_check_failure, "on_check_failure"),
    ]
    everything = tuple(_everything(cluster, classics, pairs, weights))
    for name, theirs, ours, key in pairs:
        if theirs != ours:
            value = int(theirs) if isinstance(theirs, float) and theirs == int(theirs) else theirs
            alone = {"vrrp": {key or name: value}}
            what = f"{name} {_text(theirs)} becomes {_text(ours)}"
            yield different(cluster, what, alone, *everything, why=f"vrrp.{key or name}")
    if check == vrrp.on_check_failure == "weight" and max(weights) != check_weight(cluster):
        what = f"weight {max(weights)} becomes {check_weight(cluster)}"
        alone = {"vrrp": {"weight": max(weights)}}
        yield different(cluster, what, alone, *everything, why="vrrp.weight")
    if classic.priority != (own := priorities(cluster)[node]):
        what = f"priority of {node} {classic.priority} becomes {own}"
        keep = {"nodes": _priorities(cluster, classics)}
        yield different(cluster, what, keep, *everything, why="nodes[].priority is 1 to 254")
    if (classic.password is None) != (vrrp.password is None) and vrrp.version == 2:
        if classic.password is None:
            yield Difference("a password is added", why="remove vrrp.password")
        else:
            secret = {"vrrp": {"password": "env:VRRP_PASSWORD"}}
            yield different(cluster, "its password (auth_pass) is removed", secret)


def _everything(
    cluster: Cluster,
    classics: Mapping[str, Classic],
    pairs: list[tuple[str, Any, Any, str]],
    weights: list[int],
) -> Iterator[Keep]:
    """Combinations of settings that are only valid together, the shortest first."""
    vrrp = {key or name: value for name, value, _, key in pairs}
    by_weight = {"preempt": vrrp["preempt"], "on_check_failure": vrrp["on_check_failure"]}
    speech = {"version": vrrp["version"], "advert_interval": vrrp["advert_interval"]}
    weight = {"weight": max(weights)} if vrrp["on_check_failure"] == "weight" else {}
    for part in (by_weight, speech, {**by_weight, **weight}):
        yield {"vrrp": part}
        yield {"vrrp": part, "nodes": _priorities(cluster, classics)}


def _priorities(cluster: Cluster, classics: Mapping[str, Classic]) -> list[dict[str, object]]:
    return [
        {"address": str(node.address), "priority": classics[node.label].priority}
        for node in cluster.nodes
        if node.label in classics
    ]


def _global_defs(report: _Report, block: Statement) -> None:
    ours = {s.words for b in report.ours.all("global_defs") for s in b.block}
    report.verdicts.append((block, Verdict.REPLACED))
    for statement in block.block:
        if statement.words in ours and not statement.block:
            report.judge(statement, Verdict.SAME)
        elif statement.keyword in _GLOBAL_NAMES:
            report.judge(statement, Verdict.REPLACED)
        else:
            report.lose(statement)


def _script(report: _Report, block: Statement) -> None:
    tracked = [script.name for script in report.classic.scripts]
    if block.argument not in tracked:
        report.judge(block, Verdict.NO_EFFECT)
        return
    report.verdicts.append((block, Verdict.REPLACED))
    where = f"check {block.argument}: "
    for statement in block.block:
        if statement.keyword == "script":
            report.judge(statement, Verdict.REPORTED)
            what = f"{where}hadeploy uses its own check of haproxy"
            report.add(Difference(f"keepalived: {what}", why="vrrp.check sets its timing"))
        elif statement.keyword in _OF_CHECK:
            _timing(report, statement, where, alone=len(tracked) == 1)
        elif statement.keyword in ("weight", "user"):
            report.judge(statement, Verdict.REPLACED)
        else:
            report.lose(statement, where)


def _timing(report: _Report, statement: Statement, where: str, *, alone: bool) -> None:
    ours: int = getattr(report.cluster.vrrp.check, statement.keyword)
    theirs = statement.argument
    if theirs in (str(ours), f"{ours}.0"):
        report.judge(statement, Verdict.SAME)
        return
    report.judge(statement, Verdict.REPORTED)
    what = f"keepalived: {where}{statement.keyword} {shown(theirs)} becomes {ours}"
    keep = {"vrrp": {"check": {statement.keyword: whole(theirs)}}}
    report.add(different(report.cluster, what, keep if alone else None, why="vrrp.check"))


def _instance(report: _Report, block: Statement) -> None:
    ours = {s.words for b in report.ours.all("vrrp_instance") for s in b.block if not s.block}
    report.verdicts.append((block, Verdict.REPLACED))
    for statement in block.block:
        keyword = statement.keyword
        if statement.words in ours and not statement.block:
            report.judge(statement, Verdict.SAME)
        elif keyword in _COMPARED:
            report.judge(statement, Verdict.REPLACED)
        elif keyword in _LISTS:
            report.verdicts.append((statement, Verdict.REPLACED))
            for line in statement.block:
                _in_list(report, keyword, line)
        elif keyword.startswith("notify"):
            report.judge(statement, Verdict.REPORTED)
            said = " ".join(shown(" ".join(statement.words)).split())
            why = "the file is kept in adopted/; your own template can run it: templates.folder"
            what = f"keepalived: {said}: hadeploy runs no notify script"
            report.add(Difference(what, why=why))
        else:
            report.lose(statement)


def _in_list(report: _Report, keyword: str, line: Statement) -> None:
    """Judge a line of a block: an address, a peer, a check or an interface, with its options."""
    own = line.words == (report.classic.interface,)
    script = line.keyword in [s.name for s in report.classic.scripts]
    simple = len(line.words) == 1 or (len(line.words) == 3 and line.words[1] == "weight")
    if keyword in _VIPS:
        _vip(report, line)
    elif (
        (keyword == "unicast_peer" and len(line.words) == 1)
        # keepalived always tracks the interface of the instance.
        or (keyword == "track_interface" and own)
        or (keyword == "authentication" and line.keyword in ("auth_type", "auth_pass"))
        or (keyword == "track_script" and script and simple)
    ):
        report.judge(line, Verdict.REPLACED)
    else:
        report.lose(line, f"{keyword}: ")


def _vip(report: _Report, line: Statement) -> None:
    """Judge a line of a VIP: its prefix and its options."""
    words = dict(zip(line.words[1::2], line.words[2::2], strict=False))
    rest = [f"{k} {v}" for k, v in words.items() if (k, v) != ("dev", report.classic.interface)]
    rest += [line.words[-1]] if len(line.words) % 2 == 0 else []
    report.judge(line, Verdict.REPORTED if rest else Verdict.REPLACED)
    if rest:
        what = f"keepalived: VIP {line.keyword}: {shown(' '.join(rest))}"
        report.add(Difference(what, why=OWN_TEMPLATE))
    ours = {str(vip.ip): vip for vip in report.cluster.vip}
    theirs = {str(vip.ip): vip for vip in report.classic.vips}
    address = line.keyword.partition("/")[0]
    if address in ours and address in theirs and ours[address] != theirs[address]:
        report.judge(line, Verdict.REPORTED)
        vips = [str(theirs.get(ip, vip)) for ip, vip in ours.items()]
        keep = {"vip": vips[0] if len(vips) == 1 else vips}
        what = f"VIP {theirs[address]} becomes {ours[address]}"
        report.add(different(report.cluster, what, keep, why=NO_KEY))


def _texts(statement: Statement, before: str = "") -> Iterator[str]:
    """A statement, or each statement in its block, as a line without secrets."""
    text = " ".join(shown(" ".join(statement.words)).split())[:_ENOUGH]
    if not statement.block:
        yield f"{before}{text}"
    for inner in statement.block:
        yield from _texts(inner, f"{before}{text}: ")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
