"""What the Terraform providers know: each resource, data source and provider block, with its attributes.

The plugins themselves cannot be fetched everywhere, but PyPI has bindings made from their schemas. Each wheel
is some 50 MB, so what is needed of it is kept as one small JSON file below target/validate/, named by version.
"""

import base64
import functools
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

# The wheel for each provider; the schema in it is that of the provider's version beside it.
WHEELS = {
    "aws": "cdktf-cdktf-provider-aws==21.22.1",  # 6.25
    "google": "cdktf-cdktf-provider-google==16.12.1",  # 7.13
    "kubernetes": "cdktf-cdktf-provider-kubernetes==12.1.1",  # 2.38
    "helm": "cdktf-cdktf-provider-helm==12.1.2",  # 3.1
    "tls": "cdktf-cdktf-provider-tls==11.0.1",  # 4.1
    "random": "cdktf-cdktf-provider-random==12.0.1",  # 3.7
    "docker": "cdktf-cdktf-provider-docker==12.0.3",  # 3.6
}

# Raise it when the shape below changes: older files are then made anew.
SHAPE = 1

# An index: {"resource"|"data"|"provider": {type: {struct: {name: entry}}}}; the struct "" is the block itself.
# An entry: {"need": must be given, "set": may be given, "read": the provider makes it}, and "type": a Terraform type,
# or "of": a struct, "nest": list|set|map|single, "block": whether it is written as a block or as an attribute.


def _by_hand(**fields) -> dict:
    """A struct: each name with its type or, after @, the struct of its blocks; _ before a name: the provider makes it."""
    return {
        name.lstrip("_"): {"need": False, "set": not name.startswith("_"), "read": name.startswith("_")}
        | (
            {"of": kind[1:], "nest": "list", "block": True}
            if isinstance(kind, str) and kind[0] == "@"
            else {"type": kind}
        )
        for name, kind in fields.items()
    }


# Providers that PyPI has no bindings of: what their source says.
BY_HAND = {
    "kind": {  # tehcyx/kind 0.9
        "provider": {"kind": {"": {}}},
        "data": {},
        "resource": {
            "kind_cluster": {
                "": _by_hand(
                    name="string",
                    node_image="string",
                    wait_for_ready="bool",
                    kubeconfig_path="string",
                    kind_config="@config",
                    _id="string",
                    _kubeconfig="string",
                    _client_certificate="string",
                    _client_key="string",
                    _cluster_ca_certificate="string",
                    _endpoint="string",
                    _completed="bool",
                ),
                "config": _by_hand(
                    kind="string",
                    api_version="string",
                    networking="@networking",
                    node="@node",
                    containerd_config_patches=["list", "string"],
                    runtime_config=["map", "string"],
                    feature_gates=["map", "string"],
                ),
                "networking": _by_hand(
                    api_server_address="string",
                    api_server_port="number",
                    pod_subnet="string",
                    service_subnet="string",
                    disable_default_cni="bool",
                    kube_proxy_mode="string",
                    ip_family="string",
                    dns_search=["list", "string"],
                ),
                "node": _by_hand(
                    role="string",
                    image="string",
                    labels=["map", "string"],
                    kubeadm_config_patches=["list", "string"],
                    extra_mounts="@mount",
                    extra_port_mappings="@port",
                ),
                "mount": _by_hand(host_path="string", container_path="string"),
                "port": _by_hand(
                    container_port="number", host_port="number", listen_address="string", protocol="string"
                ),
            }
        },
    }
}


@functools.cache
def index(provider: str, cache: pathlib.Path) -> dict:
    """The index of one provider, read from `cache` or made there."""
    if provider in BY_HAND:
        return BY_HAND[provider]
    package, version = WHEELS[provider].split("==")
    kept = cache / f"{package}-{version}.{SHAPE}.json"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = _from_wheel(_download(WHEELS[provider], pathlib.Path(scratch)))
            part = pathlib.Path(scratch) / "index.json"
            part.write_text(json.dumps(made, separators=(",", ":"), sort_keys=True))
            part.replace(kept)
    return json.loads(kept.read_text())


def _download(requirement: str, folder: pathlib.Path) -> pathlib.Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*command, "--dest", str(folder), requirement], check=True)
    return next(folder.glob("*.whl"))


def _from_wheel(wheel: pathlib.Path) -> dict:
    """Reads lib/<resource>/*.js out of the archive inside the wheel, one resource after another."""
    found = {"resource": {}, "data": {}, "provider": {}}
    with zipfile.ZipFile(wheel) as outer:
        name = next(n for n in outer.namelist() if n.endswith(".jsii.tgz"))
        with outer.open(name) as packed, tarfile.open(fileobj=packed, mode="r|gz") as inner:
            sources: dict[str, str] = {}
            for member in inner:
                # Large resources have more files than one.
                if member.isfile() and (folder := re.match(r"package/lib/([^/]+)/.*\.js$", member.name)):
                    source = _source(inner.extractfile(member).read())
                    sources[folder[1]] = sources.get(folder[1], "") + source
    for source in sources.values():
        _read(source, found)
    return found


