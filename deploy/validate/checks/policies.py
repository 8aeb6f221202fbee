"""checkov: hundreds of policies of others. What we depart from, and why, is in checkov.yaml."""

import json
import subprocess
import tempfile
from pathlib import Path

import yaml

from .fault import Fault
from .rendered import Rendered


# In an environment of its own (validate.sh).
CHECKOV = "target/validate/checkov/bin/checkov"


def check(rendered: Rendered) -> list[Fault]:
    """The rendered objects of prod, the Dockerfile, and Terraform."""
    root, faults = rendered.tree.root, []
    with tempfile.TemporaryDirectory() as folder:
        bodies = [one.body for one in rendered.of("prod") if one.overlay.startswith("k8s/services")]
        (Path(folder) / "prod.yaml").write_text(yaml.safe_dump_all(bodies, sort_keys=False))
        faults += run(root, "kubernetes", Path(folder))
        faults += run(root, "dockerfile", root / "deploy/docker")
        if (root / "terraform").is_dir():
            faults += run(root, "terraform", root / "terraform")
    return faults


def run(root: Path, framework: str, folder: Path) -> list[Fault]:
    """One framework's policies on one folder."""
    command = [str(Path.cwd() / CHECKOV), "--config-file", str(root / "deploy/validate/checkov.yaml")]
    command += ["--framework", framework, "-d", str(folder), "-o", "json", "--quiet", "--compact"]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True)
    try:
        reports = json.loads(made.stdout)
    except json.JSONDecodeError:
        return [Fault(str(folder), "policy", f"checkov did not answer: {made.stderr.strip()[-500:]}")]
    if not isinstance(reports, list):
        reports = [reports]
    return [
        Fault(f"{framework}{failed['file_path']}: {failed['resource']}", "policy", f"{failed['check_id']}: {failed['check_name']}")
        for report in reports
        for failed in (report.get("results") or {}).get("failed_checks", [])
    ]
