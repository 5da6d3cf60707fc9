"""Whether the API servers that run already have certificates for the VIP. Pure, only a warning."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.model import Finding, Sight
from hadeploy.verify.certificates import certificate_proofs
from hadeploy.verify.model import Verdict


def api_certificates(sight: Sight) -> Iterator[Finding]:
    """As `verify` proves it, of every API server that answers, whether haproxy runs or not."""
    read = sight.certificates
    for proof in certificate_proofs(sight.cluster, read, read.found):
        verdict: Verdict = "pass" if proof.verdict == "pass" else "warn"
        yield Finding("api-certificate", None, verdict, proof.message, proof.hint)
