# The kinds of the Gateway API must be there before ArgoCD brings what speaks them: cert-manager starts its part for
# gateways only when they exist, and Traefik refuses to start without them.
#
# They come from Traefik's chart of CRDs, as that one release pins the version which the Traefik of argocd/infra was
# tested with (1.12.0 has Gateway API 1.4). Traefik's own kinds stay with its chart.
resource "helm_release" "gateway_api" {
  name       = "gateway-api"
  namespace  = "kube-system"
  repository = "https://traefik.github.io/charts"
  chart      = "traefik-crds"
  version    = var.chart_versions.traefik_crds

  values = [yamlencode({
    gatewayAPI = true
    traefik    = false
    hub        = false

    # Removing the kinds would remove every gateway and route with them.
    deleteOnUninstall = false
  })]

  depends_on = [helm_release.cilium]
}
