"""What is installed from the wheel is whole."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_the_wheel_carries_templates_scripts_and_the_labs_files(tmp_path: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
            *("-w", tmp_path, TOP),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("hadeploy-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"hadeploy/_templates/{p.name}" for p in (TOP / "templates").iterdir()}
    package = TOP / "hadeploy"
    wanted |= {
        str(p.relative_to(TOP))
        for p in package.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert wanted <= names
