"""What names another object, a key of it, or a file in a mounted one, names one that is there."""

import re

from .fault import Fault
from .rendered import Object, Rendered
from .tree import ENVIRONMENTS, Tree

# In every namespace, by Kubernetes itself.
GIVEN = {"kube-root-ca.crt": {"ca.crt"}}


class Stored:
    """The names and properties of the secrets that Terraform makes, in an environment."""

    def __init__(self, tree: Tree, environment: str):
        root = "kind-local" if environment == "dev" else "eks"
        made = tree.text("terraform/module-secrets/secrets.tf") + tree.text(f"terraform/{root}/secrets.tf")
        listed = re.findall(r"value\s*=\s*\[(.*)\]", tree.text("terraform/module-secrets/outputs.tf"))
        listed += re.findall(r"concat\(module\.secrets\.names, \[(.*?)\]\)", made)
        self.names = set(re.findall(r'"([a-z-]+)"', " ".join(listed)))
        # Every whole word: enough to see one that is spelled otherwise.
        self.properties = set(re.findall(r"[a-z][a-z-]*", made))


class Known:
    """An environment's objects, by what refers to them."""

    def __init__(self, rendered: Rendered, environment: str):
        self.objects = {(o.kind, o.namespace, o.name): o for o in rendered.of(environment)}
        self.configs = {
            (o.namespace, o.name): {*(o.body.get("data") or {}), *(o.body.get("binaryData") or {})}
            for o in rendered.of(environment, "ConfigMap")
        }
        self.secrets: dict[tuple[str, str], set[str]] = {}
        for secret in rendered.of(environment, "ExternalSecret"):
            target = secret.spec.get("target") or {}
            template = target.get("template", {}).get("data") or {}
            keys = set(template) or {entry["secretKey"] for entry in secret.spec.get("data") or []}
            self.secrets[secret.namespace, target.get("name", secret.name)] = keys
        for certificate in rendered.of(environment, "Certificate"):
            self.secrets[certificate.namespace, certificate.spec.get("secretName", "")] = {"tls.crt", "tls.key", "ca.crt"}
        for cluster in rendered.of(environment, "Cluster"):
            self.secrets[cluster.namespace, f"{cluster.name}-ca"] = {"ca.crt", "ca.key"}

    def has(self, kind: str, namespace: str, name: str | None) -> bool:
        return (kind, namespace, name) in self.objects


def check(rendered: Rendered) -> list[Fault]:
    """All references of all environments."""
    faults = []
    for environment in ENVIRONMENTS:
        known, secrets = Known(rendered, environment), Stored(rendered.tree, environment)
        for one in rendered.of(environment):
            if one.pod:
                faults += pod(one, known)
            faults += others(one, known)
            if one.kind == "ExternalSecret":
                faults += stored(one, secrets)
        faults += charts(rendered.tree, environment, known)
    return faults


def stored(one: Object, secrets: Stored) -> list[Fault]:
    """What is fetched is what Terraform makes."""
    refs = [entry["remoteRef"] for entry in one.spec.get("data") or []]
    return [
        one.fault("remote-secret", f"terraform makes no {ref.get('property')} of {ref.get('key')}")
        for ref in refs
        if ref.get("key") not in secrets.names or ref.get("property") not in secrets.properties
    ]


def charts(tree: Tree, environment: str, known: Known) -> list[Fault]:
    """The Secrets that the monitoring chart mounts and reads."""
    where = "argocd/infra/06-monitoring.yaml"
    values = tree.yaml(where).get("spec", {}).get("source", {}).get("helm", {}).get("valuesObject", {})
    wanted = {name: set() for name in values.get("alertmanager", {}).get("alertmanagerSpec", {}).get("secrets", [])}
    admin = values.get("grafana", {}).get("admin", {})
    wanted[admin.get("existingSecret")] = {admin.get("userKey"), admin.get("passwordKey")}
    return [Fault(where, "secret", f"nothing makes the Secret {name} in {environment} with {sorted(map(str, keys))}") for name, keys in wanted.items() if not known.secrets.keys() >= {("monitoring", name)} or not keys <= known.secrets["monitoring", name]]


