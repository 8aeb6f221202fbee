resource "helm_release" "argocd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.chart_versions.argocd
  timeout          = 900

  values = [yamlencode({
    # A node may go at any time; what deploys goes on.
    "redis-ha"     = { enabled = true }
    server         = { replicas = 2, pdb = { enabled = true, maxUnavailable = 1 } }
    repoServer     = { replicas = 2, pdb = { enabled = true, maxUnavailable = 1 } }
    applicationSet = { replicas = 2, pdb = { enabled = true, maxUnavailable = 1 } }
  })]

  depends_on = [terraform_data.nodes, helm_release.gateway_api]
}

# The root Application, that of argocd/bootstrap/base/root.yaml: from here on the repository says what runs, the root
# itself and Argo CD's own settings among it.
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
  depends_on = [
    aws_secretsmanager_secret_version.plinth,
    helm_release.load_balancer_controller,
    module.external_secrets,
    module.karpenter,
    module.postgres,
  ]
}

# Charts that wait for their pods need nodes, and nodes need Cilium, whose chart therefore waits for nothing. This says
# "the nodes are ready" to all others.
resource "terraform_data" "nodes" {
  input = module.eks.node_group

  depends_on = [helm_release.cilium]
}
