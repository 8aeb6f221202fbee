# A range for what Google runs for us (Cloud SQL, Memorystore): they are peers in it, with private addresses alone.
resource "google_compute_global_address" "services_access" {
  name          = "${var.name}-services-access"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = split("/", var.services_access_cidr)[0]
  prefix_length = tonumber(split("/", var.services_access_cidr)[1])
}

resource "google_service_networking_connection" "this" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services_access.name]
}