def pod(workload: Object, known: Known) -> list[Fault]:
    """What a pod is given: its account, variables, volumes; and the files that its settings name."""
    spec, place, faults = workload.pod["spec"], workload.namespace, []
    account = spec.get("serviceAccountName")
    if account and not known.has("ServiceAccount", place, account):
        faults.append(workload.fault("service-account", f"there is no ServiceAccount {account}"))
    for pull in spec.get("imagePullSecrets") or []:
        if (place, pull.get("name")) not in known.secrets:
            faults.append(workload.fault("secret", f"nothing makes the Secret {pull.get('name')} that images are pulled by"))
    for volume in spec.get("volumes") or []:
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and not known.has("PersistentVolumeClaim", place, claim):
            faults.append(workload.fault("volume", f"there is no claim {claim}"))
    mounted: dict[str, set[str]] = {}
    for volume in spec.get("volumes") or []:
        keys = set()
        for source in volume.get("projected", {}).get("sources") or [volume]:
            found, more = source_keys(workload, source, known)
            keys |= found
            faults += more
        mounted[volume["name"]] = keys
    for container in (spec.get("initContainers") or []) + spec["containers"]:
        variables, more = environment_of(workload, container, known)
        faults += more + mounts(workload, container, mounted) + files(workload, container, variables, mounted)
    return faults


def source_keys(workload: Object, source: dict, known: Known) -> tuple[set[str], list[Fault]]:
    """The files that a volume's source brings, and what is wrong with it."""
    for field, label, those in (("secret", "secret", known.secrets), ("configMap", "config-map", known.configs)):
        if field not in source:
            continue
        name = source[field].get("name") or source[field].get("secretName")
        keys = those.get((workload.namespace, name), GIVEN.get(name))
        if keys is None:
            return set(), [workload.fault(label, f"nothing makes the {field} {name}")]
        items = source[field].get("items")
        if items is None:
            return keys, []
        missing = [item["key"] for item in items if item["key"] not in keys]
        return {item["path"] for item in items}, [workload.fault(label, f"{name} has no key {key}") for key in missing]
    return set(), []


def environment_of(workload: Object, container: dict, known: Known) -> tuple[dict[str, str], list[Fault]]:
    """The variables that a container has, and references that lead nowhere."""
    variables, faults, place = {}, [], workload.namespace
    for source in container.get("envFrom") or []:
        name = source.get("configMapRef", source.get("secretRef", {})).get("name")
        if "configMapRef" in source:
            config = known.objects.get(("ConfigMap", place, name))
            variables |= (config.body.get("data") or {}) if config else {}
            if not config:
                faults.append(workload.fault("config-map", f"there is no ConfigMap {name}"))
        elif (place, name) not in known.secrets:
            faults.append(workload.fault("secret", f"nothing makes the Secret {name}"))
    for entry in container.get("env") or []:
        if "value" in entry:
            variables[entry["name"]] = entry["value"]
        for field, rule, those in (("secretKeyRef", "secret", known.secrets), ("configMapKeyRef", "config-map", known.configs)):
            ref = entry.get("valueFrom", {}).get(field)
            if ref and ref.get("key") not in those.get((place, ref.get("name")), set()):
                faults.append(workload.fault(rule, f"{entry['name']}: {ref.get('name')} has no key {ref.get('key')}"))
    return variables, faults


def mounts(workload: Object, container: dict, mounted: dict) -> list[Fault]:
    """What is mounted is a volume of the pod."""
    claims = {claim["metadata"]["name"] for claim in workload.spec.get("volumeClaimTemplates") or []}
    names = [mount["name"] for mount in container.get("volumeMounts") or []]
    return [workload.fault("volume", f"{container['name']} mounts {name}, which is no volume") for name in names if name not in mounted and name not in claims]


def files(workload: Object, container: dict, variables: dict, mounted: dict) -> list[Fault]:
    """A setting that stands in a file (…_FILE) names one that is mounted."""
    paths = {mount["mountPath"].rstrip("/"): mounted.get(mount["name"], set()) for mount in container.get("volumeMounts") or []}
    faults = []
    for name, value in variables.items():
        if not name.endswith("_FILE"):
            continue
        folder, _, file = str(value).rpartition("/")
        if file not in paths.get(folder, set()):
            faults.append(workload.fault("file-setting", f"{name}={value}: no such file is mounted"))
    return faults


