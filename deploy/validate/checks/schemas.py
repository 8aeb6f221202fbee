"""Every object against the schema of its kind: Kubernetes' own, then those of the operators."""

import json
import re
import subprocess
from pathlib import Path

import kubernetes_validate

from .fault import Fault
from .rendered import Object, Rendered

# What the clusters run (terraform/eks, terraform/kind-local).
KUBERNETES = "1.34"

MODELS = Path("target/validate/models")

# Kinds that no package has a model of, each with the fields that we use of its CRD. A field that is not
# here is a fault: look it up, then add it.
#   DatabaseRole: https://cloudnative-pg.io/docs/1.30/declarative_role_management
#   ObjectStore:  https://cloudnative-pg.io/plugin-barman-cloud/docs/usage
OURS = {
    ("postgresql.cnpg.io/v1", "DatabaseRole"): {
        "cluster": {"name": str}, "name": str, "comment": str, "login": bool, "passwordSecret": {"name": str},
    },
    ("barmancloud.cnpg.io/v1", "ObjectStore"): {
        "retentionPolicy": str,
        "configuration": {
            "destinationPath": str,
            "endpointURL": str,
            "s3Credentials": {
                "inheritFromIAMRole": bool,
                "accessKeyId": {"name": str, "key": str},
                "secretAccessKey": {"name": str, "key": str},
            },
            "wal": {"compression": str, "maxParallel": int},
            "data": {"compression": str, "jobs": int},
        },
    },
}
# What the models still have, and the operators of argocd/infra serve no more.
GONE = {"external-secrets.io/v1alpha1", "external-secrets.io/v1beta1"}

NEEDED = {"DatabaseRole": {"cluster", "name"}, "ObjectStore": {"configuration"}}


def check(rendered: Rendered) -> list[Fault]:
    """All rendered objects, and what Argo CD reads as it stands."""
    objects = rendered.objects + argocd(rendered)
    faults, modelled = [], []
    for one in objects:
        if one.body.get("apiVersion") in GONE:
            faults.append(one.fault("schema-unknown", f"{one.body['apiVersion']} was removed"))
            continue
        if (one.body.get("apiVersion"), one.kind) in OURS:
            faults += ours(one)
            continue
        try:
            kubernetes_validate.validate(one.body, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = "/".join(str(part) for part in error.path)
            faults.append(one.fault("schema", f"/{path}: {error.message[:200]}"))
        except kubernetes_validate.SchemaNotFoundError:
            modelled.append(one)
    return faults + models(rendered.tree.root, modelled)


def argocd(rendered: Rendered) -> list[Object]:
    """Projects, charts and sets, which no kustomization makes."""
    paths = sorted((rendered.tree.root / "argocd").glob("[!b]*/**/*.yaml"))
    return [Object(str(path.relative_to(rendered.tree.root)), "", rendered.tree.yaml(str(path.relative_to(rendered.tree.root)))) for path in paths]


def ours(one: Object) -> list[Fault]:
    """Against the fields above."""
    faults = [one.fault("schema", f"/spec/{field} is missing") for field in sorted(NEEDED[one.kind] - set(one.spec))]

    def walk(given: dict, known: dict, path: str) -> None:
        for field, value in given.items():
            shape = known.get(field)
            if shape is None:
                faults.append(one.fault("schema", f"{path}/{field}: there is no such field, or it is not in deploy/validate/checks/schemas.py"))
            elif isinstance(shape, dict) and isinstance(value, dict):
                walk(value, shape, f"{path}/{field}")
            elif isinstance(shape, dict) or not isinstance(value, shape):
                faults.append(one.fault("schema", f"{path}/{field}: {value!r} has the wrong type"))

    walk(one.spec, OURS[one.body["apiVersion"], one.kind], "/spec")
    return faults


def models(root: Path, objects: list[Object]) -> list[Fault]:
    """The operators' kinds: by their TypeScript types (a field that is not there) and their validators."""
    home, faults, lines = Path.cwd() / MODELS, [], []
    known = []
    for one in objects:
        module = model(home, one)
        if not module:
            faults.append(one.fault("schema-unknown", f"no schema of {one.body.get('apiVersion')} {one.kind}: a kind that was removed, or deploy/validate/checks/schemas.py does not know it"))
            continue
        known.append((one, module))
        lines.append(f"({json.dumps(one.body)}) satisfies import({json.dumps(module)}).I{one.kind};")
    (home / "objects.ts").write_text("\n".join(["export {};", *lines, ""]))
    (home / "objects.json").write_text(json.dumps([{"module": module, "kind": one.kind, "body": one.body} for one, module in known]))
    typed = subprocess.run(["npx", "--no-install", "tsc", "-p", "tsconfig.json"], cwd=home, capture_output=True, text=True)
    for line, message in re.findall(r"^objects\.ts\((\d+),\d+\): error TS\d+: (.*)$", typed.stdout, flags=re.M):
        faults.append(known[int(line) - 2][0].fault("schema", message))
    if typed.returncode != 0 and not faults:
        faults.append(Fault("deploy/validate/models", "schema", typed.stdout.strip() or typed.stderr.strip()))
    valid = subprocess.run(["node", "validate.mjs"], cwd=home, capture_output=True, text=True)
    if valid.returncode != 0:
        faults.append(Fault("deploy/validate/models", "schema", valid.stderr.strip()[-500:]))
    for at, message in json.loads(valid.stdout or "[]"):
        faults.append(known[at][0].fault("schema", message))
    return faults


def model(home: Path, one: Object) -> str | None:
    """The module with the class of a kind."""
    version = one.body.get("apiVersion", "")
    for package in sorted((home / "node_modules/@kubernetes-models").iterdir()):
        if (package / version / f"{one.kind}.d.ts").is_file():
            return f"@kubernetes-models/{package.name}/{version}/{one.kind}"
    return None
