"""What every pod has: no rights, probes, limits, an image that can be named again, and a proper end."""

import re

from .fault import Fault
from .rendered import Object, Rendered
from .tree import ENVIRONMENTS

# How long a service takes to end after SIGTERM: drain and grace (docs/settings.md).
ENDS_WITHIN = 13


def check(rendered: Rendered) -> list[Fault]:
    """All pods of all environments."""
    faults = []
    for environment in ENVIRONMENTS:
        for workload in rendered.workloads(environment):
            faults += pod(workload)
        faults += availability(rendered, environment)
        for cluster in rendered.of(environment, "Cluster"):
            faults += image(cluster, {"image": cluster.spec.get("imageName", "")})
    return faults


def pod(workload: Object) -> list[Fault]:
    """One pod template, with all of its containers."""
    spec, faults = workload.pod.get("spec", {}), []
    own = spec.get("securityContext") or {}
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            faults.append(workload.fault("pod-security", f"{field} is not for us"))
    if any("hostPath" in volume for volume in spec.get("volumes") or []):
        faults.append(workload.fault("pod-security", "no hostPath volumes"))
    if own.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        faults.append(workload.fault("pod-security", "seccompProfile RuntimeDefault is wanted"))
    if spec.get("automountServiceAccountToken") is not False:
        faults.append(workload.fault("pod-security", "automountServiceAccountToken: false is wanted"))
    if spec.get("enableServiceLinks") is not False:
        faults.append(workload.fault("pod-security", "enableServiceLinks: false is wanted: its variables look like settings"))
    for container in (spec.get("initContainers") or []) + (spec.get("containers") or []):
        faults += security(workload, own, container) + image(workload, container) + limits(workload, container)
    if workload.kind != "Job":
        faults += [fault for container in spec.get("containers") or [] for fault in probes(workload, container)]
        faults += end(workload, spec)
    return faults


def security(workload: Object, own: dict, container: dict) -> list[Fault]:
    """The `restricted` Pod Security Standard, and a file system that is read-only."""
    given = {**own, **(container.get("securityContext") or {})}
    wanted = {
        "runAsNonRoot: true with a runAsUser": given.get("runAsNonRoot") is True and bool(given.get("runAsUser")),
        "allowPrivilegeEscalation: false": given.get("allowPrivilegeEscalation") is False,
        "readOnlyRootFilesystem: true": given.get("readOnlyRootFilesystem") is True,
        "capabilities: {drop: [ALL]}": given.get("capabilities", {}).get("drop") == ["ALL"] and not given.get("capabilities", {}).get("add"),
        "not privileged": not given.get("privileged"),
    }
    return [workload.fault("pod-security", f"{container['name']}: {rule} is wanted") for rule, holds in wanted.items() if not holds]


def image(workload: Object, container: dict) -> list[Fault]:
    """A tag that means the same tomorrow."""
    name = container.get("image", "")
    if re.search(r"@sha256:[0-9a-f]{64}$", name):
        return []
    tag = re.search(r":([^:/]+)$", name)
    if not tag or tag[1] in {"latest", "main", "master", "stable", "dev"}:
        return [workload.fault("image-pinned", f"{name or 'no image'}: a version's tag or a digest is wanted")]
    return []


def limits(workload: Object, container: dict) -> list[Fault]:
    """What it asks for, and how much memory it may have. CPU has no limit: it would only slow."""
    resources = container.get("resources") or {}
    missing = [f"requests.{what}" for what in ("cpu", "memory") if what not in (resources.get("requests") or {})]
    missing += ["limits.memory"] if "memory" not in (resources.get("limits") or {}) else []
    return [workload.fault("resources", f"{container['name']}: no {', '.join(missing)}")] if missing else []


def probes(workload: Object, container: dict) -> list[Fault]:
    """All three; and alive never depends on what may be away."""
    faults = [
        workload.fault("probes", f"{container['name']}: no {probe}")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        if probe not in container
    ]
    for probe in ("startupProbe", "livenessProbe"):
        path = container.get(probe, {}).get("httpGet", {}).get("path", "")
        if is_ours(container) and path != "/healthz":
            faults.append(workload.fault("probes", f"{container['name']}: {probe} asks {path or 'nothing'}: /healthz is wanted"))
        if "readyz" in path:
            faults.append(workload.fault("probes", f"{container['name']}: {probe} asks {path}, so that a database that is away kills the pod"))
    if is_ours(container) and container.get("readinessProbe", {}).get("httpGet", {}).get("path") != "/readyz":
        faults.append(workload.fault("probes", f"{container['name']}: readinessProbe is to ask /readyz"))
    return faults


def is_ours(container: dict) -> bool:
    """Whether it is an image of this repository."""
    return "/plinth/" in f"/{container.get('image', '')}"


def end(workload: Object, spec: dict) -> list[Fault]:
    """Our own pods lose no request when they go."""
    faults = []
    for container in spec.get("containers") or []:
        if not is_ours(container):
            continue
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds")
        if not sleep:
            faults.append(workload.fault("graceful-end", f"{container['name']}: no preStop.sleep: endpoints take time to hear of an end"))
        if spec.get("terminationGracePeriodSeconds", 30) <= (sleep or 0) + ENDS_WITHIN:
            faults.append(workload.fault("graceful-end", f"terminationGracePeriodSeconds is to be above preStop and {ENDS_WITHIN} s"))
    return faults


def availability(rendered: Rendered, environment: str) -> list[Fault]:
    """Who is scaled has no number of its own, a budget, and its pods in several places."""
    faults = []
    scaled = {hpa.spec.get("scaleTargetRef", {}).get("name") for hpa in rendered.of(environment, "HorizontalPodAutoscaler")}
    budgets = rendered.of(environment, "PodDisruptionBudget")
    for deployment in rendered.of(environment, "Deployment"):
        if deployment.name not in scaled:
            continue
        if "replicas" in deployment.spec:
            faults.append(deployment.fault("replicas", "no replicas where an HPA rules: each sync would undo it"))
        if not any(budget.name == deployment.name and budget.spec.get("maxUnavailable", 0) for budget in budgets):
            faults.append(deployment.fault("disruption-budget", "a PodDisruptionBudget with maxUnavailable of 1 is wanted: with 0 no node can be drained"))
        keys = {spread.get("topologyKey") for spread in deployment.pod["spec"].get("topologySpreadConstraints") or []}
        if "topology.kubernetes.io/zone" not in keys:
            faults.append(deployment.fault("zones", "its pods are not spread over zones"))
    return faults
