"""Who finds whom: selectors and labels, ports by name, routes, scalers."""

from .fault import Fault
from .rendered import Object, Rendered
from .tree import ENVIRONMENTS


class Pods:
    """The pods of an environment as selectors see them: (namespace, labels, names of ports)."""

    def __init__(self, rendered: Rendered, environment: str):
        self.all = []
        for workload in rendered.workloads(environment):
            containers = workload.pod["spec"].get("containers") or []
            ports = {port["name"]: port["containerPort"] for c in containers for port in c.get("ports") or [] if "name" in port}
            self.all.append((workload.namespace, workload.pod.get("metadata", {}).get("labels") or {}, ports))
        # CloudNativePG makes these.
        for cluster in rendered.of(environment, "Cluster"):
            ports = {"postgresql": 5432, "metrics": 9187, "status": 8000}
            self.all.append((cluster.namespace, {"cnpg.io/cluster": cluster.name}, ports))

    def matching(self, namespace: str, selector: dict) -> list[dict]:
        """The ports of each pod that a label selector means."""
        wanted = selector.get("matchLabels") or {}
        return [ports for place, labels, ports in self.all if place == namespace and wanted.items() <= labels.items()]


def check(rendered: Rendered) -> list[Fault]:
    """All that names others by label or port."""
    faults = []
    for environment in ENVIRONMENTS:
        pods = Pods(rendered, environment)
        services = {(o.namespace, o.name): o for o in rendered.of(environment, "Service")}
        for one in rendered.of(environment):
            match one.kind:
                case "Deployment" | "StatefulSet":
                    faults += own_pods(one) + probe_ports(one)
                case "Service":
                    faults += service(one, pods)
                case "PodDisruptionBudget":
                    faults += selects(one, pods, one.spec.get("selector") or {})
                case "HorizontalPodAutoscaler":
                    faults += scaler(one, rendered, environment)
                case "NetworkPolicy":
                    faults += policy(one, pods)
                case "ServiceMonitor":
                    faults += monitor(one, services)
                case "PodMonitor":
                    faults += pod_monitor(one, pods)
                case "HTTPRoute":
                    faults += route(one, rendered, environment, services)
    return faults


def own_pods(workload: Object) -> list[Fault]:
    """A workload selects the pods that it makes."""
    wanted = workload.spec.get("selector", {}).get("matchLabels") or {}
    labels = workload.pod.get("metadata", {}).get("labels") or {}
    if not wanted or not wanted.items() <= labels.items():
        return [workload.fault("selector", f"selector {wanted} is not among its pods' labels {labels}")]
    return []


def probe_ports(workload: Object) -> list[Fault]:
    """A probe asks a port that the container has."""
    faults = []
    for container in workload.pod["spec"].get("containers") or []:
        names = {port.get("name") for port in container.get("ports") or []} | {port["containerPort"] for port in container.get("ports") or []}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.get(probe, {})
            port = (asked.get("httpGet") or asked.get("tcpSocket") or {}).get("port")
            if port is not None and port not in names:
                faults.append(workload.fault("port-name", f"{probe} asks port {port}, which {container['name']} has not"))
    return faults


def selects(one: Object, pods: Pods, selector: dict) -> list[Fault]:
    """A selector means at least one pod."""
    if pods.matching(one.namespace, selector):
        return []
    return [one.fault("selector", f"no pod in {one.namespace} has the labels {selector.get('matchLabels')}")]


def service(one: Object, pods: Pods) -> list[Fault]:
    """A Service has pods, and they its ports."""
    found = pods.matching(one.namespace, {"matchLabels": one.spec.get("selector") or {}})
    if not one.spec.get("selector") or not found:
        return [one.fault("selector", f"no pod has the labels {one.spec.get('selector')}")]
    return [
        one.fault("port-name", f"targetPort {port.get('targetPort')} is no port of {ports}")
        for port in one.spec.get("ports") or []
        for ports in found
        if port.get("targetPort", port["port"]) not in {*ports, *ports.values()}
    ]


def scaler(one: Object, rendered: Rendered, environment: str) -> list[Fault]:
    """An HPA scales something that is there."""
    target = one.spec.get("scaleTargetRef") or {}
    if any(o.name == target.get("name") and o.namespace == one.namespace for o in rendered.of(environment, target.get("kind", ""))):
        return []
    return [one.fault("hpa-target", f"there is no {target.get('kind')}/{target.get('name')}")]


