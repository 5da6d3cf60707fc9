"""Other users of a node see the arguments of every process: a run's tokens are in none."""

from __future__ import annotations

import re

import pytest

from hadeploy.scripts.compose import file_names, load_file

# The tokens of a script's messages and of a run's locks; and passwords.
TOKENS = ("HD_TOKEN", "HD_LOCK", "HD_WATCH", "HD_PASSWORD", "HD_AUTH", "HD_MARK")
# Programs of their own; everything else that scripts call is the shell's.
PROGRAMS = re.compile(r"\b(?:bash|perl|sed|grep|timeout|docker|curl|xargs|sh)\b[^|;&\n]*", re.A)


@pytest.mark.parametrize("name", file_names())
def test_no_token_is_in_the_arguments_of_a_program(name: str) -> None:
    text = load_file(name).body.replace("\\\n", " ")
    text = re.sub(r"'[^']*'", "''", text)
    for called in PROGRAMS.findall(text):
        assert not [token for token in TOKENS if f"${token}" in called], called
