#!/usr/bin/env python3
"""Checks terraform/ without any provider's plugin: `python3 deploy/validate/terraform_schema.py`.

Each resource, attribute and nested block is held to the provider's schema (terraform_providers.py), and each name in
an expression to what the module declares. It does not evaluate: that is for terraform_standin.py, and for
`terraform validate` and `terraform plan` where the plugins are. Needs: pip install python-hcl2==8.1.4
"""

import dataclasses
import difflib
import pathlib
import re
import sys

import terraform_providers
from terraform_source import Block, File, Reference, read, references

# Terraform's own, without a plugin.
BUILTIN = {"terraform_data": {"input", "output", "triggers_replace", "id"}}

META_ATTRIBUTES = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle", "provisioner", "connection"}


@dataclasses.dataclass
class Module:
    """A folder with .tf files, and what it declares."""

    folder: pathlib.Path
    files: list[File]
    tests: list[File]

    def blocks(self, kind: str) -> list[Block]:
        return [block for file in self.files for block in file.blocks if block.kind == kind]

    def named(self, kind: str) -> dict[str, Block]:
        return {block.labels[-1]: block for block in self.blocks(kind)}

    def locals(self) -> dict[str, Block]:
        return {name: block for block in self.blocks("locals") for name in block.attributes}

    def declared(self, kind: str) -> set[tuple[str, str]]:
        return {(block.labels[0], block.labels[1]) for block in self.blocks(kind)}

    def providers(self) -> dict[str, tuple[Block, dict]]:
        return {
            name: (block, wanted if isinstance(wanted, dict) else {})
            for terraform in self.blocks("terraform")
            for block in terraform.each("required_providers")
            for name, wanted in block.attributes.items()
        }


