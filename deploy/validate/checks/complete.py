"""Every service is shipped: image, compose entry, base, overlays, ports."""

import re

from .fault import Fault
from .tree import ENVIRONMENTS, Tree

# Where a folder of k8s/infra is not in every environment: what stands in for a cloud, and what only a cloud has.
ELSEWHERE = {"mailbox": ("dev",), "maildev": ("dev",), "minio": ("dev",), "nodes": ("staging", "prod")}

BASE = ("deployment", "service", "serviceaccount", "externalsecret", "hpa", "pdb", "networkpolicy", "servicemonitor")
WITH_DATABASE = ("database", "migrate-job")


def check(tree: Tree) -> list[Fault]:
    """A folder of services/ without what ships it is a fault, and so is what ships no service."""
    faults = []
    compose = tree.yaml("docker-compose.yml").get("services", {})
    for package in tree.packages:
        if package not in tree.targets:
            faults.append(Fault("deploy/docker/Dockerfile", "image-target", f"no target for {package}: add `FROM service AS {package}`"))
    for service in tree.services:
        faults += manifests(tree, service) + ports(tree, service.name, compose)
        if service.name not in compose:
            faults.append(Fault("docker-compose.yml", "compose-entry", f"no entry for {service.name}"))
        if service.has_database and f"{service.name.upper()}__DATABASE__OWNER_URL_FILE" not in str(compose.get("migrate")):
            faults.append(Fault("docker-compose.yml", "compose-entry", f"`migrate` does not know the database of {service.name}"))
    faults += named_to_others(tree, compose) + infrastructure(tree) + context(tree)
    known = {service.name for service in tree.services}
    for name in tree.folders("k8s/services"):
        if name not in known:
            faults.append(Fault(f"k8s/services/{name}", "base", f"there is no service {name} in services/"))
    return faults


def named_to_others(tree: Tree, compose: dict) -> list[Fault]:
    """The gateway sends requests to each, and auth knows by what each proves itself; in both places."""
    faults, behind = [], [service.name for service in tree.services if service.name != "gateway"]
    places = {
        "k8s/services/{}/base/config.env": lambda name: dict(line.split("=", 1) for line in tree.text(f"k8s/services/{name}/base/config.env").splitlines() if "=" in line),
        "docker-compose.yml: {}": lambda name: compose.get(name, {}).get("environment") or {},
    }
    for where, variables in places.items():
        routed = str(variables("gateway").get("GATEWAY__SERVICES", "")).split(",")
        faults += [Fault(where.format("gateway"), "named-to-others", f"GATEWAY__SERVICES lacks {name}") for name in behind if name not in routed]
        clients = [name for name in ("gateway", *behind) if name != "auth"]
        known = variables("auth")
        faults += [Fault(where.format("auth"), "named-to-others", f"AUTH__CLIENTS__{name.upper()}_FILE is missing") for name in clients if f"AUTH__CLIENTS__{name.upper()}_FILE" not in known]
    return faults


def infrastructure(tree: Tree) -> list[Fault]:
    """What services stand on is in each environment that it is for."""
    return [
        Fault(f"k8s/infra/{name}", "overlay", f"no overlay for {environment}")
        for name in tree.folders("k8s/infra")
        for environment in ELSEWHERE.get(name, ENVIRONMENTS)
        if not tree.text(f"k8s/infra/{name}/overlays/{environment}/kustomization.yaml")
    ]


def context(tree: Tree) -> list[Fault]:
    """What cargo reads outside of its packages is in what Docker's builder is given."""
    ignored = {line for line in tree.text(".dockerignore").splitlines() if line and line[0] not in "#!*"}
    files = [*(tree.root / "crates").rglob("*.rs"), *(tree.root / "crates").rglob("Cargo.toml")]
    wanted = {folder for file in files for folder in re.findall(r'"(?:\.\./)+([a-z0-9]+)/', file.read_text())}
    return [Fault(".dockerignore", "docker-context", f"{folder} is left out, and cargo reads it") for folder in sorted(wanted & ignored)]


def manifests(tree: Tree, service) -> list[Fault]:
    """Its base with all of its files, and an overlay for each environment."""
    folder, faults = f"k8s/services/{service.name}", []
    wanted = BASE + (WITH_DATABASE if service.has_database else ())
    listed = tree.yaml(f"{folder}/base/kustomization.yaml").get("resources", [])
    for name in wanted:
        if f"{name}.yaml" not in listed or not tree.text(f"{folder}/base/{name}.yaml"):
            faults.append(Fault(f"{folder}/base", "base", f"no {name}.yaml among its resources"))
    for environment in ENVIRONMENTS:
        overlay = tree.yaml(f"{folder}/overlays/{environment}/kustomization.yaml")
        if not overlay:
            faults.append(Fault(folder, "overlay", f"no overlay for {environment}"))
            continue
        if f"../../../../environments/{environment}" not in overlay.get("components", []):
            faults.append(Fault(f"{folder}/overlays/{environment}", "overlay", f"it does not take environments/{environment}"))
        images = {image["name"]: image for image in overlay.get("images", [])}
        if not images.get(f"plinth/{service.name}", {}).get("newTag"):
            faults.append(Fault(f"{folder}/overlays/{environment}", "overlay", f"no newTag for plinth/{service.name}"))
    return faults


def ports(tree: Tree, name: str, compose: dict) -> list[Fault]:
    """The ports that crates/service-discovery says, everywhere."""
    public = tree.ports.get(name)
    if public is None:
        return [Fault("crates/service-discovery", "ports", f"no port for {name}")]
    wanted, faults = {public, public + 1000}, []
    exposed = re.findall(r"^EXPOSE (.*)$", tree.targets.get(name, ""), flags=re.M)
    if name in tree.targets and {int(port) for line in exposed for port in line.split()} != wanted:
        faults.append(Fault("deploy/docker/Dockerfile", "ports", f"{name} is to EXPOSE {public} {public + 1000}"))
    served = {port["name"]: port["port"] for port in tree.yaml(f"k8s/services/{name}/base/service.yaml").get("spec", {}).get("ports", [])}
    if served and served != {"http": public, "internal": public + 1000}:
        faults.append(Fault(f"k8s/services/{name}/base/service.yaml", "ports", f"http: {public} and internal: {public + 1000} are wanted: others look for it there"))
    deployment = tree.yaml(f"k8s/services/{name}/base/deployment.yaml")
    containers = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    found = {port["name"]: port["containerPort"] for container in containers for port in container.get("ports", [])}
    if deployment and found != {"http": public, "internal": public + 1000}:
        faults.append(Fault(f"k8s/services/{name}/base/deployment.yaml", "ports", f"http: {public} and internal: {public + 1000} are wanted"))
    scraped = tree.text("deploy/compose/prometheus.yml")
    if name in compose and f"{name}:{public + 1000}" not in scraped:
        faults.append(Fault("deploy/compose/prometheus.yml", "ports", f"{name}:{public + 1000} is not scraped"))
    return faults
