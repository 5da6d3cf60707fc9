"""The document of --json as a schema; docs/json.md says it in words.

The enumerations are the code's own types, so that a new action is in the schema by itself.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from hadeploy.check.all_checks import IDS
from hadeploy.desired.desired_node import Role
from hadeploy.diagnose.all_causes import IDS as CAUSES
from hadeploy.drill.scenarios import NAMES as SCENARIOS
from hadeploy.drill.trial import How
from hadeploy.drill.trial import Kind as EventKind
from hadeploy.errors import ExitCode
from hadeploy.plan.steps import Action, Impact
from hadeploy.rollout.node_outcome import NodeOutcome
from hadeploy.status.cluster_status import ClusterStatus
from hadeploy.verify.proof import Verdict


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        # A default is only for whoever makes one; in the document everything is told.
        json_schema_serialization_defaults_required=True,
    )


class StepPart(_Part):
    """One change on one node."""

    action: Action
    subject: str
    """To what: a path, a container name, an image reference, an address."""
    reason: str
    impact: Impact
    diff: list[str]
    """What changes, line by line, without secrets."""
    drift: bool
    """Whether the node is no longer as it was left, by hand or by a failure."""


class NodePart(_Part):
    """What is done on one node, in order."""

    node: str
    holder: bool
    """Whether it held a VIP when it was observed."""
    drained: bool
    """Whether the VIP is kept off it."""
    together: bool
    """Whether, if it fails, every node goes back to what it had."""
    steps: list[StepPart]


class ProofPart(_Part):
    """One thing that must be true, and whether it is."""

    proof: str
    """A stable name: container-running, vip-held-once, ..."""
    verdict: Verdict
    """`warn` is told and fails nothing."""
    node: str | None
    """Null when it concerns the whole cluster."""
    message: str
    hint: str | None


class CheckPart(_Part):
    """One check on one node."""

    id: Literal[IDS]  # type: ignore[valid-type]
    """docs/checks.md tells of each."""
    node: str | None
    """Null when it concerns no single node."""
    verdict: Verdict
    """`warn` is told and stops nothing."""
    message: str
    fix: str | None


class ConfigWarningPart(_Part):
    """What a program warns of in a configuration that it accepts."""

    program: Role
    nodes: list[str]
    """Where it warns of that."""
    message: str
    """In its own words, without secrets."""
    line: str
    """`line 45: fullconn 10`, as it was rendered, without secrets; "" if it names none."""


class ImagePart(_Part):
    """An image that is where it was wanted."""

    reference: str
    architecture: str
    """As images say it: amd64, arm64, ..."""
    node: str | None
    """Null for an archive that was written here."""
    state: Literal["saved", "sent", "there"]
    """`there`: the node had it already."""
    archive: str | None
    """The file that it is in, or came from."""
    bytes: int
    """How large that was on its way; an archive with both images counts for each."""


class DiagnosisPart(_Part):
    """Why proofs failed: a cause that was recognised."""

    cause: Literal[CAUSES]  # type: ignore[valid-type]
    """docs/diagnosis.md tells of each."""
    nodes: list[str]
    """Where something is to be done; empty when it concerns no single node."""
    message: str
    evidence: list[str]
    """What it was recognised by; never a secret."""
    fix: str


class DrillEventPart(_Part):
    """Something that happened on a node around a breakage, in its order."""

    at: float
    """Seconds from when the breaking began; by the clock of the machine that hadeploy runs on."""
    node: str
    kind: EventKind
    """breaking, broken, mending and mended are the drill's own; state, check and priority are from
    keepalived's log; container is Docker's."""
    what: str
    """The address that was bound or unbound, MASTER, failed, `271 250` (from, to), `lb die`, ..."""


class DrillPart(_Part):
    """One breakage and what became of it; durations in seconds, from when it began."""

    scenario: Literal[SCENARIOS]  # type: ignore[valid-type]
    victims: list[str]
    """The nodes where something was broken."""
    holder: str
    """Who had the VIP before."""
    successor: str | None
    """Who took it over; null if it did not move."""
    detected: float | None
    """Until keepalived had noticed."""
    taken_over: float | None
    """Until the VIP was bound anew."""
    outage: float | None
    """The longest time without an answer through the VIP; null if nobody could ask."""
    failed: int
    """Requests without an answer."""
    requests: int
    asked_from: str | None
    """`here`, or a node; null if nobody could ask."""
    asked_how: How | None
    """What counts as an answer: a TLS handshake, a byte, or a connection."""
    failed_back: bool
    """Whether its first holder has the VIP again in the end."""
    double: float
    """For how long two nodes had the VIP."""
    problems: list[str]
    """What was not as it must be; empty if it was passed."""
    events: list[DrillEventPart]


class ErrorPart(_Part):
    """Why a command failed, once for each node."""

    node: str | None
    operation: str | None
    message: str
    detail: str | None
    """What a program said, word for word."""
    hint: str | None


class Document(_Part):
    """What a command with --json prints on stdout, however it ends."""

    command: str | None
    """Null if the command line names none."""
    cluster: str | None
    """The cluster's name; null if the inventory could not be read."""
    exit_code: ExitCode
    changes: int | None
    """How many steps the plan has; null if there is no plan."""
    plan: list[NodePart] | None
    """The nodes in the order in which they are changed; one may have its turn twice."""
    together: list[str]
    """The VRRP settings that change on all nodes together."""
    warnings: list[str]
    """What a user of the VIP may notice, in sentences."""
    undoes: list[str]
    """Changes of other users that the inventory does not have, in sentences."""
    removes: list[str]
    """What goes away for clients (a port, a listener, a VIP), in sentences."""
    nodes: dict[str, NodeOutcome]
    """Who has what after a roll that did not come to its end; else empty."""
    vip_wait_seconds: float | None
    """Seconds that the VIP took to answer after the last change of `up`, or 0; else null."""
    images: list[ImagePart]
    """What `images save` wrote, or `images push` brought; else empty."""
    checks: list[CheckPart]
    """What `check` found, or `plan` and `up` before they planned."""
    config_warnings: list[ConfigWarningPart]
    """What haproxy warns of in what `plan` and `up` would give it; else empty."""
    proofs: list[ProofPart]
    diagnosis: list[DiagnosisPart]
    """Why proofs failed, the most probable cause first."""
    drill: list[DrillPart]
    """What `drill` broke; else empty."""
    archive: str | None
    """What `support` has written; null for other commands."""
    report: str | None
    """What `drill --report` has written; else null."""
    status: ClusterStatus | None
    """What `status` has seen; null for other commands."""
    errors: list[ErrorPart]


class ClusterPart(_Part):
    """One cluster of a fleet."""

    inventory: str
    """Its file, as it was named."""
    cluster: str | None
    """Its name; null if there are mistakes in some inventory."""
    exit_code: ExitCode | None
    """Null if it was not begun."""
    seconds: float | None
    """How long it took; null if it was not begun."""
    document: Document | None
    """What its command says; null if it was not begun, or did not come to say anything."""


class FleetDocument(_Part):
    """What a command with --json prints if -i names several inventories."""

    command: str
    exit_code: ExitCode
    """0 if all are 0, what the failures have in common, or 1."""
    clusters: list[ClusterPart]
    """In the order in which they were named."""
    errors: list[ErrorPart]
    """Why nothing was begun; what went wrong with one cluster is in its document."""


def document_schema() -> dict[str, Any]:
    """The schema of the document.

    Returns:
        A JSON Schema (draft 2020-12) to be written as JSON. It allows no other keys than this
        version's.
    """
    either: TypeAdapter[Document | FleetDocument] = TypeAdapter(Document | FleetDocument)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **either.json_schema(mode="serialization"),
        "title": "hadeploy --json",
    }
