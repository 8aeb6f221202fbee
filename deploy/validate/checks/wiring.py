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
        return [ports for place, labels, ports in self.all if place == namespace and means(selector, labels)]


def means(selector: dict, labels: dict) -> bool:
    """Whether a label selector (matchLabels, and of matchExpressions Exists and In) means these labels."""
    wanted = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        rule["key"] in labels and (rule["operator"] == "Exists" or labels[rule["key"]] in rule.get("values", []))
        for rule in selector.get("matchExpressions") or []
    )


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
                    faults += policy(one, pods) + namespaces(one, rendered)
                case "ServiceMonitor":
                    faults += monitor(one, services)
                case "PodMonitor":
                    faults += pod_monitor(one, pods)
                case "HTTPRoute":
                    faults += route(one, rendered, environment, services) + let_in(one, rendered, environment, services)
                case "Gateway":
                    faults += gateway_class(one, rendered)
                case "ClusterIssuer":
                    faults += solvers(one, rendered, environment)
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
    if not 1 <= one.spec.get("minReplicas", 1) <= one.spec.get("maxReplicas", 0):
        return [one.fault("hpa-target", f"from {one.spec.get('minReplicas')} to {one.spec.get('maxReplicas')} replicas: no such number")]
    if any(o.body.get("apiVersion") == target.get("apiVersion") and o.name == target.get("name") and o.namespace == one.namespace for o in rendered.of(environment, target.get("kind", ""))):
        return []
    return [one.fault("hpa-target", f"there is no {target.get('apiVersion')} {target.get('kind')}/{target.get('name')}")]


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
    """At least one of the pods has the port, by its name or number. Who is not ours may have any number."""
    return [
        one.fault("port-name", f"port {port['port']}: none of the pods has it")
        for port in ports
        if (isinstance(port.get("port"), str) or ends) and not any(port["port"] in {*known, *known.values()} for known in ends)
    ]


def namespaces(one: Object, rendered: Rendered) -> list[Fault]:
    """Whoever is let through in another namespace lives in one that there is."""
    project = rendered.tree.yaml("argocd/projects/infra.yaml").get("spec", {})
    known = {destination["namespace"] for destination in project.get("destinations", [])} | {"kube-system"}
    rules = [(rule, "from") for rule in one.spec.get("ingress") or []] + [(rule, "to") for rule in one.spec.get("egress") or []]
    names = [
        peer["namespaceSelector"].get("matchLabels", {}).get("kubernetes.io/metadata.name")
        for rule, side in rules
        for peer in rule.get(side) or []
        if "namespaceSelector" in peer
    ]
    return [one.fault("namespace", f"there is no namespace {name}") for name in names if name not in known]


def gateway_class(one: Object, rendered: Rendered) -> list[Fault]:
    """The class is the one that Traefik's chart makes."""
    values = rendered.tree.yaml("argocd/infra/05-traefik.yaml").get("spec", {}).get("source", {}).get("helm", {}).get("valuesObject", {})
    made = values.get("gatewayClass", {}).get("name")
    return [] if one.spec.get("gatewayClassName") == made else [one.fault("route", f"gatewayClassName {one.spec.get('gatewayClassName')}: the chart makes {made}")]


def solvers(one: Object, rendered: Rendered, environment: str) -> list[Fault]:
    """Challenges are answered at a listener that is there."""
    listeners = {(o.namespace, o.name, listener["name"]) for o in rendered.of(environment, "Gateway") for listener in o.spec.get("listeners", [])}
    parents = [parent for solver in one.spec.get("acme", {}).get("solvers") or [] for parent in solver.get("http01", {}).get("gatewayHTTPRoute", {}).get("parentRefs", [])]
    return [
        one.fault("route", f"there is no listener {parent.get('sectionName')} of a Gateway {parent['name']}")
        for parent in parents
        if (parent.get("namespace"), parent["name"], parent.get("sectionName")) not in listeners
    ]


def let_in(one: Object, rendered: Rendered, environment: str, services: dict) -> list[Fault]:
    """Where a route leads, a policy lets the Gateway's pods in, at that port."""
    faults = []
    for backend in [backend for rule in one.spec.get("rules") or [] for backend in rule.get("backendRefs") or []]:
        service = services.get((one.namespace, backend["name"]))
        target = next((port.get("targetPort") for port in service.spec["ports"] if port["port"] == backend.get("port")), None) if service else None
        gateways = {parent.get("namespace", one.namespace) for parent in one.spec.get("parentRefs") or []}
        rules = [
            rule
            for policy in rendered.of(environment, "NetworkPolicy")
            if service and policy.namespace == one.namespace and means(policy.spec.get("podSelector") or {}, service.spec.get("selector") or {})
            for rule in policy.spec.get("ingress") or []
        ]
        held = any(
            {"port": target} in (rule.get("ports") or []) and peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name") in gateways
            for rule in rules
            for peer in rule.get("from") or []
        )
        if target and not held:
            faults.append(one.fault("route", f"no policy lets {sorted(gateways)} in to {backend['name']} at {target}"))
    return faults


def monitor(one: Object, services: dict) -> list[Fault]:
    """A ServiceMonitor finds a Service, and on it the ports that it reads, by name; there, what is to be read."""
    paths = [endpoint.get("path", "/metrics") for endpoint in one.spec.get("endpoints") or []]
    if any(path != "/metrics" for path in paths):
        return [one.fault("port-name", f"{paths}: services tell at /metrics")]
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
    # What a chart makes is not in the tree.
    if one.spec.get("namespaceSelector"):
        return []
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
