"""A block of measured figures in a document; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """The comments between which a script writes.

    Args:
        name: of the block; that of the script, without `.py`, where it writes only one.
        script: what writes it; default: the name.
    """

    name: str
    script: str = ""

    @property
    def begin(self) -> str:
        """The line before the block."""
        return f"<!-- {self.name}: begin; written by benchmarks/{self.script or self.name}.py -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- {self.name}: end -->"

    def replaced(self, text: str, block: str) -> str:
        """A document with the block between its markers.

        Args:
            text: the document; without markers the block is added at its end.
            block: what is to be between them.

        Raises:
            ValueError: there is one marker without the other, or they are the wrong way round.
        """
        between = f"{self.begin}\n{block}\n{self.end}"
        if self.begin not in text and self.end not in text:
            return f"{text.rstrip()}\n\n{between}\n".lstrip()
        before, begin, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError("the document has one marker without the other")
        return f"{before}{between}{after}"
