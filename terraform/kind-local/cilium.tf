# The network, and the services' addresses in place of kube-proxy, which kind.tf leaves out.
resource "helm_release" "cilium" {
  name       = "cilium"
  namespace  = "kube-system"
  repository = "https://helm.cilium.io"
  chart      = "cilium"
  version    = var.chart_versions.cilium
  timeout    = 600

  values = [yamlencode({
    # Without kube-proxy the service address of the API leads nowhere yet: name the node itself.
    kubeProxyReplacement = true
    k8sServiceHost       = "${var.cluster_name}-control-plane"
    k8sServicePort       = 6443

    # kind gives each node a range of pod addresses.
    ipam = { mode = "kubernetes" }

    # Traefik serves the Gateway API here; two controllers would both answer.
    gatewayAPI = { enabled = false }

    # Nobody else gives a Service of type LoadBalancer an address here, and Argo CD waits until Traefik's has one.
    nodeIPAM             = { enabled = true }
    defaultLBServiceIPAM = "nodeipam"

    operator = { replicas = 1 }
  })]

  depends_on = [kind_cluster.plinth]
}
