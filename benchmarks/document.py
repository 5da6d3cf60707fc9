"""A block of measured figures in a document. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """The comments around a block that a script writes.

    Args:
        name: of the block.
        script: the script, without `.py`; default: the name.
    """

    name: str
    script: str = ""

    @property
    def begin(self) -> str:
        """The line before the block."""
        return f"<!-- {self.name}: begin; written by benchmarks/{self.script or self.name}.py -->"

    @property
    def end(self) -> str:
        """The line after the block."""
        return f"<!-- {self.name}: end -->"

    def replaced(self, text: str, block: str) -> str:
        """The document with a new block between the markers.

        Args:
            text: the document; without markers, the block is appended.
            block: the new block.

        Raises:
            ValueError: a marker is missing, or they are in the wrong order.
        """
        between = f"{self.begin}\n{block}\n{self.end}"
        if self.begin not in text and self.end not in text:
            return f"{text.rstrip()}\n\n{between}\n".lstrip()
        before, begin, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError("the document has one marker without the other")
        return f"{before}{between}{after}"
