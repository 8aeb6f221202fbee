"""Reads Terraform's files: their blocks, with lines, and the names that their expressions speak of."""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator

import hcl2
from hcl2 import SerializationOptions

_OPTIONS = SerializationOptions(with_comments=False, strip_string_quotes=True)
_MARKS = {"__is_block__"}


@dataclasses.dataclass
class Block:
    """A block: `resource "aws_vpc" "this" { … }` has the kind `resource` and two labels."""

    kind: str
    labels: list[str]
    line: int
    attributes: dict
    blocks: list["Block"]
    file: "File"

    def line_of(self, attribute: str) -> int:
        """Where an attribute is written."""
        for number in range(self.line, len(self.file.lines) + 1):
            if re.match(rf"\s*[\"({{]?{re.escape(attribute)}\W*=", self.file.lines[number - 1]):
                return number
        return self.line

    def each(self, kind: str) -> list["Block"]:
        """The blocks inside that are of a kind."""
        return [block for block in self.blocks if block.kind == kind]


@dataclasses.dataclass
class File:
    """A file with its blocks, and its text less comments and the words of strings."""

    path: pathlib.Path
    lines: list[str]
    code: str
    blocks: list[Block]


@dataclasses.dataclass
class Reference:
    """`module.network["a"].vpc_id` has the root `module`, the name `network` and the attribute `vpc_id`."""

    root: str
    name: str
    attribute: str | None
    line: int


# How many labels a block has, at the top of a file and inside of another block.
_OUTER = {
    "resource": 2,
    "data": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "provider": 1,
    "run": 1,
    "mock_provider": 1,
}
_INNER = {"dynamic": 1, "provisioner": 1, "backend": 1, "mock_resource": 1, "mock_data": 1}


def read(path: pathlib.Path) -> File:
    """Reads a file. ValueError says what is wrong with its syntax."""
    text = path.read_text()
    try:
        tree = _tree(text)
    except Exception as error:  # The parser raises many kinds, all of which mean the same to us.
        raise ValueError(str(error).splitlines()[0]) from error
    file = File(path, text.splitlines(), _code(text), [])
    places = _places(file.code)
    file.blocks = [block for kind, value in tree.items() for block in _blocks(kind, value, file, _OUTER, places)]
    return file


@functools.cache
def _tree(text: str) -> dict:
    return hcl2.loads(text, serialization_options=_OPTIONS)


def _blocks(kind: str, value: list, file: File, counts: dict[str, int], places: list["_Place"]) -> Iterator[Block]:
    for body, place in zip(value, (p for p in places if p.kind == kind), strict=True):
        labels = []
        for _ in range(counts.get(kind, 0)):
            ((label, body),) = ((k, v) for k, v in body.items() if k not in _MARKS)
            labels.append(label)
        inner, attributes = [], {}
        for name, content in body.items():
            if _is_blocks(name, content):
                inner += _blocks(name, content, file, _INNER, place.inside)
            elif name not in _MARKS:
                attributes[name] = content
        yield Block(kind, labels, place.line, attributes, inner, file)


@dataclasses.dataclass
class _Place:
    """Where a block begins; the parser keeps the order of blocks, but not their lines."""

    kind: str
    line: int
    inside: list["_Place"]


_OPENING = re.compile(r"\s*([A-Za-z_]\w*)(?:\s+\"[^\"]*\")*\s*\{")


def _places(code: str) -> list[_Place]:
    """The blocks of a file, and in them theirs."""
    whole = _Place("", 0, [])
    holders, depths, depth = [whole], [0], 0
    for number, line in enumerate(code.splitlines(), 1):
        opening = _OPENING.match(line) if depth == depths[-1] else None
        depth += line.count("{") - line.count("}")
        if opening:
            place = _Place(opening[1], number, [])
            holders[-1].inside.append(place)
            if depth > depths[-1]:
                holders.append(place)
                depths.append(depth)
        while depth < depths[-1]:
            holders.pop()
            depths.pop()
    return whole.inside


def _is_blocks(name: str, content: object) -> bool:
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        return False
    first = content[0]
    for _ in range(_INNER.get(name, 0)):
        first = next((v for k, v in first.items() if k not in _MARKS), None)
        if not isinstance(first, dict):
            return False
    return "__is_block__" in first


_REFERENCE = re.compile(r"(?<![\w.\-\"])([a-z]\w*)\.([A-Za-z_][\w-]*)((?:\[[^\[\]]*\])*)(?:\.([A-Za-z_]\w*))?")


def references(file: File) -> Iterator[Reference]:
    """All `root.name` and `root.name.attribute` of a file's expressions."""
    for found in _REFERENCE.finditer(file.code):
        root, name, _, attribute = found.groups()
        if root == "data":
            following = re.compile(r"\.([A-Za-z_]\w*)((?:\[[^\[\]]*\])*)(?:\.([A-Za-z_]\w*))?").match(
                file.code, found.end(2)
            )
            if not following:
                continue
            root, name, attribute = f"data.{name}", following.group(1), following.group(3)
        yield Reference(root, name, attribute, file.code.count("\n", 0, found.start()) + 1)


@functools.cache
def _code(text: str) -> str:
    """The text with comments and the words of strings blanked; what is in ${…} stays, and each line its number."""
    out = list(text)
    at, depth, strings = 0, 0, []  # strings: for each one that is open, the depth of braces at its ${

    def blank(start: int, end: int) -> None:
        for index in range(start, min(end, len(out))):
            if out[index] != "\n":
                out[index] = " "

    in_string = False
    while at < len(text):
        rest = text[at : at + 3]
        if in_string:
            if rest.startswith(("$${", "%%{")):
                blank(at, at + 3)
                at += 3
            elif rest.startswith(("${", "%{")):
                blank(at, at + 2)
                strings.append(depth)
                depth, in_string, at = 0, False, at + 2
            elif rest[0] == "\\":
                blank(at, at + 2)
                at += 2
            else:
                in_string = rest[0] != '"'
                if in_string:
                    blank(at, at + 1)
                at += 1
        elif rest[0] == '"':
            in_string, at = True, at + 1
        elif rest[0] == "#" or rest.startswith("//"):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            blank(at, end)
            at = end
        elif rest.startswith("/*"):
            end = text.find("*/", at) + 2
            blank(at, end)
            at = end
        elif rest.startswith("<<") and (heredoc := re.compile(r"<<-?(\w+)\n(.*?)^\s*\1$", re.M | re.S).match(text, at)):
            for start, end in _between_templates(heredoc):
                blank(start, end)
            at = heredoc.end()
        elif rest[0] == "}" and depth == 0 and strings:
            blank(at, at + 1)
            depth, in_string, at = strings.pop(), True, at + 1
        else:
            depth += (rest[0] == "{") - (rest[0] == "}") if strings else 0
            at += 1
    return "".join(out)


def _between_templates(heredoc: re.Match) -> Iterator[tuple[int, int]]:
    """The stretches of a heredoc that are outside of ${…}."""
    start = heredoc.start()
    for template in re.finditer(r"(?<!\$)\$\{(.*?)\}", heredoc.group(0)):
        yield start, heredoc.start() + template.start(1)
        start = heredoc.start() + template.end(1)
    yield start, heredoc.end()
