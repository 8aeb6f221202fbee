resource "helm_release" "argocd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.chart_versions.argocd
  timeout          = 600

  values = [yamlencode({
    # Nobody signs in through another provider on a laptop.
    dex           = { enabled = false }
    notifications = { enabled = false }
  })]

  depends_on = [helm_release.cilium, helm_release.gateway_api]
}

# The root Application, that of argocd/bootstrap/base/root.yaml: from here on the repository says what runs, the root
# itself and Argo CD's own settings among it. A chart brings it, as Terraform's manifest
# resource would need the cluster, and the kind Application in it, before it could plan anything.
resource "helm_release" "root" {
  name       = "root"
  namespace  = helm_release.argocd.namespace
  repository = "https://argoproj.github.io/argo-helm"
  chart      = "argocd-apps"
  version    = var.chart_versions.argocd_apps

  values = [yamlencode({
    applications = {
      root = {
        namespace = helm_release.argocd.namespace
        project   = "default"
        sources = [for path in ["projects", "infra", "bootstrap/${var.environment}", "appsets/${var.environment}"] : {
          repoURL        = var.repo_url
          targetRevision = var.repo_revision
          path           = "argocd/${path}"
        }]
        destination = {
          server    = "https://kubernetes.default.svc"
          namespace = helm_release.argocd.namespace
        }
        syncPolicy = {
          automated   = { prune = true, selfHeal = true }
          syncOptions = ["ServerSideApply=true"]
          retry       = { limit = 10, backoff = { duration = "10s", factor = 2, maxDuration = "5m" } }
        }
      }
    }
  })]

  # ArgoCD may bring what needs them as soon as it reads the repository.
  depends_on = [kubernetes_secret_v1.ca, kubernetes_secret_v1.plinth, docker_container.registry]
}
