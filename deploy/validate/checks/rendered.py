"""What kustomize makes of each overlay."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Iterator, NamedTuple

import yaml

from .fault import Fault
from .tree import ENVIRONMENTS, Tree


class Object(NamedTuple):
    """A Kubernetes object of an overlay."""

    overlay: str
    environment: str
    body: dict

    @property
    def kind(self) -> str:
        return self.body.get("kind", "")

    @property
    def name(self) -> str:
        return self.body.get("metadata", {}).get("name", "")

    @property
    def namespace(self) -> str:
        return self.body.get("metadata", {}).get("namespace", "")

    @property
    def group(self) -> str:
        version = self.body.get("apiVersion", "")
        return version.split("/")[0] if "/" in version else ""

    @property
    def spec(self) -> dict:
        return self.body.get("spec") or {}

    @property
    def annotations(self) -> dict:
        return self.body.get("metadata", {}).get("annotations") or {}

    @property
    def pod(self) -> dict | None:
        """The pod template of a workload."""
        return self.spec.get("template") if self.kind in {"Deployment", "StatefulSet", "DaemonSet", "Job"} else None

    @property
    def where(self) -> str:
        return f"{self.overlay}: {self.kind}/{self.name}"

    def fault(self, rule: str, what: str) -> Fault:
        return Fault(self.where, rule, what)


class Rendered:
    """All overlays of a tree, rendered when somebody asks for them."""

    def __init__(self, tree: Tree):
        self.tree = tree

    @cached_property
    def made(self) -> tuple[list[Object], list[Fault]]:
        """What kustomize makes, and what it refuses."""
        objects, faults = [], []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for overlay, environment, text, error in pool.map(lambda place: render(self.tree, *place), overlays(self.tree)):
                faults += [Fault(overlay, "renders", error)] if error else []
                objects += [Object(overlay, environment, body) for body in yaml.safe_load_all(text) if body]
        return objects, faults

    @property
    def objects(self) -> list[Object]:
        return self.made[0]

    @property
    def faults(self) -> list[Fault]:
        return self.made[1]

    def of(self, environment: str, *kinds: str) -> list[Object]:
        """An environment's objects, of these kinds."""
        return [o for o in self.objects if o.environment == environment and (not kinds or o.kind in kinds)]

    def workloads(self, environment: str) -> list[Object]:
        """Whatever makes pods."""
        return [o for o in self.objects if o.environment == environment and o.pod]


def overlays(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every folder that is applied, with its environment."""
    for environment in ENVIRONMENTS:
        yield f"argocd/bootstrap/{environment}", environment
        for area in ("infra", "services"):
            for name in tree.folders(f"k8s/{area}"):
                path = f"k8s/{area}/{name}/overlays/{environment}"
                if (tree.root / path).is_dir():
                    yield path, environment


def render(tree: Tree, path: str, environment: str) -> tuple[str, str, str, str]:
    """(path, environment, what it becomes, what is wrong)."""
    made = subprocess.run(["kubectl", "kustomize", path], cwd=tree.root, capture_output=True, text=True)
    error = "" if made.returncode == 0 else made.stderr.strip().splitlines()[-1]
    return path, environment, made.stdout, error
