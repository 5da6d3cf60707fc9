from __future__ import annotations

import pytest

from benchmarks.document import Markers

MARKERS = Markers("speed")
BEGIN, END = MARKERS.begin, MARKERS.end


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{BEGIN}\nnew\n{END}\n"),
        ("prose\n", f"prose\n\n{BEGIN}\nnew\n{END}\n"),
        (f"above\n{BEGIN}\nold\n{END}\nbelow\n", f"above\n{BEGIN}\nnew\n{END}\nbelow\n"),
        (f"{BEGIN}\n{END}", f"{BEGIN}\nnew\n{END}"),
    ],
    ids=["empty", "without markers", "replaced", "empty block"],
)
def test_the_block_is_put_between_the_markers(before: str, after: str) -> None:
    assert MARKERS.replaced(before, "new") == after
    assert MARKERS.replaced(after, "new") == after


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}"])
def test_half_a_pair_of_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one marker without the other"):
        MARKERS.replaced(text, "new")
