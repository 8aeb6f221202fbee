"""Faults that are sown into a copy of the tree, one at a time: each must be found, under its rule's name.

A check that finds nothing proves nothing; this shows what it would have found.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable, NamedTuple

from checks.rendered import Rendered
from checks.tree import Tree

# What the checks read.
COPIED = ("k8s", "argocd", "terraform", "deploy", "docs", "services", "crates/service-discovery", "crates/e2e/Cargo.toml", "crates/standins/README.md", "docker-compose.yml", ".env.example", ".dockerignore", ".ci", "Cargo.toml")
LEFT_OUT = {
    "services": shutil.ignore_patterns("src", "tests"),
    "deploy": shutil.ignore_patterns("node_modules", "secrets", "fuzz", "bench", "__pycache__"),
    "terraform": shutil.ignore_patterns(".terraform*", "*.tfstate*"),
}


class Mutation(NamedTuple):
    """One fault."""

    title: str
    check: str
    """Which check is to find it."""
    rule: str
    """Under which name."""
    sow: Callable[[Path], None]


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    """Puts `new` in the place of `old`, which must be there."""

    def sow(root: Path) -> None:
        file = root / path
        text = file.read_text()
        if old not in text:
            raise LookupError(f"{path} has no {old!r}: this mutation sows nothing")
        file.write_text(text.replace(old, new, 1))

    return sow


def remove(path: str) -> Callable[[Path], None]:
    """Takes a file or a folder away."""

    def sow(root: Path) -> None:
        place = root / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    return sow


def new_service(root: Path) -> None:
    """A folder of services/, and nothing else."""
    folder = root / "services/orders"
    (folder / "migrations").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "orders"\n')


AUTH, PREFS = "k8s/services/auth/base", "k8s/services/prefs"
HARDENING = "k8s/components/hardening"
RULES = "k8s/infra/monitoring/base/rules-services.yaml"

MUTATIONS = [
    # What belongs to a service.
    Mutation("a service without an image target", "complete", "image-target", new_service),
    Mutation("a service without a base", "complete", "base", new_service),
    Mutation("a service without overlays", "complete", "overlay", new_service),
    Mutation("a service without a compose entry", "complete", "compose-entry", new_service),
    Mutation("an overlay that is missing", "complete", "overlay", remove(f"{PREFS}/overlays/staging")),
    Mutation("a budget that is missing", "complete", "base", edit(f"{AUTH}/kustomization.yaml", "  - pdb.yaml\n", "")),
    Mutation("an image target that is missing", "complete", "image-target", edit("deploy/docker/Dockerfile", "FROM service AS webhook", "FROM service AS web-hook")),
    Mutation("a port other than the registry's", "complete", "ports", edit(f"{AUTH}/deployment.yaml", "containerPort: 3001", "containerPort: 3011")),
    Mutation("a port that is not exposed", "complete", "ports", edit("deploy/docker/Dockerfile", "EXPOSE 3003 4003", "EXPOSE 3003")),
    Mutation("an overlay without a tag", "complete", "overlay", edit(f"{PREFS}/overlays/prod/kustomization.yaml", "newTag: 0.1.0", 'newTag: ""')),
    Mutation("infrastructure that an environment lacks", "complete", "overlay", remove("k8s/infra/namespace/overlays/prod")),
    Mutation("a port at which nobody is looked for", "complete", "ports", edit(f"{AUTH}/service.yaml", "port: 3001", "port: 3011")),
    Mutation("a service that the gateway does not know", "complete", "named-to-others", edit("k8s/services/gateway/base/config.env", "auth,prefs,webhook", "auth,prefs")),
    Mutation("a service that auth does not know", "complete", "named-to-others", edit("docker-compose.yml", "      AUTH__CLIENTS__PREFS_FILE: /run/secrets/prefs-client-secret\n", "")),
    Mutation("a builder without what cargo reads", "complete", "docker-context", edit(".dockerignore", "argocd\n", "argocd\ndocs\n")),
    # Rendering and schemas.
    Mutation("a resource file that is not there", "renders", "renders", remove(f"{AUTH}/hpa.yaml")),
    Mutation("a field with a typing error", "schemas", "schema", edit(f"{AUTH}/deployment.yaml", "serviceAccountName:", "serviceAcountName:")),
    Mutation("a word where a number is wanted", "schemas", "schema", edit(f"{AUTH}/hpa.yaml", "averageUtilization: 70", 'averageUtilization: "seventy"')),
    Mutation("an API that was removed", "schemas", "schema-unknown", edit(f"{AUTH}/pdb.yaml", "policy/v1", "policy/v1beta1")),
    Mutation("an operator's field with a typing error", "schemas", "schema", edit("k8s/infra/postgres/base/cluster.yaml", "primaryUpdateStrategy:", "primaryUpdateStategy:")),
    Mutation("an operator's field that is missing", "schemas", "schema", edit(f"{AUTH}/database.yaml", "  owner: auth_owner\n", "")),
    Mutation("a value that an operator does not know", "schemas", "schema", edit(f"{AUTH}/database.yaml", "databaseReclaimPolicy: retain", "databaseReclaimPolicy: keep")),
    Mutation("a role's field with a typing error", "schemas", "schema", edit(f"{AUTH}/database.yaml", "passwordSecret:", "passwordsecret:")),
    Mutation("an Application's field with a typing error", "schemas", "schema", edit("argocd/infra/05-traefik.yaml", "targetRevision:", "targetVersion:")),
    Mutation("an operator's API that was removed", "schemas", "schema-unknown", edit(f"{AUTH}/externalsecret.yaml", "external-secrets.io/v1\n", "external-secrets.io/v1beta1\n")),
    # Wiring.
    Mutation("a port by a wrong name", "wiring", "port-name", edit(f"{AUTH}/service.yaml", "targetPort: internal", "targetPort: metrics")),
    Mutation("a probe of a port that is not there", "wiring", "port-name", edit(f"{HARDENING}/lifecycle.yaml", "path: /readyz, port: internal", "path: /readyz, port: health")),
    Mutation("a monitor of a port that is not there", "wiring", "port-name", edit(f"{AUTH}/servicemonitor.yaml", "port: internal", "port: metrics")),
    Mutation("a Service that finds no pods", "wiring", "selector", edit(f"{AUTH}/service.yaml", "component: service", "component: api")),
    Mutation("a Deployment that does not find its own pods", "wiring", "selector", edit(f"{AUTH}/deployment.yaml", "matchLabels: {app.kubernetes.io/name: auth", "matchLabels: {app.kubernetes.io/name: aut")),
    Mutation("a budget for nobody", "wiring", "selector", edit(f"{AUTH}/pdb.yaml", "app.kubernetes.io/name: auth", "app.kubernetes.io/name: oauth")),
    Mutation("a policy that lets nobody in", "wiring", "selector", edit(f"{AUTH}/networkpolicy.yaml", "app.kubernetes.io/name: gateway", "app.kubernetes.io/name: gate")),
    Mutation("a scaler of what is not there", "wiring", "hpa-target", edit(f"{AUTH}/hpa.yaml", "kind: Deployment, name: auth", "kind: Deployment, name: auth-api")),
    Mutation("a route to a port that no Service has", "wiring", "route", edit("k8s/services/gateway/base/httproute.yaml", "port: 8080", "port: 80")),
    Mutation("a route on a listener that is not there", "wiring", "route", edit("k8s/services/gateway/base/httproute.yaml", "sectionName: https", "sectionName: tls")),
    Mutation("a route that no policy lets in", "wiring", "route", edit("k8s/services/gateway/base/networkpolicy.yaml", "      ports: [{port: http}]", "      ports: [{port: internal}]")),
    Mutation("a class of Gateway that nobody makes", "wiring", "route", edit("k8s/infra/gateway/base/gateway.yaml", "gatewayClassName: traefik", "gatewayClassName: traefk")),
    Mutation("challenges that are answered nowhere", "wiring", "route", edit("k8s/infra/issuers/base/issuer.yaml", "sectionName: http}", "sectionName: web}")),
    Mutation("a policy for a namespace that is not there", "wiring", "namespace", edit("k8s/services/gateway/base/networkpolicy.yaml", "metadata.name: traefik", "metadata.name: traefk")),
    Mutation("a policy for a number that nobody listens at", "wiring", "port-name", edit(f"{AUTH}/networkpolicy.yaml", "port: 5432", "port: 5433")),
    Mutation("a scaler from many to few", "wiring", "hpa-target", edit("k8s/environments/prod/kustomization.yaml", "minReplicas, value: 3", "minReplicas, value: 30")),
    Mutation("a scaler of an API that was removed", "wiring", "hpa-target", edit(f"{AUTH}/hpa.yaml", "apiVersion: apps/v1,", "apiVersion: apps/v1beta1,")),
    Mutation("a monitor of a path that is not there", "wiring", "port-name", edit(f"{AUTH}/servicemonitor.yaml", "path: /metrics", "path: /metricz")),
    # References.
    Mutation("a Secret that nothing makes", "references", "secret", edit(f"{AUTH}/deployment.yaml", "secret: {name: auth}", "secret: {name: auth-secrets}")),
    Mutation("a ConfigMap that is not there", "references", "config-map", edit(f"{AUTH}/deployment.yaml", "configMapRef: {name: auth}", "configMapRef: {name: auth-config}")),
    Mutation("a ServiceAccount that is not there", "references", "service-account", edit(f"{AUTH}/deployment.yaml", "serviceAccountName: auth", "serviceAccountName: auth-api")),
    Mutation("a secret's file that is not mounted", "references", "file-setting", edit(f"{AUTH}/config.env", "plinth/sealing-keys", "plinth/sealing-key")),
    Mutation("a template of what was not fetched", "references", "secret", edit(f"{AUTH}/externalsecret.yaml", ".database_password", ".databasepassword")),
    Mutation("a database whose owner is no role", "references", "database", edit(f"{AUTH}/database.yaml", "owner: auth_owner", "owner: auth_admin")),
    Mutation("a store of secrets that is not there", "references", "secret-store", edit(f"{AUTH}/externalsecret.yaml", "ClusterSecretStore, name: plinth", "ClusterSecretStore, name: vault")),
    Mutation("a schedule with five fields", "references", "backup", edit("k8s/infra/postgres/base/backup.yaml", '"0 0 2 * * *"', '"0 2 * * *"')),
    Mutation("a cluster that archives nowhere", "references", "backup", edit("k8s/infra/postgres/base/cluster.yaml", "barmanObjectName: postgres", "barmanObjectName: archive")),
    Mutation("a property of a secret that nobody made", "references", "remote-secret", edit(f"{AUTH}/externalsecret.yaml", "property: sealing-keys", "property: sealing-key")),
    Mutation("a secret of a chart that nothing makes", "references", "secret", edit("k8s/infra/monitoring/base/externalsecrets.yaml", "target: {name: alertmanager,", "target: {name: alertmanger,")),
    Mutation("images that are pulled by nothing", "references", "secret", edit(f"{AUTH}/deployment.yaml", "      serviceAccountName: auth\n", "      serviceAccountName: auth\n      imagePullSecrets: [{name: registry}]\n")),
    # Settings.
    Mutation("a setting with a typing error", "settings", "setting", edit(f"{AUTH}/config.env", "AUTH__EVENTS__SUBSCRIBERS", "AUTH__EVENTS__SUBSCRIBER")),
    Mutation("a setting of compose with a typing error", "settings", "setting", edit("docker-compose.yml", "GATEWAY__SERVICES:", "GATEWAY__SERVICE:")),
    Mutation("a value that a service refuses", "settings", "setting-refused", edit("k8s/environments/prod/kustomization.yaml", "value: production", "value: prod")),
    Mutation("a host that is not the public URL's", "settings", "hostname", edit("k8s/infra/gateway/overlays/prod/kustomization.yaml", "[api.example.com]", "[www.example.com]")),
    Mutation("a host inside that is not there", "settings", "host", edit(f"{AUTH}/externalsecret.yaml", "@postgres-rw:", "@postgres-rww:")),
    Mutation("a database that is not there", "settings", "host", edit(f"{AUTH}/externalsecret.yaml", "5432/auth?", "5432/auht?")),
    Mutation("a collector that is not there", "settings", "host", edit(f"{AUTH}/config.env", "collector.monitoring", "colector.monitoring")),
    # Pods.
    Mutation("a container as root", "pods", "pod-security", edit(f"{HARDENING}/pod.yaml", "runAsUser: 65532", "runAsUser: 0")),
    Mutation("a container with more rights", "pods", "pod-security", edit(f"{HARDENING}/pod.yaml", "capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [NET_ADMIN]}")),
    Mutation("a file system that can be written", "pods", "pod-security", edit(f"{HARDENING}/pod.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")),
    Mutation("a token of Kubernetes' in every pod", "pods", "pod-security", edit(f"{HARDENING}/pod.yaml", "automountServiceAccountToken\n  value: false", "automountServiceAccountToken\n  value: true")),
    Mutation("a probe that is missing", "pods", "probes", edit(f"{HARDENING}/lifecycle.yaml", "/containers/0/livenessProbe", "/containers/0/lifecyclelive")),
    Mutation("a pod that dies with its database", "pods", "probes", edit(f"{HARDENING}/lifecycle.yaml", "livenessProbe\n  value: {httpGet: {path: /healthz", "livenessProbe\n  value: {httpGet: {path: /readyz")),
    Mutation("an image by :latest", "pods", "image-pinned", edit(f"{PREFS}/overlays/prod/kustomization.yaml", "newTag: 0.1.0", "newTag: latest")),
    Mutation("memory without a limit", "pods", "resources", edit(f"{AUTH}/deployment.yaml", "            limits: {memory: 512Mi}\n", "")),
    Mutation("an end without time for it", "pods", "graceful-end", edit(f"{HARDENING}/lifecycle.yaml", "terminationGracePeriodSeconds\n  value: 30", "terminationGracePeriodSeconds\n  value: 10")),
    Mutation("replicas where an HPA rules", "pods", "replicas", edit(f"{AUTH}/deployment.yaml", "spec:\n  selector:", "spec:\n  replicas: 2\n  selector:")),
    Mutation("a database's image by :latest", "pods", "image-pinned", edit("k8s/infra/postgres/base/cluster.yaml", ":17.7-standard-bookworm", ":latest")),
    Mutation("an image of others that says nobody", "pods", "pod-security", edit("k8s/infra/minio/overlays/dev/minio.yaml", "        runAsUser: 1000\n", "")),
    Mutation("a budget that lets no node be drained", "pods", "disruption-budget", edit(f"{AUTH}/pdb.yaml", "maxUnavailable: 1", "maxUnavailable: 0")),
    Mutation("a probe of a path that is not there", "pods", "probes", edit(f"{HARDENING}/lifecycle.yaml", "livenessProbe\n  value: {httpGet: {path: /healthz", "livenessProbe\n  value: {httpGet: {path: /health")),
    # Argo CD.
    Mutation("a glob that finds nothing", "argocd", "glob", edit("argocd/appsets/prod/services.yaml", "k8s/services/*/overlays/prod", "k8s/service/*/overlays/prod")),
    Mutation("an overlay that no set finds", "argocd", "glob", edit("argocd/appsets/dev/infra.yaml", "k8s/infra/*/overlays/dev", "k8s/infra/[m-z]*/overlays/dev")),
    Mutation("a set that renders what is missing as <no value>", "argocd", "go-template", edit("argocd/appsets/prod/services.yaml", '["missingkey=error"]', "[]")),
    Mutation("a chart of any version", "argocd", "chart-pinned", edit("argocd/infra/00-cert-manager.yaml", "targetRevision: v1.21.2", 'targetRevision: "v1.*"')),
    Mutation("a chart from elsewhere", "argocd", "project", edit("argocd/infra/05-traefik.yaml", "repoURL: https://traefik", "repoURL: https://mirror")),
    Mutation("a kind that the project does not let through", "argocd", "project", edit("argocd/projects/services.yaml", "    - {group: batch, kind: Job}\n", "")),
    Mutation("a migration that runs before its configuration", "argocd", "wave", edit(f"{AUTH}/migrate-job.yaml", 'sync-wave: "-1"', 'sync-wave: "-3"')),
    Mutation("a migration before the first Secret is there", "argocd", "migrate-hook", edit(f"{AUTH}/migrate-job.yaml", "hook: Sync", "hook: PreSync")),
    Mutation("waves that do not wait", "argocd", "health", edit("argocd/bootstrap/base/argocd-cm.yaml", "health.argoproj.io_Application", "health.argoproj.io_Applications")),
    Mutation("an environment that is told another's sets", "argocd", "root", edit("argocd/bootstrap/prod/kustomization.yaml", "argocd/appsets/prod", "argocd/appsets/dev")),
    Mutation("what is changed by hand stays", "argocd", "sync", edit("argocd/appsets/prod/services.yaml", "selfHeal: true", "selfHeal: false")),
    Mutation("a listener where no entry point is", "argocd", "listener", edit("k8s/infra/gateway/base/gateway.yaml", "port: 8443", "port: 443")),
    Mutation("a folder that a set leaves out", "argocd", "glob", edit("argocd/appsets/prod/services.yaml", "          - path: k8s/services/*/overlays/prod", "          - {path: k8s/services/auth/overlays/prod, exclude: true}\n          - path: k8s/services/*/overlays/prod")),
    Mutation("a set that leads to a namespace of nobody", "argocd", "project", edit("argocd/appsets/prod/services.yaml", "namespace: plinth}", "namespace: plint}")),
    Mutation("a set at another revision", "argocd", "glob", edit("argocd/appsets/prod/services.yaml", "targetRevision: main", "targetRevision: HEAD~1")),
    Mutation("a sync option with a typing error", "argocd", "sync", edit("argocd/appsets/prod/services.yaml", "ServerSideApply=true", "ServerSideAply=true")),
    Mutation("a namespace that charts need and may not use", "argocd", "project", edit("argocd/projects/infra.yaml", '    - {server: "https://kubernetes.default.svc", namespace: kube-system}\n', "")),
    # Compose.
    Mutation("a key of compose with a typing error", "compose", "compose-schema", edit("docker-compose.yml", "stop_grace_period: 20s", "stop_grace_time: 20s")),
    Mutation("a secret that is not given", "compose", "secret", edit("docker-compose.yml", "secrets: [gateway-token-keys, ", "secrets: [")),
    Mutation("a secret that nobody makes", "compose", "secret", edit("deploy/compose/secrets.sh", "grafana-password ", "")),
    Mutation("a port for the whole network", "compose", "loopback", edit("docker-compose.yml", '"127.0.0.1:${PLINTH_PORT', '"0.0.0.0:${PLINTH_PORT')),
    Mutation("an image of compose without a tag", "compose", "image-pinned", edit("docker-compose.yml", "postgres:17.7-bookworm", "postgres")),
    Mutation("a wait for what is never healthy", "compose", "depends-on", edit("docker-compose.yml", "prometheus: {condition: service_healthy}", "jaeger: {condition: service_healthy}")),
    Mutation("a default of compose that is :latest", "compose", "image-pinned", edit("docker-compose.yml", "PLINTH_VERSION:-0.1.0", "PLINTH_VERSION:-latest")),
    Mutation("a service of compose as root", "compose", "rights", edit("docker-compose.yml", 'user: "65532:65532"', 'user: "0:0"')),
    Mutation("a service of compose with all rights", "compose", "rights", edit("docker-compose.yml", "  cap_drop: [ALL]\n", "  privileged: true\n")),
    Mutation("a target of the Dockerfile that is not there", "compose", "image-target", edit("docker-compose.yml", "target: gateway}", "target: gatway}")),
    Mutation("a published port at which nobody listens", "compose", "ports", edit("docker-compose.yml", "8080}:8080", "8080}:8081")),
    Mutation("a service that cannot reach what it waits for", "compose", "depends-on", edit("docker-compose.yml", "networks: [inside, outside]", "networks: [outside]")),
    Mutation("an image without a health check", "compose", "health", edit("deploy/docker/Dockerfile", "HEALTHCHECK --interval=5s", "LABEL interval=5s")),
    # Alerts.
    Mutation("an alert that never fires", "alerts", "alert-tests", edit(RULES, "events_oldest_pending_seconds) > 600", "events_oldest_pending_seconds) > 60000")),
    Mutation("an alert that fires always", "alerts", "alert-tests", edit(RULES, "plinth:errors:ratio5m > 14.4 * 0.001 and plinth:errors:ratio1h > 14.4 * 0.001", "plinth:errors:ratio5m >= 0")),
    Mutation("an alert that is in no test", "alerts", "alert-tests", edit(RULES, "alert: PlinthConfigRefused", "alert: PlinthConfigRefusedLately")),
    Mutation("an alert without a page that says what to do", "alerts", "alert-runbook", edit(RULES, "runbooks/jobs.md", "runbooks/job.md")),
    Mutation("a rule that cannot be read", "alerts", "alert-rules", edit(RULES, "sum by (service) (rate(", "sum by (service (rate(")),
    Mutation("pages that wake nobody", "alerts", "alert-routes", edit("argocd/infra/06-monitoring.yaml", '"page|critical"', '"pages|critical"')),
    # Text.
    Mutation("a key that is there twice", "text", "yaml", edit(f"{AUTH}/service.yaml", "spec:\n", "spec:\n  type: ClusterIP\n  type: NodePort\n")),
    Mutation("a script that does not quote", "text", "shell", edit("deploy/compose/secrets.sh", 'mkdir -p "$dir"', "mkdir -p $dir")),
    Mutation("an image of the builder without a tag", "text", "dockerfile", edit("deploy/docker/Dockerfile", "rust:${RUST}-slim-bookworm AS tools", "rust AS tools")),
    # Terraform.
    Mutation("an attribute that a resource does not have", "terraform", "terraform-schema", edit("terraform/module-aws/network/vpc.tf", "enable_dns_support", "enable_dns_suport")),
    Mutation("a network that a test of Terraform does not expect", "terraform", "terraform-test", edit("terraform/module-aws/network/vpc.tf", "8, 48 + index", "8, 49 + index")),
    Mutation("Terraform that is not formatted", "terraform", "terraform-format", edit("terraform/module-aws/network/vpc.tf", "resource \"aws_vpc\"", "resource   \"aws_vpc\"")),
]


def main(checks: dict, only: list[str]) -> int:
    """Sows those of some checks, tells whether each was found, and gives the exit code."""
    sown, missed = [mutation for mutation in MUTATIONS if mutation.check in only], []
    with tempfile.TemporaryDirectory(prefix="plinth-mutations-") as folder:
        clean = Path(folder) / "clean"
        copy(Path.cwd(), clean)
        before = {name: {str(fault) for fault in checks[name][1](Rendered(Tree(clean)))} for name in {mutation.check for mutation in sown}}
        for mutation in sown:
            root = Path(folder) / "mutated"
            shutil.copytree(clean, root, symlinks=True)
            told = find(root, mutation, checks, before[mutation.check])
            print(f"{'found' if told else 'MISSED':<7} {mutation.check}/{mutation.rule:<16} {mutation.title}", flush=True)
            if told:
                print(f"        {told[:180]}")
            else:
                missed.append(mutation.title)
            shutil.rmtree(root)
    print(f"mutations: {len(sown)} sown, {len(sown) - len(missed)} found" + (f"; MISSED: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def find(root: Path, mutation: Mutation, checks: dict, before: set[str]) -> str | None:
    """What its check says under its rule's name, and did not say before."""
    mutation.sow(root)
    faults = checks[mutation.check][1](Rendered(Tree(root)))
    return next((str(fault).replace("\n", " ") for fault in faults if fault.rule == mutation.rule and str(fault) not in before), None)


def copy(source: Path, target: Path) -> None:
    """What the checks read, and no more."""
    for path in COPIED:
        if (source / path).is_dir():
            shutil.copytree(source / path, target / path, ignore=LEFT_OUT.get(path), symlinks=True)
        elif (source / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / path, target / path)


if __name__ == "__main__":
    sys.exit("deploy/validate/validate.sh --mutations")