def policy(one: Object, pods: Pods) -> list[Fault]:
    """A policy concerns somebody; a port by name is one that those at its end have."""
    faults, own = [], one.spec.get("podSelector") or {}
    if own:
        faults += selects(one, pods, own)
    for rule in one.spec.get("ingress") or []:
        faults += named(one, rule.get("ports") or [], pods.matching(one.namespace, own))
        faults += peers(one, rule.get("from") or [], pods)
    for rule in one.spec.get("egress") or []:
        faults += peers(one, rule.get("to") or [], pods)
        ends = [ports for peer in rule.get("to") or [] if "namespaceSelector" not in peer and "podSelector" in peer for ports in pods.matching(one.namespace, peer["podSelector"])]
        faults += named(one, rule.get("ports") or [], ends)
    return faults


def peers(one: Object, those: list[dict], pods: Pods) -> list[Fault]:
    """Whoever is let through in the same namespace is somebody."""
    return [fault for peer in those if "podSelector" in peer and "namespaceSelector" not in peer for fault in selects(one, pods, peer["podSelector"])]


def named(one: Object, ports: list[dict], ends: list[dict]) -> list[Fault]:
    """At least one of the pods has the port of that name."""
    return [
        one.fault("port-name", f"port {port['port']}: none of the pods has it")
        for port in ports
        if isinstance(port.get("port"), str) and not any(port["port"] in known for known in ends)
    ]


def monitor(one: Object, services: dict) -> list[Fault]:
    """A ServiceMonitor finds a Service, and on it the ports that it reads, by name."""
    wanted = one.spec.get("selector", {}).get("matchLabels") or {}
    found = [
        service
        for (namespace, _), service in services.items()
        if namespace == one.namespace and wanted.items() <= (service.body["metadata"].get("labels") or {}).items()
    ]
    if not found:
        return [one.fault("selector", f"no Service has the labels {wanted}")]
    names = {port.get("name") for service in found for port in service.spec.get("ports") or []}
    return [
        one.fault("port-name", f"{endpoint.get('port')} is no port of {[service.name for service in found]}: they have {sorted(names)}")
        for endpoint in one.spec.get("endpoints") or []
        if endpoint.get("port") not in names
    ]


def pod_monitor(one: Object, pods: Pods) -> list[Fault]:
    """The same of a PodMonitor."""
    found = pods.matching(one.namespace, one.spec.get("selector") or {})
    wanted = [endpoint.get("port") for endpoint in one.spec.get("podMetricsEndpoints") or []]
    missing = [port for port in wanted if not any(port in ports for ports in found)]
    return [one.fault("port-name", f"no pod has a port {port}") for port in missing]


def route(one: Object, rendered: Rendered, environment: str, services: dict) -> list[Fault]:
    """A route hangs on a listener that is there, lets it in, and leads to a port of a Service."""
    faults = []
    gateways = {(o.namespace, o.name): o for o in rendered.of(environment, "Gateway")}
    for parent in one.spec.get("parentRefs") or []:
        gateway = gateways.get((parent.get("namespace", one.namespace), parent["name"]))
        listeners = {listener["name"]: listener for listener in gateway.spec.get("listeners", [])} if gateway else {}
        if parent.get("sectionName") not in listeners:
            faults.append(one.fault("route", f"there is no listener {parent.get('sectionName')} of a Gateway {parent['name']}"))
            continue
        allowed = listeners[parent["sectionName"]].get("allowedRoutes", {}).get("namespaces", {})
        place = allowed.get("selector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
        if allowed.get("from") == "Selector" and place != one.namespace:
            faults.append(one.fault("route", f"the listener takes routes of {place} alone"))
    if not one.spec.get("hostnames"):
        faults.append(one.fault("route", "no hostname: each environment is to name its own"))
    for backend in [backend for rule in one.spec.get("rules") or [] for backend in rule.get("backendRefs") or []]:
        target = services.get((backend.get("namespace", one.namespace), backend["name"]))
        if not target or backend.get("port") not in {port["port"] for port in target.spec.get("ports") or []}:
            faults.append(one.fault("route", f"no Service {backend['name']} has port {backend.get('port')}"))
    return faults
