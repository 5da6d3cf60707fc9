"""The answers of haproxy: its configuration and its statistics. Pure."""

from __future__ import annotations

import csv
import io
import re

from hadeploy.observe.observed_node import (
    BackendServer,
)


def parse_serving(text: str) -> str | None:
    """The id that haproxy's health frontend redirects to."""
    match = re.search(r"^location: /(\S+)", text, re.M | re.I)
    return match[1] if match else None


def parse_backends(text: str) -> tuple[BackendServer, ...]:
    """The servers in haproxy's statistics."""
    return tuple(
        BackendServer(
            row["pxname"],
            row["svname"],
            row["status"],
            # "* " marks that the next check is in progress.
            (row.get("check_status") or "").removeprefix("* "),
            row.get("last_chk") or "",
            row.get("addr") or "",
            number(row.get("scur") or "") or 0,
            bool(number(row.get("bout") or "")),
            _status(row.get("check_code") or ""),
            number(row.get("slim") or "") or 0,
            number(row.get("qcur") or "") or 0,
        )
        for row in _statistics(text)
        if row.get("svname") not in (None, "FRONTEND", "BACKEND") and row.get("status")
    )


def parse_sessions(text: str) -> dict[str, int]:
    """The current sessions of each frontend in haproxy's statistics."""
    return parse_column(text, "FRONTEND", "scur")


def parse_column(text: str, kind: str, column: str) -> dict[str, int]:
    """A column of haproxy's statistics for rows of one kind, by the name of the section."""
    return {
        row["pxname"]: number(row.get(column) or "") or 0
        for row in _statistics(text)
        if row.get("svname") == kind
    }


def _statistics(text: str) -> csv.DictReader[str]:
    """haproxy's statistics: CSV (management guide, 9.1) after the HTTP header."""
    _, header, table = text.partition("# pxname")
    return csv.DictReader(io.StringIO((header + table).removeprefix("# ")))


def _status(text: str) -> str:
    """An HTTP status; "" for codes of other protocols and for 0."""
    return text if re.fullmatch("[1-5][0-9][0-9]", text) else ""


def number(text: str) -> int | None:
    """A whole number; None for anything else."""
    return int(text) if text.strip().lstrip("-").isdigit() else None
