resource "helm_release" "argocd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.chart_versions.argocd
  timeout          = 600

  values = [yamlencode({
    configs = {
      cm = {
        # ArgoCD no longer judges Applications by itself, and without that a wave does not wait for the one before.
        "resource.customizations.health.argoproj.io_Application" = file("${path.module}/../application-health.lua")
      }
    }

    # Nobody signs in through another provider on a laptop.
    dex           = { enabled = false }
    notifications = { enabled = false }
  })]

  depends_on = [helm_release.cilium, helm_release.gateway_api]
}

# The root Application: from here on the repository says what runs. A chart brings it, as Terraform's manifest
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
        sources = [for path in ["argocd/projects", "argocd/appsets/${var.environment}"] : {
          repoURL        = var.repo_url
          targetRevision = var.repo_revision
          path           = path
        }]
        destination = {
          server    = "https://kubernetes.default.svc"
          namespace = helm_release.argocd.namespace
        }
        syncPolicy = {
          automated = { prune = true, selfHeal = true }
        }
      }
    }
  })]

  # ArgoCD may bring what needs them as soon as it reads the repository.
  depends_on = [kubernetes_secret_v1.ca, kubernetes_secret_v1.plinth, docker_container.registry]
}
