#!/bin/bash
# The dev environment in a cluster on this machine: terraform/kind-local makes the cluster, with Cilium, a
# registry and Argo CD; Argo CD brings everything else from Git.
#
#   deploy/local/kind.sh up | down
set -euo pipefail
cd "$(dirname "$0")/../.."

terraform=(terraform -chdir=terraform/kind-local)

main() {
  case "${1:-}" in
    up) up ;;
    down) need docker terraform && "${terraform[@]}" destroy -auto-approve ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | grep -v '^set' ;;
  esac
}

up() {
  need docker terraform kubectl git
  docker info >/dev/null 2>&1 || { echo "kind: Docker does not run here" >&2; exit 1; }
  local repository revision
  # What argocd/ follows, which is what Argo CD reads once it has begun.
  repository=$(sed -n 's/.*repoURL: "\(.*\)", targetRevision.*/\1/p' argocd/bootstrap/base/root.yaml | sort -u)
  revision=$(sed -n 's/.*targetRevision: \([^,]*\),.*/\1/p' argocd/bootstrap/base/root.yaml | sort -u)
  git ls-remote --exit-code --heads "$repository" "$revision" >/dev/null || {
    echo "kind: $repository has no branch $revision that can be read: docs/guides/from-laptop-to-cluster.md, 4" >&2
    exit 1
  }
  echo "kind: a cluster that follows $revision of $repository" >&2
  "${terraform[@]}" init -input=false
  "${terraform[@]}" apply -auto-approve -input=false -var "repo_url=$repository" -var "repo_revision=$revision"
  KUBECONFIG=$("${terraform[@]}" output -raw kubeconfig)
  export KUBECONFIG
  IMAGES_PREFIX=localhost:5001/plinth IMAGES_PUSH=1 deploy/docker/images.sh
  echo "kind: waiting for Argo CD to bring up everything (it takes minutes)" >&2
  for app in infra-postgres auth prefs webhook gateway; do
    until kubectl -n argocd get application "$app" >/dev/null 2>&1; do sleep 5; done
    kubectl -n argocd wait --for=jsonpath='{.status.health.status}'=Healthy --timeout=20m "application/$app"
  done
  cat <<'TEXT'
Plinth is ready.

  API        https://api.plinth.localhost/docs      (trust terraform/kind-local's authority, or curl -k)
  mailbox    kubectl port-forward -n plinth service/notify 3006
  Grafana    kubectl port-forward -n monitoring service/monitoring-grafana 3000:80
  Argo CD    kubectl port-forward -n argocd service/argocd-server 8443:443
  an end     make kind-down
TEXT
}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "kind: $program is not here" >&2; exit 1; }
  done
}

main "$@"