def others(one: Object, known: Known) -> list[Fault]:
    """References between objects that are no pods."""
    spec, place, faults = one.spec, one.namespace, []
    match one.kind:
        case "ExternalSecret":
            store = spec.get("secretStoreRef") or {}
            if not known.has(store.get("kind", ""), "", store.get("name")):
                faults.append(one.fault("secret-store", f"there is no {store.get('kind')} {store.get('name')}"))
            faults += template(one)
        case "Database":
            owners = {o.spec.get("name") for o in known.objects.values() if o.kind == "DatabaseRole" and o.namespace == place}
            if spec.get("owner") not in owners:
                faults.append(one.fault("database", f"no DatabaseRole makes the owner {spec.get('owner')}"))
        case "DatabaseRole":
            name = spec.get("passwordSecret", {}).get("name")
            if not {"username", "password"} <= known.secrets.get((place, name), set()):
                faults.append(one.fault("secret", f"nothing makes the Secret {name} with username and password"))
        case "Cluster":
            for plugin in spec.get("plugins") or []:
                store = plugin.get("parameters", {}).get("barmanObjectName")
                if not known.has("ObjectStore", place, store):
                    faults.append(one.fault("backup", f"there is no ObjectStore {store}"))
            if not any(plugin.get("isWALArchiver") for plugin in spec.get("plugins") or []):
                faults.append(one.fault("backup", "nothing archives its WAL"))
            backups = [o for o in known.objects.values() if o.kind == "ScheduledBackup" and o.spec.get("cluster", {}).get("name") == one.name]
            if not backups:
                faults.append(one.fault("backup", "no ScheduledBackup is of it"))
        case "ScheduledBackup":
            if len(str(spec.get("schedule", "")).split()) != 6:
                faults.append(one.fault("backup", f"schedule {spec.get('schedule')!r}: six fields are wanted, seconds first"))
        case "ObjectStore":
            for ref in (spec.get("configuration", {}).get("s3Credentials") or {}).values():
                if isinstance(ref, dict) and ref.get("key") not in known.secrets.get((place, ref.get("name")), set()):
                    faults.append(one.fault("secret", f"{ref.get('name')} has no key {ref.get('key')}"))
        case "Gateway":
            for listener in spec.get("listeners") or []:
                for ref in listener.get("tls", {}).get("certificateRefs") or []:
                    if (place, ref["name"]) not in known.secrets:
                        faults.append(one.fault("secret", f"no Certificate makes the Secret {ref['name']}"))
        case "Certificate":
            issuer = spec.get("issuerRef") or {}
            if not known.has(issuer.get("kind", "Issuer"), "" if issuer.get("kind") == "ClusterIssuer" else place, issuer.get("name")):
                faults.append(one.fault("issuer", f"there is no {issuer.get('kind')} {issuer.get('name')}"))
        case "RoleBinding":
            ref = spec or one.body.get("roleRef") or {}
            if not known.has(ref.get("kind", ""), place, ref.get("name")):
                faults.append(one.fault("role", f"there is no {ref.get('kind')} {ref.get('name')}"))
    cluster = spec.get("cluster", {}) if one.kind in {"Database", "DatabaseRole", "ScheduledBackup"} else {}
    if cluster and not known.has("Cluster", place, cluster.get("name")):
        faults.append(one.fault("database", f"there is no Cluster {cluster.get('name')}"))
    return faults


def template(one: Object) -> list[Fault]:
    """A template speaks of what was fetched."""
    fetched = {entry["secretKey"] for entry in one.spec.get("data") or []}
    texts = (one.spec.get("target", {}).get("template", {}).get("data") or {}).items()
    return [
        one.fault("secret", f"{key}: .{name} is not fetched")
        for key, text in texts
        for name in re.findall(r"\{\{[^}]*?\.(\w+)", str(text))
        if name not in fetched
    ]
