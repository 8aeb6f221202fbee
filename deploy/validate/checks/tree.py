"""The tree: which services there are, and what belongs to each."""

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import yaml

ENVIRONMENTS = ("dev", "staging", "prod")

# `plinth` is a command, no service: it has an image and no pods of its own.
COMMANDS = {"monolith"}


class Service(NamedTuple):
    """A folder of services/ that is a service."""

    name: str
    has_database: bool


class Tree:
    """The files of one checkout, or of a copy of it."""

    def __init__(self, root: Path):
        self.root = root

    def text(self, path: str) -> str:
        """A file's text; empty if it is not there."""
        file = self.root / path
        return file.read_text() if file.is_file() else ""

    def yaml(self, path: str):
        """A file's only document."""
        return yaml.safe_load(self.text(path)) or {}

    def folders(self, path: str) -> list[str]:
        """The names of the folders in a folder."""
        folder = self.root / path
        return sorted(child.name for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []

    @cached_property
    def services(self) -> list[Service]:
        """The services, by their folders."""
        names = [name for name in self.folders("services") if name not in COMMANDS]
        return [Service(name, (self.root / "services" / name / "migrations").is_dir()) for name in names]

    @cached_property
    def packages(self) -> list[str]:
        """The binaries of all folders in services/, commands too."""
        manifests = [self.root / "services" / name / "Cargo.toml" for name in self.folders("services")]
        return [tomllib.loads(manifest.read_text())["package"]["name"] for manifest in manifests if manifest.is_file()]

    @cached_property
    def ports(self) -> dict[str, int]:
        """The public port of each service, as crates/service-discovery has it."""
        source = self.text("crates/service-discovery/src/service.rs")
        names = dict(re.findall(r'Self::(\w+) => "(\w+)"', source.partition("fn area")[0]))
        ports = re.findall(r"Self::(\w+) => (\d+),", source)
        return {names[variant]: int(port) for variant, port in ports if variant in names}

    @cached_property
    def targets(self) -> dict[str, str]:
        """The Dockerfile's targets for services, with what each says."""
        parts = re.split(r"^FROM service AS (\S+)$", self.text("deploy/docker/Dockerfile"), flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))
