"""What a check finds."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing to mend."""

    where: str
    """A path of the tree, or an overlay and an object in it."""
    rule: str
    """The rule's name, by which the mutations know it."""
    what: str
    """What is wrong, and what is wanted."""

    def __str__(self) -> str:
        return f"{self.where}: [{self.rule}] {self.what}"


class Unavailable(Exception):
    """A tool is not on this machine, so its check was not made; says which and how to get it."""
