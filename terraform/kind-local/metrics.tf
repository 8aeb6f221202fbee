# Autoscalers read the use of pods from here. kind does not bring it, and its nodes sign their own certificates.
resource "helm_release" "metrics_server" {
  name       = "metrics-server"
  namespace  = "kube-system"
  repository = "https://kubernetes-sigs.github.io/metrics-server"
  chart      = "metrics-server"
  version    = var.chart_versions.metrics_server

  values = [yamlencode({
    args = ["--kubelet-insecure-tls"]
  })]

  depends_on = [helm_release.cilium]
}
