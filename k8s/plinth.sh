#!/bin/bash
# The `plinth` command in a cluster, on the database of one service, as a pod that ends with it:
#
#   k8s/plinth.sh auth admin create --email you@example.com
#   k8s/plinth.sh webhook jobs list --service webhook --state discarded
#
# It has the service's settings, secrets and policies, and the version that runs there. kubectl's context says where.
set -euo pipefail

main() {
  if [ $# -lt 2 ]; then sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | grep -v '^set'; exit 2; fi
  local service=$1 image config
  shift
  image=$(of "$service" '{.spec.template.spec.containers[0].image}')
  config=$(of "$service" '{.spec.template.spec.containers[0].envFrom[0].configMapRef.name}')
  kubectl -n plinth run "plinth-$RANDOM" --rm -i --quiet --restart=Never --image="${image/\/$service:/\/plinth:}" \
    --labels="app.kubernetes.io/name=$service,app.kubernetes.io/component=operator,app.kubernetes.io/part-of=plinth" \
    --overrides="$(pod "$service" "${image/\/$service:/\/plinth:}" "$config" "$@")"
}

of() {
  kubectl -n plinth get deployment "$1" -o jsonpath="$2"
}

# pod SERVICE IMAGE CONFIG ARGUMENTS…: what the pod is, but for its labels, which its policies know it by.
pod() {
  python3 - "$@" <<'PYTHON'
import json, sys
service, image, config, *arguments = sys.argv[1:]
secrets = [{"secret": {"name": service}}, {"secret": {"name": f"{service}-owner"}}]
secrets += [{"secret": {"name": "postgres-ca", "items": [{"key": "ca.crt", "path": "postgres-ca.crt"}]}}]
owner = {"name": f"{service.upper()}__DATABASE__OWNER_URL_FILE", "value": "/run/secrets/plinth/owner-url"}
print(json.dumps({"apiVersion": "v1", "spec": {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "restartPolicy": "Never",
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{
        "name": "plinth", "image": image, "args": arguments, "stdin": True,
        "envFrom": [{"configMapRef": {"name": config}}], "env": [owner],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "secrets", "mountPath": "/run/secrets/plinth", "readOnly": True}],
    }],
    "volumes": [{"name": "secrets", "projected": {"defaultMode": 0o440, "sources": secrets}}],
}}))
PYTHON
}

main "$@"
