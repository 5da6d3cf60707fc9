"""All scripts that hadeploy can compose are consistent, and so are their files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from hadeploy.scripts.compose import FIRST, file_names, load_file, required_files
from hadeploy.scripts.kinds import KINDS
from tests.unit.scripts import shell_code
from tests.unit.scripts.every_script import every_script

# Shell built-ins, programs on every node, and words that only look like commands.
COMMANDS = """
    break case cd command continue do done echo elif else esac exec exit export false fi for if in
    printf read return set shift then trap umask unset until wait while
    cat chmod cmp cp cut date dd df docker find flock grep head hostname id install ip kill mkdir
    mkfifo mktemp mv paste perl readlink rm rmdir sed sleep sort ss stat stdbuf sync tail tar
    timeout tr uname uniq xargs
    answers has is keepalived lock_file svname valid_lft
"""
FILES = {name: load_file(name) for name in file_names()}


@cache
def scripts() -> dict[str, str]:
    return every_script()


@cache
def owners() -> dict[str, set[str]]:
    """Which files define a function, or set a constant."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, file in FILES.items():
        for symbol in (*file.functions, *shell_code.constants(file.body)):
            found[symbol].add(name)
    return found


def test_a_function_has_one_place() -> None:
    functions = {name for file in FILES.values() for name in file.functions} - {"main"}
    found = owners()
    assert {name: found[name] for name in functions if len(found[name]) > 1} == {}


def test_no_script_defines_a_function_twice() -> None:
    for name, script in scripts().items():
        defined = Counter(re.findall(r"^(\w+)\(\)", script, re.M))
        assert [function for function, times in defined.items() if times > 1] == [], name


def test_no_script_calls_a_function_that_it_does_not_have() -> None:
    known = {name for file in FILES.values() for name in file.functions}
    for name, script in scripts().items():
        defined = set(re.findall(r"^(\w+)\(\)", script, re.M))
        (main,) = re.findall(r"^main\(\) \{\n(.*?)\n\}$", script, re.M | re.S)
        words = set(re.sub(r"emit \S+", "emit", main).split()) & known
        # In `main` a function is also given to functions that are not known to take one.
        assert not words - defined, name
        (otherwise,) = re.findall(r"^HD_OTHERWISE=(\w+)$", script, re.M) or ["main"]
        assert otherwise in defined, name


def test_every_call_is_a_function_or_a_known_command() -> None:
    functions = {name for file in FILES.values() for name in file.functions}
    for name, file in FILES.items():
        words = shell_code.commands(file.body) - functions - set(COMMANDS.split())
        assert {word for word in words if not word.startswith("hd_")} == set(), name


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_requires_what_it_calls_and_declares_its_inputs(name: str) -> None:
    file = FILES[name]
    symbols = owners()
    functions = {symbol for symbol in symbols if not symbol.isupper()} - {"main", *file.functions}
    called = shell_code.calls(file.body, functions)
    used = set(re.findall(r"\$\{?([A-Za-z_]+)", shell_code.code(file.body)))
    used -= set(shell_code.constants(file.body))
    needed = {next(iter(symbols[symbol])) for symbol in called | used if symbol in symbols}
    assert needed - {name, FIRST} <= set(file.requires)
    read, optional = shell_code.inputs(file.body)
    assert (set(file.inputs), set(file.optional_inputs)) == (read - optional, optional)


def test_a_library_file_requires_no_unused_file() -> None:
    symbols = owners()
    for name, file in FILES.items():
        text = shell_code.code(file.body)
        idle = {
            other
            for other in file.requires
            if not any(
                re.search(rf"(?<![\w.-]){symbol}(?![\w.-])", text)
                for symbol, files in symbols.items()
                if other in files
            )
        }
        # What a task requires may be called by what is composed after it.
        assert not idle or name in ("apply.sh", "down.sh", "drain.sh", "stage.sh"), name


def test_every_file_is_in_a_script() -> None:
    text = "\n".join(scripts().values())
    assert [name for name, file in FILES.items() if file.body not in text] == []


def test_a_script_gets_the_inputs_that_it_reads_and_no_others() -> None:
    for name, script in scripts().items():
        read, _ = shell_code.inputs(script)
        given = set(re.findall(r"^(HD_[A-Z_]+)=", script, re.M))
        assert given <= read, name
        assert read - given <= {"HD_COMPARE", "HD_TOGETHER"}, name


def test_what_requires_each_other_comes_once() -> None:
    names = [file.name for file in required_files("apply.sh", "adopt.sh")]
    assert names[0] == FIRST
    assert sorted(names) == sorted(set(names))


def test_the_kinds_of_message_are_those_that_scripts_emit() -> None:
    said: set[str] = set()
    for script in scripts().values():
        code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
        said.update(re.findall(r"\b(?:emit|abort) ([a-z][a-z0-9-]*)", code))
        # What other programs than the shell print.
        said.update(re.findall(r"@%s ([a-z-]+)", code))
        said.update(re.findall(r"\b[a-z0-9-]+-save\b", code) if 'emit "$hd_tool"' in code else ())
    assert said == KINDS
