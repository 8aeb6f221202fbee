output "ca_certificate" {
  description = "The authority that signs the dev environment's certificates, for clients to trust."
  value       = tls_self_signed_cert.ca.cert_pem
}

output "kubeconfig" {
  description = "The file that gives access to the cluster: export KUBECONFIG=$(terraform output -raw kubeconfig)"
  value       = kind_cluster.plinth.kubeconfig_path
}

output "registry" {
  description = "Where images are pushed to, and the name that pods pull them by."
  value       = "localhost:5001"
}

output "traefik_node_ports" {
  description = "The node ports that ports 80 and 443 of this machine lead to; Traefik's values name the same."
  value       = local.traefik_node_ports
}
