"""What Argo CD is told: projects that permit, sets that find, waves in order, versions that stay."""

import re

from .fault import Fault
from .rendered import Object, Rendered, overlays
from .tree import ENVIRONMENTS, Tree

# It waits for secrets of k8s/infra/monitoring; in a wave before them, both would wait for ever.
NOT_AWAITED = {"monitoring"}

SYNC_OPTIONS = {"ServerSideApply=true", "SkipDryRunOnMissingResource=true", "PruneLast=true", "CreateNamespace=true"}

IN_CLUSTER = "https://kubernetes.default.svc"


def check(rendered: Rendered) -> list[Fault]:
    """Projects, charts, sets, roots, waves, and the way in."""
    tree = rendered.tree
    projects = {name: tree.yaml(f"argocd/projects/{name}.yaml").get("spec", {}) for name in ("infra", "services")}
    faults = [Fault(f"argocd/projects/{name}.yaml", "project", "it is not there") for name, spec in projects.items() if not spec]
    for path in sorted((tree.root / "argocd/infra").glob("*.yaml")):
        faults += application(f"argocd/infra/{path.name}", tree.yaml(f"argocd/infra/{path.name}"), projects)
    for environment in ENVIRONMENTS:
        faults += sets(tree, environment, projects)
        faults += root(rendered, environment)
        faults += permitted(rendered, environment, projects)
        faults += waves(rendered, environment)
        faults += entry_points(rendered, environment)
    return faults


def automated(where: str, spec: dict) -> list[Fault]:
    """What is in Git is what is there, and what fails is tried again."""
    policy = spec.get("syncPolicy") or {}
    faults = []
    if not all((policy.get("automated") or {}).get(field) for field in ("prune", "selfHeal")):
        faults.append(Fault(where, "sync", "automated: {prune: true, selfHeal: true} is wanted"))
    for option in policy.get("syncOptions") or []:
        if option not in SYNC_OPTIONS:
            faults.append(Fault(where, "sync", f"{option} is none of {sorted(SYNC_OPTIONS)}"))
    if not (policy.get("retry") or {}).get("limit"):
        faults.append(Fault(where, "sync", "a retry is wanted: what another brings may not be there yet"))
    return faults


def application(where: str, body: dict, projects: dict) -> list[Fault]:
    """A chart: pinned, from where its project may take it, to where it may put it."""
    spec, faults = body.get("spec") or {}, []
    project, source = projects.get(spec.get("project")), spec.get("source") or {}
    if project is None:
        return [Fault(where, "project", f"there is no project {spec.get('project')}")]
    if source.get("repoURL") not in project.get("sourceRepos", []):
        faults.append(Fault(where, "project", f"{source.get('repoURL')} is none of its project's sourceRepos"))
    if not re.fullmatch(r"v?\d+\.\d+\.\d+", str(source.get("targetRevision"))):
        faults.append(Fault(where, "chart-pinned", f"targetRevision {source.get('targetRevision')}: an exact version is wanted"))
    destination = spec.get("destination") or {}
    # Charts of operators put rights and Services into kube-system as well.
    for namespace in (destination.get("namespace"), "kube-system"):
        if {"server": destination.get("server"), "namespace": namespace} not in project.get("destinations", []):
            faults.append(Fault(where, "project", f"namespace {namespace} is none of its project's destinations"))
    if not wave(body) < 0 and body.get("metadata", {}).get("name") not in NOT_AWAITED:
        faults.append(Fault(where, "wave", "operators come before what they operate: a negative sync-wave is wanted"))
    return faults + automated(where, spec)


def sets(tree: Tree, environment: str, projects: dict) -> list[Fault]:
    """The two ApplicationSets of an environment, and that they find every overlay."""
    faults, globs = [], []
    for what in ("infra", "services"):
        where = f"argocd/appsets/{environment}/{what}.yaml"
        body = tree.yaml(where)
        spec = body.get("spec") or {}
        if spec.get("goTemplate") is not True or spec.get("goTemplateOptions") != ["missingkey=error"]:
            faults.append(Fault(where, "go-template", 'goTemplate: true and goTemplateOptions: ["missingkey=error"] are wanted'))
        template = spec.get("template", {}).get("spec", {})
        project = projects.get(template.get("project"))
        if project is None:
            faults.append(Fault(where, "project", f"there is no project {template.get('project')}"))
        for generator in spec.get("generators") or []:
            git = generator.get("git") or {}
            if project and {git.get("repoURL"), template.get("source", {}).get("repoURL")} - set(project.get("sourceRepos", [])):
                faults.append(Fault(where, "project", "its repository is none of its project's sourceRepos"))
            source = template.get("source") or {}
            if source.get("path") != "{{ .path.path }}" or source.get("targetRevision") != git.get("revision"):
                faults.append(Fault(where, "glob", "path: '{{ .path.path }}' at the generator's own revision is wanted"))
            for directory in git.get("directories") or []:
                if directory.get("exclude"):
                    faults.append(Fault(where, "glob", f"{directory['path']} is left out: what is not for an environment has no overlay there"))
                    continue
                globs.append(directory["path"])
                if not any(path.is_dir() for path in tree.root.glob(directory["path"])):
                    faults.append(Fault(where, "glob", f"{directory['path']} finds nothing"))
        if project and template.get("destination") not in project.get("destinations", []):
            faults.append(Fault(where, "project", f"{template.get('destination')} is none of its project's destinations"))
        faults += automated(where, template)
    names = {}
    for overlay, of in overlays(tree):
        if of == environment and overlay.startswith("k8s/"):
            if not any((tree.root / overlay) in tree.root.glob(glob) for glob in globs):
                faults.append(Fault(overlay, "glob", f"no ApplicationSet of {environment} finds it"))
            area, name = overlay.split("/")[1:3]
            names.setdefault(name if area == "services" else f"infra-{name}", []).append(overlay)
    charts = {tree.yaml(f"argocd/infra/{path.name}")["metadata"]["name"] for path in (tree.root / "argocd/infra").glob("*.yaml")}
    faults += [Fault(those[0], "application-name", f"another Application is called {name}") for name, those in names.items() if len(those) > 1 or name in charts]
    return faults


