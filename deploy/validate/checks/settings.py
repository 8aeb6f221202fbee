"""What services are told, in Kubernetes and compose: settings that there are, and hosts that agree."""

import base64
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

from .fault import Fault
from .rendered import Rendered
from .tree import ENVIRONMENTS, Tree


def check(rendered: Rendered) -> list[Fault]:
    """Names of settings, hosts, and origins; and what the services themselves say, where they are built."""
    faults = []
    if not all((Path.cwd() / "target/debug" / service.name).is_file() for service in rendered.tree.services):
        print("           (services are not built here: none was asked about its settings)")
    for environment in ENVIRONMENTS:
        for config in rendered.of(environment, "ConfigMap"):
            if any(service.name == config.name.rsplit("-", 1)[0] for service in rendered.tree.services):
                for name in unknown(rendered.tree, config.body.get("data") or {}):
                    faults.append(config.fault("setting", f"{name} is no setting in docs/settings.md or the service's README"))
                faults += refused(config.where, config.name.rsplit("-", 1)[0], config.body.get("data") or {})
        faults += hosts(rendered, environment) + urls(rendered, environment)
    compose = rendered.tree.yaml("docker-compose.yml").get("services") or {}
    for name, service in compose.items():
        if "/plinth" not in str(service.get("image", "")) and "PLINTH_IMAGES" not in str(service.get("image", "")):
            continue
        variables = service.get("environment") or {}
        for setting in unknown(rendered.tree, variables):
            faults.append(Fault(f"docker-compose.yml: {name}", "setting", f"{setting} is no setting"))
        defaults = {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for key, value in variables.items() if key != "<<"}
        if any(one.name == name for one in rendered.tree.services):
            faults += refused(f"docker-compose.yml: {name}", name, defaults)
    return faults


# What stands in the files that settings name, by the end of their names: of the right form, and of no use.
FORMS = {
    "database-url": "postgres://one:secret@postgres/one",
    "owner-url": "postgres://owner:secret@postgres/one",
    "sealing-keys": "k1:" + base64.b64encode(bytes(32)).decode(),
    "token-keys": base64.b64encode(bytes(32)).decode(),
    "redis-url": "redis://:secret@redis:6379",
    ".crt": Path("/etc/ssl/certs/ca-certificates.crt"),
}


def refused(where: str, service: str, variables: dict) -> list[Fault]:
    """What the service itself says of them, where it is built (`cargo build`)."""
    program = Path.cwd() / "target/debug" / service
    if not program.is_file():
        return []
    with tempfile.TemporaryDirectory() as folder:
        given = {}
        for name, value in variables.items():
            given[name] = str(value)
            if str(value).startswith("/run/secrets/"):
                file = Path(folder) / Path(value).name
                form = next((form for end, form in FORMS.items() if file.name.endswith(end)), "x" * 48)
                file.write_text(form.read_text() if isinstance(form, Path) else form)
                given[name] = str(file)
        checked = subprocess.run([program, "check-config"], env=given, capture_output=True, text=True)
    return [] if checked.returncode == 0 else [Fault(where, "setting-refused", " ".join(checked.stderr.split()))]


def unknown(tree: Tree, variables: dict) -> list[str]:
    """Those that no document names."""
    shared = tree.text("docs/settings.md")
    operators = tree.text("services/monolith/README.md")
    missing = []
    for variable in variables:
        name = variable.removesuffix("_FILE")
        service, _, rest = name.partition("__")
        readme = tree.text(f"services/{service.lower()}/README.md") + tree.text("crates/standins/README.md")
        names = {name: shared + operators + readme, variable: shared + readme, f"<S>__{rest}": shared, f"<S>__{variable.partition('__')[2]}": shared}
        if rest.startswith("CLIENTS__"):
            names[f"{service}__CLIENTS__<SERVICE>"] = readme
        if not any(is_named(one, text) for one, text in names.items()):
            missing.append(variable)
    return missing


def is_named(name: str, text: str) -> bool:
    """Whether the text has the whole name."""
    return bool(re.search(rf"(?<![\w<]){re.escape(name)}(?!\w)", text))


def urls(rendered: Rendered, environment: str) -> list[Fault]:
    """A URL into the cluster names a Service; that of a database one that there is."""
    services = {(o.namespace, o.name) for o in rendered.of(environment, "Service")}
    services |= {(o.namespace, f"{o.name}-{role}") for o in rendered.of(environment, "Cluster") for role in ("rw", "ro", "r")}
    databases = {o.spec.get("name") for o in rendered.of(environment, "Database")}
    faults = []
    for one in rendered.of(environment, "ConfigMap", "ExternalSecret"):
        texts = (one.body.get("data") or one.spec.get("target", {}).get("template", {}).get("data") or {}).values()
        for scheme, host, path in re.findall(r"(\w+)://(?:[^@/\s]*@)?([a-z0-9.-]+)(?::\d+)?/?([a-z]*)", re.sub(r"\{\{.*?\}\}", "x", " ".join(map(str, texts)))):
            name, _, rest = host.partition(".")
            inside = not rest or rest.endswith(".svc") or rest == "svc"
            if inside and name != "localhost" and (rest.removesuffix(".svc") or one.namespace, name) not in services:
                faults.append(one.fault("host", f"{scheme}://{host}: there is no such Service"))
            if scheme == "postgres" and path not in databases:
                faults.append(one.fault("host", f"{scheme}://{host}/{path}: there is no such Database"))
    return faults


def hosts(rendered: Rendered, environment: str) -> list[Fault]:
    """The public URL's host is what routes and certificates are of."""
    urls = {config.body["data"]["PLINTH_PUBLIC_URL"] for config in rendered.of(environment, "ConfigMap") if "PLINTH_PUBLIC_URL" in (config.body.get("data") or {})}
    if len(urls) != 1:
        return [Fault(f"k8s/environments/{environment}", "hostname", f"one PLINTH_PUBLIC_URL is wanted, not {sorted(urls)}")]
    host = urlparse(urls.pop()).hostname
    named = [(o, o.spec.get("hostnames")) for o in rendered.of(environment, "HTTPRoute")]
    named += [(o, o.spec.get("dnsNames")) for o in rendered.of(environment, "Certificate") if o.namespace == "traefik"]
    return [one.fault("hostname", f"{names}, but PLINTH_PUBLIC_URL says {host}") for one, names in named if names != [host]]
