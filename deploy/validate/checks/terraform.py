"""Terraform: formatted, against the providers' schemas, validated, and its tests played.

Plugins come from a registry that not every machine reaches: stand-ins with their schemas take their place, unless
TERRAFORM_PROVIDERS=1 says that they can be fetched.
"""

import os
import shutil
import subprocess
from pathlib import Path

import terraform_schema
import terraform_standin

from .fault import Fault
from .tree import Tree


def check(tree: Tree) -> list[Fault]:
    """All folders below terraform/."""
    # That of this checkout also for a copy of the tree.
    cache = Path.cwd() / "target/validate"
    faults = told("terraform-schema", terraform_schema.check(tree.root, cache))
    if not shutil.which("terraform"):
        print("           (no terraform here: neither fmt, validate nor test was run)")
        return faults
    faults += formatted(tree)
    if faults:
        return faults
    if os.environ.get("TERRAFORM_PROVIDERS") == "1":
        return by_plugins(tree)
    return told("terraform-test", terraform_standin.check(tree.root, cache))


def told(rule: str, lines: list[str]) -> list[Fault]:
    """`path:line: what` as faults."""
    return [Fault(line.partition(": ")[0], rule, line.partition(": ")[2][:1500]) for line in lines]


def formatted(tree: Tree) -> list[Fault]:
    """As `terraform fmt` writes it."""
    made = subprocess.run(["terraform", "fmt", "-check", "-recursive", "-list=true", "terraform"], cwd=tree.root, capture_output=True, text=True)
    return [Fault(path, "terraform-format", "terraform fmt -recursive terraform") for path in made.stdout.split()] if made.returncode else []


def by_plugins(tree: Tree) -> list[Fault]:
    """init, validate and test of each folder with the real plugins; no state and no account is needed."""
    faults = []
    for folder in sorted({path.parent for path in (tree.root / "terraform").rglob("versions.tf")}):
        for step in (["init", "-backend=false", "-input=false"], ["validate"], ["test"]):
            made = subprocess.run(["terraform", *step, "-no-color"], cwd=folder, capture_output=True, text=True)
            if made.returncode != 0:
                faults.append(Fault(str(folder.relative_to(tree.root)), f"terraform-{step[0]}", (made.stderr or made.stdout).strip()[-1500:]))
                break
    return faults