def root(rendered: Rendered, environment: str) -> list[Fault]:
    """The Application that everything hangs on leads to folders that are there; waves wait for health."""
    faults = []
    roots = [o for o in rendered.of(environment, "Application") if o.name == "root"]
    if not roots:
        return [Fault(f"argocd/bootstrap/{environment}", "root", "there is no Application root")]
    for source in roots[0].spec.get("sources") or []:
        path = source.get("path", "")
        if not (rendered.tree.root / path).is_dir():
            faults.append(roots[0].fault("root", f"there is no folder {path}"))
        other = [name for name in ENVIRONMENTS if name != environment and path.endswith(f"/{name}")]
        if other:
            faults.append(roots[0].fault("root", f"{path} is of {other[0]}"))
    health = [o for o in rendered.of(environment, "ConfigMap") if o.name == "argocd-cm"]
    if not health or "resource.customizations.health.argoproj.io_Application" not in health[0].body.get("data", {}):
        faults.append(Fault(f"argocd/bootstrap/{environment}", "health", "argocd-cm does not say when an Application is healthy: waves would not wait"))
    return faults + automated(roots[0].where, roots[0].spec)


def permitted(rendered: Rendered, environment: str, projects: dict) -> list[Fault]:
    """What is rendered is what its project lets through, where it lets it."""
    faults = []
    for one in rendered.of(environment):
        area = one.overlay.split("/")[1] if one.overlay.startswith("k8s/") else None
        project = projects.get(area or "", {})
        if not area:
            continue
        if one.namespace and {"server": IN_CLUSTER, "namespace": one.namespace} not in project.get("destinations", []):
            faults.append(one.fault("project", f"namespace {one.namespace} is none of the destinations of {area}"))
        kind = {"group": one.group, "kind": one.kind}
        those = project.get("namespaceResourceWhitelist") if one.namespace else project.get("clusterResourceWhitelist", [])
        if those is not None and kind not in those and {"group": "*", "kind": "*"} not in those:
            faults.append(one.fault("project", f"the project {area} lets no {one.kind} through"))
    return faults


def wave(body: dict) -> int:
    return int((body.get("metadata", {}).get("annotations") or {}).get("argocd.argoproj.io/sync-wave", 0))


def waves(rendered: Rendered, environment: str) -> list[Fault]:
    """Configuration, then the migration, then the pods of the release."""
    faults = []
    for job in rendered.of(environment, "Job"):
        if not job.name.endswith("-migrate"):
            continue
        hook = job.annotations.get("argocd.argoproj.io/hook")
        if hook != "Sync" or job.annotations.get("argocd.argoproj.io/hook-delete-policy") != "BeforeHookCreation":
            faults.append(job.fault("migrate-hook", "hook: Sync with BeforeHookCreation is wanted: PreSync runs before the first Secret is there"))
        if wave(job.body) != -1:
            faults.append(job.fault("wave", "a migration is in wave -1"))
        before = ("ConfigMap", "ExternalSecret", "ServiceAccount", "Database", "DatabaseRole", "NetworkPolicy")
        for other in rendered.objects:
            if other.overlay == job.overlay and other.kind in before and not wave(other.body) < -1:
                faults.append(other.fault("wave", "what the migration needs comes before it: wave -2"))
            if other.overlay == job.overlay and other.kind == "Deployment" and wave(other.body) < 0:
                faults.append(other.fault("wave", "pods come behind the migration: wave 0"))
    return faults


def entry_points(rendered: Rendered, environment: str) -> list[Fault]:
    """A listener has the port of one of Traefik's entry points."""
    values = rendered.tree.yaml("argocd/infra/05-traefik.yaml").get("spec", {}).get("source", {}).get("helm", {}).get("valuesObject", {})
    ports = {entry.get("port") for entry in (values.get("ports") or {}).values()}
    return [
        gateway.fault("listener", f"port {listener['port']} is none of Traefik's entry points {sorted(ports)}")
        for gateway in rendered.of(environment, "Gateway")
        for listener in gateway.spec.get("listeners") or []
        if listener["port"] not in ports
    ]
