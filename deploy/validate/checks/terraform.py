"""Terraform: formatted, against the providers' schemas, and, where they can be fetched, by Terraform itself."""

import os
import shutil
import subprocess

import terraform_schema

from .fault import Fault
from .tree import Tree


def check(tree: Tree) -> list[Fault]:
    """All folders below terraform/."""
    faults = [Fault(*split(told)) for told in terraform_schema.check(tree.root)]
    if not shutil.which("terraform"):
        print("           (no terraform here: neither fmt, validate nor test was run)")
        return faults
    made = subprocess.run(["terraform", "fmt", "-check", "-recursive", "-list=true", "terraform"], cwd=tree.root, capture_output=True, text=True)
    if made.returncode != 0:
        faults += [Fault(path, "terraform-format", "terraform fmt -recursive terraform") for path in made.stdout.split()]
    if os.environ.get("TERRAFORM_PROVIDERS") == "1":
        faults += by_terraform(tree)
    else:
        print("           (validate and test need the providers: TERRAFORM_PROVIDERS=1 where they can be fetched)")
    return faults


def split(told: str) -> tuple[str, str, str]:
    """`path:line: what` as a fault's parts."""
    where, _, what = told.partition(": ")
    return where, "terraform-schema", what


def by_terraform(tree: Tree) -> list[Fault]:
    """init, validate and test of each folder, without any state or account."""
    faults = []
    for folder in sorted({path.parent for path in (tree.root / "terraform").rglob("versions.tf")}):
        steps = [["init", "-backend=false", "-input=false"], ["validate"]]
        steps += [["test"]] if (folder / "tests").is_dir() else []
        for step in steps:
            made = subprocess.run(["terraform", *step, "-no-color"], cwd=folder, capture_output=True, text=True)
            if made.returncode != 0:
                faults.append(Fault(str(folder.relative_to(tree.root)), f"terraform-{step[0]}", (made.stderr or made.stdout).strip()[-800:]))
                break
    return faults
