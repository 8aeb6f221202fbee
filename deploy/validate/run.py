"""Everything that can be known of a deployment without a cluster.

    deploy/validate/validate.sh                 all checks
    deploy/validate/validate.sh --only wiring   some of them
    deploy/validate/validate.sh --mutations     faults that are sown, each of which must be found
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from checks import alerts, argocd, complete, compose, pods, policies, references, schemas, settings, terraform, text, wiring
from checks.fault import Fault, Unavailable
from checks.rendered import Rendered
from checks.tree import Tree

CHECKS = {
    "complete": ("every service has image, compose entry, base, overlays", lambda r: complete.check(r.tree)),
    "renders": ("every overlay renders", lambda r: r.faults),
    "schemas": ("every object fits the schema of its kind", schemas.check),
    "wiring": ("selectors, labels, ports, routes, scalers", wiring.check),
    "references": ("secrets, configuration, accounts, databases, files", references.check),
    "settings": ("settings that there are, hosts that agree", settings.check),
    "pods": ("no rights, probes, limits, pinned images, a proper end", pods.check),
    "argocd": ("projects, sets, waves, versions", argocd.check),
    "compose": ("docker-compose.yml, every profile", lambda r: compose.check(r.tree)),
    "alerts": ("alert rules, played; routes; runbooks", lambda r: alerts.check(r.tree)),
    "terraform": ("formatted, parsed, against the providers' schemas", lambda r: terraform.check(r.tree)),
    "text": ("YAML, Dockerfile, scripts", lambda r: text.check(r.tree)),
    "policies": ("checkov", policies.check),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=CHECKS, help="this check; may be given again")
    parser.add_argument("--mutations", action="store_true", help="sow faults, and see that each is found")
    options = parser.parse_args()
    names = options.only or list(CHECKS)
    if options.mutations:
        import mutations

        return mutations.main(CHECKS, names) or (terraform_tests() if "terraform" in names else 0)
    return validate(Path.cwd(), names)


def terraform_tests() -> int:
    """The faults of Terraform's own kinds: attributes, blocks, references, assertions that must notice."""
    return subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", "deploy/validate"]).returncode


def validate(root: Path, names: list[str]) -> int:
    """Runs checks, tells of each, and gives the exit code."""
    rendered, failed = Rendered(Tree(root)), []
    for name in names:
        title, check = CHECKS[name]
        start = time.monotonic()
        faults, note = attempt(check, rendered)
        print(f"{name:<10} {note or ('ok' if not faults else 'FAILED'):<7} {time.monotonic() - start:5.1f} s  {title}", flush=True)
        for fault in faults:
            print(f"  {fault}")
        failed += [name] if faults else []
    print(f"validate: {len(rendered.objects)} objects of {len({o.overlay for o in rendered.objects})} overlays; " + (f"{', '.join(failed)} FAILED" if failed else "nothing to mend"))
    return 1 if failed else 0


def attempt(check, rendered: Rendered) -> tuple[list[Fault], str]:
    """Its faults; a tool that is missing fails the run too, with how to get it."""
    try:
        return check(rendered), ""
    except Unavailable as why:
        return [Fault("this machine", "tool", str(why))], ""


if __name__ == "__main__":
    sys.exit(main())
