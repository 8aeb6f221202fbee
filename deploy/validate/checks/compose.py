"""docker-compose.yml: the schema, every profile, and what it refers to."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from .fault import Fault
from .tree import Tree

FILE = "docker-compose.yml"
PROFILES = ("", "mail", "observability")


def check(tree: Tree) -> list[Fault]:
    """All of it."""
    return schema(tree) + config(tree) + references(tree)


def schema(tree: Tree) -> list[Fault]:
    """The Compose Specification's own schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    checked = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    if checked.returncode == 0:
        return []
    lines = [line.strip() for line in checked.stdout.splitlines() if "::" in line]
    return [Fault(FILE, "compose-schema", "; ".join(lines) or checked.stderr.strip())]


def config(tree: Tree) -> list[Fault]:
    """`docker compose config` of each profile, or docker-compose's, whichever is here."""
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / FILE
        modern = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0 if shutil.which("docker") else False
        # docker-compose 1.29, Debian's, reads all of it but the project's name.
        text = tree.text(FILE)
        copy.write_text(text if modern else re.sub(r"^name: .*\n", "", text, flags=re.M))
        shutil.copy(tree.root / ".env.example", Path(folder) / ".env")
        for profile in PROFILES:
            command = ["docker", "compose"] if modern else ["docker-compose"]
            command += ["-f", str(copy), "--project-directory", folder, *(["--profile", profile] if profile else []), "config", "--quiet"]
            environment = {**os.environ, "COMPOSE_PROFILES": profile}
            made = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            if made.returncode != 0 or "variable is not set" in made.stderr:
                faults.append(Fault(FILE, "compose-config", f"profile {profile or '(none)'}: {made.stderr.strip()[-400:]}"))
    return faults


def references(tree: Tree) -> list[Fault]:
    """Pinned images, health-gated dependencies, secrets that there are, ports of this machine alone."""
    body = yaml.safe_load(tree.text(FILE)) or {}
    services, faults = body.get("services") or {}, []
    made = tree.text("deploy/compose/secrets.sh")
    variables = set(re.findall(r"^#? ?(\w+)=", tree.text(".env.example"), flags=re.M))
    if re.search(r"^PLINTH_VERSION=(latest)?$", tree.text(".env.example"), flags=re.M):
        faults.append(Fault(".env.example", "image-pinned", "PLINTH_VERSION: a version is wanted"))
    for name, service in services.items():
        where = f"{FILE}: {name}"
        image = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(service.get("image", "")))
        _, colon, tag = image.rpartition(":")
        if not colon or "/" in tag or tag in {"", "latest"}:
            faults.append(Fault(where, "image-pinned", f"{service.get('image')}: a version's tag is wanted"))
        if image.startswith("plinth/"):
            faults += ours(tree, where, name, service, image)
        for port in service.get("ports") or []:
            if not str(port).startswith("127.0.0.1:"):
                faults.append(Fault(where, "loopback", f"port {port}: 127.0.0.1 alone is wanted"))
        mounted = {f"/run/secrets/{secret}" for secret in service.get("secrets") or []}
        for variable, value in (service.get("environment") or {}).items():
            if str(value).startswith("/run/secrets/") and value not in mounted:
                faults.append(Fault(where, "secret", f"{variable}={value}: the secret is not among its `secrets`"))
        for other, how in (service.get("depends_on") or {}).items() if isinstance(service.get("depends_on"), dict) else []:
            faults += dependency(where, services, other, how)
            if services.get(other) and not set(networks(service)) & set(networks(services[other])):
                faults.append(Fault(where, "depends-on", f"it shares no network with {other}"))
    for secret, how in (body.get("secrets") or {}).items():
        if not how.get("file", "").endswith(f"deploy/compose/secrets/{secret}") or not is_made(secret, made):
            faults.append(Fault(f"{FILE}: secrets", "secret", f"deploy/compose/secrets.sh does not make {secret}"))
    for variable in set(re.findall(r"\$\{(\w+)", tree.text(FILE))) - variables:
        if not re.search(r"\$\{" + variable + r":-", tree.text(FILE)):
            faults.append(Fault(FILE, "variable", f"{variable} has no default and is not in .env.example"))
    if "version" in body or "name" not in body:
        faults.append(Fault(FILE, "compose-schema", "`name:` is wanted, and no `version:`"))
    return faults


def networks(service: dict) -> list[str]:
    return list(service.get("networks") or ["default"])


def ours(tree: Tree, where: str, name: str, service: dict, image: str) -> list[Fault]:
    """Our own images: there is a target, no rights, a health check, the port that others look for."""
    faults, target = [], image.removeprefix("plinth/").split(":")[0]
    built = (service.get("build") or {}).get("target", target)
    if target not in tree.targets or built != target:
        faults.append(Fault(where, "image-target", f"image {image} from target {built}: the Dockerfile has {sorted(tree.targets)}"))
    wanted = {
        'user: "65532:65532"': service.get("user") == "65532:65532",
        "read_only: true": service.get("read_only") is True,
        "cap_drop: [ALL]": service.get("cap_drop") == ["ALL"] and not service.get("cap_add"),
        "no-new-privileges": "no-new-privileges:true" in (service.get("security_opt") or []),
        "not privileged": not service.get("privileged"),
    }
    faults += [Fault(where, "rights", f"{rule} is wanted") for rule, holds in wanted.items() if not holds]
    if name in {one.name for one in tree.services}:
        dockerfile = tree.text("deploy/docker/Dockerfile").partition("FROM scratch AS service")[2]
        if not re.search(r"^HEALTHCHECK .*\bCMD\b", dockerfile.partition("\nFROM ")[0], flags=re.M) or "HEALTHCHECK" in tree.targets.get(target, ""):
            faults.append(Fault(where, "health", "its image has no health check"))
    ports = [str(port).rpartition(":")[2] for port in service.get("ports") or []]
    known = tree.ports.get(name)
    faults += [Fault(where, "ports", f"{port} is published: {name} listens at {known}") for port in ports if known and int(port) != known]
    return faults


def dependency(where: str, services: dict, other: str, how: dict) -> list[Fault]:
    """What it waits for can come to pass."""
    condition, target = (how or {}).get("condition"), services.get(other)
    if target is None:
        return [Fault(where, "depends-on", f"there is no {other}")]
    if condition == "service_healthy" and "healthcheck" not in target and "PLINTH_IMAGES" not in str(target.get("image")):
        return [Fault(where, "depends-on", f"{other} has no health check to wait for")]
    if condition == "service_completed_successfully" and target.get("restart") != "no":
        return [Fault(where, "depends-on", f"{other} never completes: restart is not \"no\"")]
    return []


def is_made(secret: str, script: str) -> bool:
    """Whether the script names the secret, or the pattern that it is of."""
    if re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", script):
        return True
    service, _, rest = secret.partition("-")
    return f'"$service-{rest}"' in script and bool(re.search(rf"for service in [^\n]*\b{service}\b", script))
