output "name" {
  description = "The name of the cluster."
  value       = google_container_cluster.this.name
}

output "endpoint" {
  description = "The address of the API."
  value       = "https://${google_container_cluster.this.endpoint}"
}

output "ca_certificate" {
  description = "The authority of the API's certificate, as PEM."
  value       = base64decode(google_container_cluster.this.master_auth[0].cluster_ca_certificate)
}

output "node_service_account" {
  description = "The account of the nodes, to let them read a registry of another project."
  value       = google_service_account.nodes.email
}
