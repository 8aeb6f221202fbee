"""The files as text: YAML, the Dockerfile, shell scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

from .fault import Fault, Unavailable
from .tree import Tree

YAML = ("k8s", "argocd", "deploy/compose", "deploy/validate", "docker-compose.yml")


def check(tree: Tree) -> list[Fault]:
    """Each with the linter of its kind."""
    faults = lint(tree, "yaml", [sys.executable, "-m", "yamllint", "--strict", "--format", "parsable", "-c", "deploy/validate/yamllint.yaml", *YAML])
    faults += lint(tree, "dockerfile", [str(Path(sys.executable).parent / "hadolint"), "--no-color", "deploy/docker/Dockerfile"])
    if not shutil.which("shellcheck"):
        raise Unavailable("shellcheck is not here: deploy/local/prerequisites.sh --validate")
    scripts = [str(path.relative_to(tree.root)) for path in sorted((tree.root / "deploy").rglob("*.sh")) if "node_modules" not in path.parts]
    return faults + lint(tree, "shell", ["shellcheck", "--format=gcc", *scripts, "k8s/plinth.sh", ".ci/run"])


def lint(tree: Tree, rule: str, command: list[str]) -> list[Fault]:
    """A fault for each line that the linter prints."""
    made = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    if made.returncode == 0:
        return []
    lines = [line for line in (made.stdout + made.stderr).splitlines() if line.strip()]
    return [Fault(*line.partition(": ")[::2][:1], rule, line.partition(": ")[2] or line) for line in lines]
