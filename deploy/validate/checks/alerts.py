"""Alert rules, played by promtool; where they send, by amtool; what they and dashboards speak of."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from .fault import Fault, Unavailable
from .tree import Tree

BASE = "k8s/infra/monitoring/base"
TESTS = "k8s/infra/monitoring/tests"


def check(tree: Tree) -> list[Fault]:
    """Rules, their tests, their runbooks, and the routes."""
    for tool in ("promtool", "amtool"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not here: deploy/local/prerequisites.sh --validate")
    faults, names = [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((tree.root / BASE).glob("rules-*.yaml")):
            body = yaml.safe_load(path.read_text())
            (Path(folder) / path.name).write_text(yaml.safe_dump(body["spec"], sort_keys=False))
            names.append(path.name)
            faults += described(tree, f"{BASE}/{path.name}", body["spec"])
        faults += run(BASE, "alert-rules", ["promtool", "check", "rules", *names], folder)
        for path in sorted((tree.root / TESTS).glob("*.yaml")):
            shutil.copy(path, folder)
            faults += run(f"{TESTS}/{path.name}", "alert-tests", ["promtool", "test", "rules", path.name], folder)
        faults += tested(tree, folder, names)
        faults += routes(tree, folder)
    prometheus = ["promtool", "check", "config", "--syntax-only", "deploy/compose/prometheus.yml"]
    return faults + run("deploy/compose/prometheus.yml", "prometheus-config", prometheus, str(tree.root))


def run(where: str, rule: str, command: list[str], folder: str) -> list[Fault]:
    """A tool that says by its exit code whether it is content."""
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    told = "\n".join(line for line in (made.stdout + made.stderr).splitlines() if line.strip() and "SUCCESS" not in line)
    return [] if made.returncode == 0 else [Fault(where, rule, told[:1500])]


def described(tree: Tree, where: str, spec: dict) -> list[Fault]:
    """Each alert says how urgent it is, what is the matter, and which page says what to do."""
    faults = []
    for rule in (rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule):
        name, notes = rule["alert"], rule.get("annotations") or {}
        if rule.get("labels", {}).get("severity") not in {"page", "ticket"}:
            faults.append(Fault(where, "alert-severity", f"{name}: severity page or ticket is wanted"))
        page = notes.get("runbook_url", "").partition("/blob/main/")[2]
        if not notes.get("summary") or not page or not tree.text(page):
            faults.append(Fault(where, "alert-runbook", f"{name}: a summary is wanted, and a runbook that there is ({page or 'none'})"))
    return faults


def tested(tree: Tree, folder: str, names: list[str]) -> list[Fault]:
    """Each alert fires in a test."""
    fired = set()
    for path in (tree.root / TESTS).glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            fired |= {rule["alertname"] for rule in test.get("alert_rule_test") or [] if rule.get("exp_alerts")}
    faults = []
    for name in names:
        for group in yaml.safe_load((Path(folder) / name).read_text())["groups"]:
            missing = [rule["alert"] for rule in group["rules"] if "alert" in rule and rule["alert"] not in fired]
            faults += [Fault(f"{BASE}/{name}", "alert-tests", f"{alert} fires in no test") for alert in missing]
    return faults


def routes(tree: Tree, folder: str) -> list[Fault]:
    """Alertmanager's configuration, and that a page wakes somebody."""
    where = "argocd/infra/06-monitoring.yaml"
    config = tree.yaml(where)["spec"]["source"]["helm"]["valuesObject"]["alertmanager"]["config"]
    file = Path(folder) / "alertmanager.yaml"
    # The amtool of Debian 12 knows no url_file yet; the receivers are the same with a URL.
    file.write_text(re.sub(r"url_file: \S+", "url: http://127.0.0.1/", yaml.safe_dump(config, sort_keys=False)))
    faults = run(where, "alert-routes", ["amtool", "check-config", str(file)], folder)
    for severity, receiver in (("page", "pages"), ("ticket", "tickets")):
        command = ["amtool", "config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}", f"severity={severity}", "alertname=PlinthSlow"]
        faults += run(where, "alert-routes", command, folder)
    return faults
