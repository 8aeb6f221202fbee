# A network of our own: the default one has a subnet in each region, and rules that let SSH in from everywhere.
resource "google_compute_network" "this" {
  name                            = var.name
  auto_create_subnetworks         = false
  routing_mode                    = "REGIONAL"
  delete_default_routes_on_create = false
}

# A subnet spans all zones of its region. Nodes have its first range, pods and services one each besides.
resource "google_compute_subnetwork" "nodes" {
  name          = "${var.name}-nodes"
  network       = google_compute_network.this.id
  region        = var.region
  ip_cidr_range = var.nodes_cidr

  # Google's own services are reached without a public address.
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.pods_cidr
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.services_cidr
  }

  # Who spoke with whom: what is asked first after a break-in. Half of the flows show it.
  log_config {
    aggregation_interval = "INTERVAL_5_SEC"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}
