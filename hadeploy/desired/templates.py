"""Finding and filling in templates; the user's folder wins over ours."""

from __future__ import annotations

import functools
from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2

from hadeploy.desired.folders import shipped_templates
from hadeploy.errors import ExitCode, HadeployError

NAMES = ("haproxy.cfg", "keepalived.conf", "check-haproxy.sh")
WHAT_EXPRESSIONS_RAISE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@functools.cache
def environment(override: Path | None) -> jinja2.Environment:
    """A strict Jinja environment, kept with what it compiles: an undefined name is an error.

    Args:
        override: a folder whose templates win over ours.
    """
    folders = [str(f) for f in (override, shipped_templates()) if f is not None]
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )
    jinja.filters["section"] = _section
    jinja.filters["number"] = lambda value: f"{value:g}"
    return jinja


def render(jinja: jinja2.Environment, name: str, **values: Any) -> str:
    """Fill in one template.

    Raises:
        HadeployError: naming the template and line that is wrong.
    """
    try:
        return jinja.get_template(f"{name}.j2").render(**values)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or error.name}:{error.lineno}"
        raise HadeployError(
            str(error.message), doing=f"reading template {where}", code=ExitCode.USAGE
        ) from error
    except (jinja2.TemplateError, *WHAT_EXPRESSIONS_RAISE) as error:
        raise HadeployError(
            str(error), doing=f"filling in template {name}.j2", code=ExitCode.USAGE
        ) from error


def compile_all(override: Path | None) -> None:
    """Do now what the first use of each template would have to.

    Args:
        override: a folder whose templates win over ours; mistakes there are told at first use.
    """
    for name in NAMES:
        with suppress(jinja2.TemplateError):
            environment(override).get_template(f"{name}.j2")


def _section(lines: str) -> str:
    """The user's own lines, indented as the section they are added to."""
    return "".join(f"    {line.strip()}\n" for line in lines.splitlines() if line.strip())