def _source(script: bytes) -> str:
    """The TypeScript that a script was made from: its source map has it, and the comments that the script lacks."""
    packed = script.rsplit(b"base64,", 1)[1]
    return json.loads(base64.b64decode(packed))["sourcesContent"][0]


_BASES = {"TerraformResource": "resource", "TerraformDataSource": "data", "TerraformProvider": "provider"}
_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{(.*?)^\}", re.M | re.S)
_TYPE = re.compile(r"public static readonly tfResourceType = \"(\w+)\"")
_KNOWN = re.compile(r"// (\w+) - computed: (\w+), optional: ")
_MADE = re.compile(r"new cdktf\.(\w+)\(this, \"(\w+)\"")
_GET = re.compile(r"this\.get(\w+?)Attribute\(")
_INTERFACE = re.compile(r"^export interface (\w+) (?:extends [\w.]+ )?\{(.*?)^\}", re.M | re.S)
_MEMBER = re.compile(r"/\*\*((?:(?!\*/).)*?)\*/\s*readonly (\w+)(\??): ", re.S)
_WRITTEN = re.compile(
    r"^ {4,8}(\w+): \{\n\s+value: (.*?),\n\s+isBlock: (\w+),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\"", re.M
)
_HCL = re.compile(r"^export function (\w+)ToHclTerraform\(.*?\{\n(.*?)^\}", re.M | re.S)
_NESTED = re.compile(r"new (\w+?)(?:MapList|List|Map|OutputReference)\(this, \"(\w+)\"(?:, (\w+))?")


def _read(source: str, found: dict) -> None:
    """Adds what one file defines: a resource, a data source or a provider."""
    classes = {name: (base, body) for name, base, body in _CLASS.findall(source)}
    for main, (base, body) in classes.items():
        if base not in _BASES:
            continue
        declared = dict(_INTERFACE.findall(source))
        writers = {"": body, **{name[0].upper() + name[1:]: text for name, text in _HCL.findall(source)}}
        structs = {}
        for struct in ["", *(set(declared) | {name.removesuffix("OutputReference") for name in classes})]:
            interface = declared.get(struct or f"{main}Config", "")
            reader = body if struct == "" else classes.get(f"{struct}OutputReference", ("", ""))[1]
            entries = _entries(interface, writers.get(struct, ""), reader)
            if entries:
                structs[struct] = entries
        found[_BASES[base]][_TYPE.search(body)[1]] = _reachable(structs)


def _entries(interface: str, writer: str, reader: str) -> dict:
    """The names in one block: what can be written (interface, writer), and what can only be read (reader)."""
    entries = {}
    nested = {name: (struct, flag) for struct, name, flag in _NESTED.findall(reader)}
    made = {name: kind for kind, name in _MADE.findall(reader)}
    known = list(_KNOWN.finditer(reader))
    for at, following in zip(known, [*(k.start() for k in known[1:]), len(reader)], strict=False):
        name, computed = at.groups()
        getter = reader[at.end() : following]
        struct, flag = nested.get(name, (None, None))
        entries[name] = {"need": False, "set": False, "read": computed == "true"}
        if struct:
            entries[name] |= {"of": struct, "nest": "set" if flag == "true" else "list", "block": False}
        else:
            entries[name]["type"] = _read_type(getter, made.get(name))
    documented = {}
    for doc, _, optional in _MEMBER.findall(interface):
        link = re.search(r"#(\w+) \w+#\w+\}", doc)
        if link:
            documented[link.group(1)] = (not optional, bool(re.search(r"\* \w+ block\s", doc)))
    for name, value, is_block, shape, storage in _WRITTEN.findall(writer):
        need, block = documented.get(name, (False, False))
        entry = {"need": need, "set": True, "read": entries.get(name, {}).get("read", False)}
        struct = re.search(r"(\w+)ToHclTerraform", value.replace("cdktf.", ""))
        if is_block == "true" and struct:
            nest = {"struct": "single", "simple": "single"}.get(shape, shape)
            entry |= {"of": struct.group(1)[0].upper() + struct.group(1)[1:], "nest": nest, "block": block}
        else:
            entry["type"] = _written_type(shape, storage)
        entries[name] = entry
    return entries


_SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}


def _written_type(shape: str, storage: str):
    for word, cty in _SIMPLE.items():
        if storage == word:
            return cty
        if storage.startswith(word):
            inner = [("list" if part == "List" else "map") for part in re.findall("List|Map", storage)]
            inner[-1] = shape if shape in ("set", "list", "map") else inner[-1]
            made = cty
            for kind in inner:
                made = [kind, made]
            return made
    return "dynamic"


def _read_type(getter: str, made: str | None):
    word = made or (_GET.search(getter) or [None, "Any"])[1]
    inner = next((cty for start, cty in _SIMPLE.items() if word.lower().startswith(start)), "string")
    if "Map" in word:
        return ["map", inner]
    if "List" in word:
        return ["set" if "tolist" in getter else "list", inner]
    return inner


def _reachable(structs: dict) -> dict:
    """Only the structs that the block leads to."""
    kept, ahead = {}, [""]
    while ahead:
        struct = ahead.pop()
        if struct in structs and struct not in kept:
            kept[struct] = structs[struct]
            ahead += [entry["of"] for entry in structs[struct].values() if "of" in entry]
    return kept
