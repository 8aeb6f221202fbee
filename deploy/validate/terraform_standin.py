#!/usr/bin/env python3
"""Runs `terraform validate` and `terraform test` where no provider's plugin can be fetched.

Terraform asks a plugin for two things when its resources are mocked: its schema, and whether a configuration is valid.
Stand-ins answer the first from terraform_providers.py, and the second with yes. So types, names, expressions, variable
validations and the tests' assertions are all really evaluated; what a plugin checks besides (a malformed ARN, two
settings that exclude each other) is not. Needs: pip install python-hcl2==8.1.4 grpcio==1.85.3, and terraform.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import grpc

import terraform_providers
import terraform_schema

# The schemas do not say what is secret, and Terraform refuses outputs that show it: say it for what is used here.
SENSITIVE = {
    "random_password": {"result", "bcrypt_hash"},
    "random_bytes": {"base64", "hex"},
    "tls_private_key": {"private_key_pem", "private_key_openssh", "private_key_pem_pkcs8"},
    "tls_self_signed_cert": {"private_key_pem"},
    "kubernetes_secret_v1": {"data", "binary_data"},
    "aws_secretsmanager_secret_version": {"secret_string", "secret_binary"},
    "aws_elasticache_replication_group": {"auth_token"},
    "google_sql_user": {"password"},
    "google_redis_instance": {"auth_string"},
    "kind_cluster": {"kubeconfig", "client_key"},
}


# The wire: the few messages of Terraform's plugin protocol, version 6, that are needed here.


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}


def _cty(structs: dict, entry: dict):
    """The type of an attribute, in Terraform's own notation."""
    if "type" in entry:
        return entry["type"]
    inner = ["object", {name: _cty(structs, e) for name, e in structs.get(entry["of"], {}).items()}]
    return inner if entry["nest"] == "single" else [entry["nest"], inner]


def _attribute(structs: dict, name: str, entry: dict, secret: bool) -> bytes:
    if "of" in entry and entry["set"]:
        inner = b"".join(_field(1, _attribute(structs, n, e, False)) for n, e in structs.get(entry["of"], {}).items())
        kind = _field(10, inner + _field(3, _NESTING[entry["nest"]]))
    else:
        kind = _field(2, json.dumps(_cty(structs, entry)))
    optional = entry["set"] and not entry["need"]
    computed = entry["read"] and not entry["need"] or not entry["set"]
    return (
        _field(1, name)
        + kind
        + _field(4, int(entry["need"]))
        + _field(5, int(optional))
        + _field(6, int(computed))
        + _field(7, int(secret))
    )


def _body(structs: dict, struct: str, secrets: set[str]) -> bytes:
    out = b""
    for name, entry in structs.get(struct, {}).items():
        if entry.get("block"):
            out += _field(
                3, _field(1, name) + _field(2, _body(structs, entry["of"], set())) + _field(3, _NESTING[entry["nest"]])
            )
        else:
            out += _field(2, _attribute(structs, name, entry, name in secrets))
    return out


def _schema(structs: dict, secrets: set[str]) -> bytes:
    return _field(2, _body(structs, "", secrets))


def _schemas(provider: str, index: dict, used: set[str]) -> bytes:
    """The answer to GetProviderSchema, with what the tree uses."""
    out = _field(1, _schema(index["provider"][provider], set()))
    for number, kind in ((2, "resource"), (3, "data")):
        for name in sorted(used & index[kind].keys()):
            out += _field(number, _field(1, name) + _field(2, _schema(index[kind][name], SENSITIVE.get(name, set()))))
    return out


def serve(provider: str, index: dict, used: set[str], folder: pathlib.Path) -> tuple[grpc.Server, str]:
    """Starts a stand-in for a provider; gives it, and the socket that it listens on."""
    answers = {"GetProviderSchema": _schemas(provider, index, used)}
    for empty in ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "StopProvider"):
        answers[empty] = b""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(lambda _, __, answer=answer: answer)
        for name, answer in answers.items()
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("tfplugin6.Provider", handlers)])
    socket = str(folder / f"{provider}.sock")
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server, socket


# What is run.


def check(root: pathlib.Path, cache: pathlib.Path | None = None) -> list[str]:
    """Validates and tests each module below `root`/terraform; what failed, each as `folder: what Terraform says`."""
    if not shutil.which("terraform"):
        return ["terraform: is not on PATH; install the version that versions.tf wants"]
    root = root.resolve()
    seen = terraform_schema.Check(root, cache or root / "target" / "validate")
    seen.run()
    used = {
        type_ for module in seen.modules.values() for kind in ("resource", "data") for type_, _ in module.declared(kind)
    }
    used |= {
        mock.labels[0]
        for module in seen.modules.values()
        for file in module.tests
        for block in file.blocks
        for mock in block.blocks
        if mock.labels
    }
    sources = {
        name: wanted["source"] for module in seen.modules.values() for name, (_, wanted) in module.providers().items()
    }
    faults = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        shutil.copytree(
            root / "terraform", folder / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
        servers, attached = [], {}
        for provider, source in sources.items():
            index = terraform_providers.index(provider, seen.cache)
            server, socket = serve(provider, index, used, folder)
            servers.append(server)
            address = {"Network": "unix", "String": socket}
            attached[source] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": address,
            }
        # Terraform then neither fetches nor starts plugins, and speaks with these.
        environment = os.environ | {
            "TF_REATTACH_PROVIDERS": json.dumps(attached),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        for module in seen.modules.values():
            name = module.folder.relative_to(root)
            for command in (["init", "-backend=false"], ["validate"], *([["test"]] if module.tests else [])):
                done = subprocess.run(
                    ["terraform", *command, "-no-color"],
                    cwd=folder / name,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                if done.returncode:
                    faults.append(f"{name}: terraform {command[0]}: {done.stdout.strip()}")
                    break
                if command[0] == "test" and (summary := re.search(r"Success! (\d+ passed)", done.stdout)):
                    print(f"{name}: {summary[1]}")
        for server in servers:
            server.stop(None)
    return faults


def main() -> int:
    """Prints what failed; 1 if anything did."""
    faults = check(pathlib.Path(__file__).resolve().parents[2])
    print(*faults, f"terraform: {len(faults)} modules failed", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