class Check:
    """One pass over a tree; `faults` is what it found."""

    def __init__(self, root: pathlib.Path, cache: pathlib.Path):
        self.root, self.cache = root, cache
        self.faults: list[str] = []
        self.indexes: dict[str, dict] = {}
        self.modules: dict[pathlib.Path, Module] = {}

    def fault(self, file: File, line: int, text: str) -> None:
        self.faults.append(f"{file.path.relative_to(self.root)}:{line}: {text}")

    def run(self) -> None:
        for path in sorted((self.root / "terraform").rglob("*.tf")):
            module = self.modules.setdefault(path.parent, Module(path.parent, [], []))
            self._read(path, module.files)
        for module in self.modules.values():
            for path in sorted(module.folder.glob("tests/*.tftest.hcl")):
                self._read(path, module.tests)
        for module in self.modules.values():
            self._versions(module)
            self._declarations(module)
            self._calls(module)
            for kind in ("resource", "data"):
                for block in module.blocks(kind):
                    self._resource(kind, block, module)
            for block in module.blocks("provider"):
                self._provider(block, module)
            for file in module.files:
                for reference in references(file):
                    self._reference(reference, file, module)
            for file in module.tests:
                self._test(file, module)

    def _read(self, path: pathlib.Path, into: list[File]) -> None:
        try:
            into.append(read(path))
        except ValueError as error:
            self.faults.append(f"{path.relative_to(self.root)}:1: cannot be read: {error}")

    # What a module says of itself.

    def _versions(self, module: Module) -> None:
        first = module.files[0]
        if not any("required_version" in block.attributes for block in module.blocks("terraform")):
            self.fault(first, 1, f"{module.folder.name} does not say required_version; say it in versions.tf")
        for name, (block, wanted) in module.providers().items():
            line = block.line_of(name)
            if not wanted.get("source"):
                self.fault(block.file, line, f"provider {name} has no source; say where it is from")
            if not re.search(r"~>|<|^\s*=?\s*\d", str(wanted.get("version", ""))):
                self.fault(
                    block.file, line, f"provider {name} has no upper bound; constrain it as ~> 1.2 or >= 1.2, < 2.0"
                )
        for block in module.blocks("resource"):
            if block.labels[0] == "helm_release" and "version" not in block.attributes:
                self.fault(block.file, block.line, "a chart without version is whatever is newest; pin it")
        for block in module.blocks("module"):
            source = str(block.attributes.get("source", ""))
            if not source.startswith(("./", "../")) and "version" not in block.attributes:
                self.fault(block.file, block.line, f"module {block.labels[0]} from elsewhere has no version; pin it")

    def _declarations(self, module: Module) -> None:
        used = {(r.root, r.name) for file in module.files for r in references(file)}
        for name, block in module.named("variable").items():
            for attribute in ("type", "description"):
                if attribute not in block.attributes:
                    self.fault(block.file, block.line, f"variable {name} has no {attribute}; give one")
            if ("var", name) not in {(r.root, r.name) for r in self._outside(block, module)}:
                self.fault(block.file, block.line, f"variable {name} is used nowhere; use it or remove it")
        for name, block in module.named("output").items():
            if "description" not in block.attributes:
                self.fault(block.file, block.line, f"output {name} has no description; give one")
        for name, block in module.locals().items():
            if ("local", name) not in used:
                self.fault(block.file, block.line_of(name), f"local {name} is used nowhere; use it or remove it")

    def _outside(self, variable: Block, module: Module) -> list[Reference]:
        """References that are not in the validations of the variable itself."""
        following = [b.line for b in variable.file.blocks if b.line > variable.line]
        end = min(following, default=len(variable.file.lines) + 1)
        return [
            reference
            for file in module.files
            for reference in references(file)
            if file is not variable.file or not variable.line <= reference.line < end
        ]

    # What a module calls.

    def _callee(self, block: Block, module: Module) -> Module | None:
        source = str(block.attributes.get("source", ""))
        return self.modules.get((module.folder / source).resolve()) if source.startswith(("./", "../")) else None

    def _calls(self, module: Module) -> None:
        for block in module.blocks("module"):
            name, callee = block.labels[0], self._callee(block, module)
            if callee is None:
                self.fault(
                    block.file,
                    block.line_of("source"),
                    f"module {name}: no module is at {block.attributes.get('source')}",
                )
                continue
            wanted = callee.named("variable")
            for given in (
                block.attributes.keys()
                - {"source", "version", "providers", "count", "for_each", "depends_on"}
                - wanted.keys()
            ):
                self.fault(block.file, block.line_of(given), f"module {name} takes no {given}{_nearest(given, wanted)}")
            for missing in sorted(
                v for v, b in wanted.items() if "default" not in b.attributes and v not in block.attributes
            ):
                self.fault(block.file, block.line, f"module {name} wants {missing}; give it")

    # Resources and providers, held to their schema.

    def _index(self, provider: str) -> dict | None:
        if provider not in terraform_providers.WHEELS.keys() | terraform_providers.BY_HAND.keys():
            return None
        if provider not in self.indexes:
            self.indexes[provider] = terraform_providers.index(provider, self.cache)
        return self.indexes[provider]

    def _resource(self, kind: str, block: Block, module: Module) -> None:
        type_ = block.labels[0]
        if type_ in BUILTIN:
            return
        provider = type_.split("_")[0]
        if provider not in module.providers():
            self.fault(
                block.file,
                block.line,
                f"{type_} is of a provider that versions.tf does not name; add {provider} to required_providers",
            )
        index = self._index(provider)
        if index is None:
            self.fault(
                block.file,
                block.line,
                f"provider {provider} has no schema here; add its wheel to terraform_providers.py, or say it there by hand",
            )
        elif type_ not in index[kind]:
            self.fault(
                block.file, block.line, f"provider {provider} has no {kind} {type_}{_nearest(type_, index[kind])}"
            )
        else:
            self._body(block, index[kind][type_], "", f"{kind} {type_}", META_ATTRIBUTES, META_BLOCKS)

    def _provider(self, block: Block, module: Module) -> None:
        name = block.labels[0]
        if name not in module.providers():
            self.fault(block.file, block.line, f"provider {name} is not in required_providers; add it")
        index = self._index(name)
        if index:
            self._body(block, index["provider"][name], "", f"provider {name}", {"alias"}, set())

    def _body(self, block: Block, structs: dict, struct: str, where: str, attributes: set, blocks: set) -> None:
        """Holds one block to one struct of the schema, and its own blocks to theirs."""
        entries = structs.get(struct, {})
        given = set(block.attributes)
        for name in block.attributes.keys() - attributes:
            entry = entries.get(name)
            if entry is None:
                self.fault(block.file, block.line_of(name), f"{where} has no attribute {name}{_nearest(name, entries)}")
            elif not entry["set"]:
                self.fault(
                    block.file, block.line_of(name), f"{where}: {name} is made by the provider; it cannot be given"
                )
            elif entry.get("block"):
                self.fault(
                    block.file, block.line_of(name), f"{where}: {name} is a block; write {name} {{ … }} without ="
                )
            elif "of" in entry:
                self._objects(block, block.attributes[name], structs, entry["of"], f"{where} {name}", name)
        for inner in block.blocks:
            name, body = inner.kind, inner
            if name in blocks:
                continue
            if name == "dynamic":
                name = inner.labels[0]
                content = inner.each("content")
                if not content or "for_each" not in inner.attributes:
                    self.fault(inner.file, inner.line, f'{where}: dynamic "{name}" wants for_each and content')
                    continue
                body = content[0]
            given.add(name)
            entry = entries.get(name)
            if entry is None or "of" not in entry:
                self.fault(inner.file, inner.line, f"{where} has no block {name}{_nearest(name, entries)}")
            elif not entry.get("block"):
                self.fault(inner.file, inner.line, f"{where}: {name} is an attribute; write {name} = …")
            else:
                self._body(body, structs, entry["of"], f"{where} {name}", set(), set())
        for name, entry in entries.items():
            if entry["need"] and name not in given:
                self.fault(block.file, block.line, f"{where} wants {name}; give it")

    def _objects(self, block: Block, value: object, structs: dict, struct: str, where: str, name: str) -> None:
        """The same for attributes that are objects, or lists of them, as far as they are written out."""
        entries = structs.get(struct, {})
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                continue
            line = block.line_of(name)
            for key in item.keys() - entries.keys():
                self.fault(block.file, line, f"{where} has no attribute {key}{_nearest(key, entries)}")
            for key, entry in entries.items():
                if entry["need"] and key not in item:
                    self.fault(block.file, line, f"{where} wants {key}; give it")
                if "of" in entry and key in item:
                    self._objects(block, item[key], structs, entry["of"], f"{where} {key}", name)

    # Names in expressions.

    def _reference(self, reference: Reference, file: File, module: Module) -> None:
        root, name, attribute = reference.root, reference.name, reference.attribute
        if root == "var":
            if name not in module.named("variable"):
                self.fault(
                    file, reference.line, f"there is no variable {name}{_nearest(name, module.named('variable'))}"
                )
        elif root == "local":
            if name not in module.locals():
                self.fault(file, reference.line, f"there is no local {name}{_nearest(name, module.locals())}")
        elif root == "module":
            calls = module.named("module")
            if name not in calls:
                self.fault(file, reference.line, f"there is no module {name}{_nearest(name, calls)}")
            elif (
                attribute and (callee := self._callee(calls[name], module)) and attribute not in callee.named("output")
            ):
                self.fault(
                    file,
                    reference.line,
                    f"module {name} has no output {attribute}{_nearest(attribute, callee.named('output'))}",
                )
        else:
            self._resource_reference(root, name, attribute, reference.line, file, module)

    def _resource_reference(
        self, root: str, name: str, attribute: str | None, line: int, file: File, module: Module
    ) -> None:
        kind, type_ = ("data", root[5:]) if root.startswith("data.") else ("resource", root)
        provider = type_.split("_")[0]
        if "_" not in type_ or provider not in module.providers().keys() | {"terraform"}:
            return
        if (type_, name) not in module.declared(kind):
            self.fault(file, line, f"there is no {kind} {type_}.{name}; declare it")
            return
        known = BUILTIN.get(type_)
        if known is None and (index := self._index(provider)):
            known = index[kind].get(type_, {}).get("")
        if attribute and known is not None and attribute not in known:
            self.fault(file, line, f"{type_} has no attribute {attribute}{_nearest(attribute, known)}")

    # Tests: what they give, mock and expect.

    def _test(self, file: File, module: Module) -> None:
        variables, outputs = module.named("variable"), module.named("output")
        runs = {block.labels[0] for block in file.blocks if block.kind == "run"}
        for holder in [*file.blocks, *(inner for block in file.blocks for inner in block.blocks)]:
            if holder.kind == "variables":
                for given in holder.attributes.keys() - variables.keys():
                    self.fault(
                        file, holder.line_of(given), f"the module takes no variable {given}{_nearest(given, variables)}"
                    )
        for provider in (block for block in file.blocks if block.kind == "mock_provider"):
            index = self._index(provider.labels[0])
            for mock in provider.each("mock_resource") + provider.each("mock_data"):
                known = index and index["resource" if mock.kind == "mock_resource" else "data"].get(mock.labels[0])
                if index and not known:
                    self.fault(file, mock.line, f"provider {provider.labels[0]} has no {mock.labels[0]} to mock")
                    continue
                defaults = mock.attributes.get("defaults")
                for key in defaults if isinstance(defaults, dict) and known else []:
                    if key not in known[""]:
                        self.fault(
                            file,
                            mock.line_of(key),
                            f"{mock.labels[0]} has no attribute {key}{_nearest(key, known[''])}",
                        )
        for reference in references(file):
            if reference.root == "output" and reference.name not in outputs:
                self.fault(
                    file,
                    reference.line,
                    f"the module has no output {reference.name}{_nearest(reference.name, outputs)}",
                )
            elif reference.root == "run" and reference.name not in runs:
                self.fault(file, reference.line, f"there is no run {reference.name}{_nearest(reference.name, runs)}")
            elif reference.root not in ("output", "run"):
                self._reference(reference, file, module)


def _nearest(name: str, known) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def check(root: pathlib.Path, cache: pathlib.Path | None = None) -> list[str]:
    """The faults of `root`/terraform, each as `path:line: what is wrong; how to mend it`."""
    root = root.resolve()
    checking = Check(root, cache or root / "target" / "validate")
    checking.run()
    return sorted(checking.faults)


def main() -> int:
    """Prints the faults; 1 if there are any."""
    faults = check(pathlib.Path(__file__).resolve().parents[2])
    print(*faults, f"terraform: {len(faults)} faults", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
