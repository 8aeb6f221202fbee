# Traefik is deployed by ArgoCD, from argocd/infra, like everything else that is not needed to start ArgoCD. What must
# be known before are the node ports that kind leads ports 80 and 443 to: a node's ports cannot be mapped later.
# The values of Traefik's dev environment name the same two.
locals {
  traefik_node_ports = {
    http  = 30080
    https = 30443
  }
}
