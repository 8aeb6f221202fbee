output "network_id" {
  description = "The network."
  value       = google_compute_network.this.id
}

output "private_network_id" {
  description = "The network, once what Google runs for us can be in it: give it to cloudsql and memorystore."
  value       = google_compute_network.this.id

  depends_on = [google_service_networking_connection.this]
}

output "subnetwork_id" {
  description = "The nodes' subnet, once there is a way out of it: nodes that start before cannot pull an image."
  value       = google_compute_subnetwork.nodes.id

  depends_on = [google_compute_router_nat.this]
}

output "pods_range_name" {
  description = "The name of the pods' range in the subnet."
  value       = google_compute_subnetwork.nodes.secondary_ip_range[0].range_name
}

output "services_range_name" {
  description = "The name of the services' range in the subnet."
  value       = google_compute_subnetwork.nodes.secondary_ip_range[1].range_name
}

output "nat_addresses" {
  description = "The addresses that calls to the world come from."
  value       = google_compute_address.nat[*].address
}
