# The way out for nodes that have no public address.
resource "google_compute_router" "this" {
  name    = var.name
  network = google_compute_network.this.id
  region  = var.region
}

# Addresses that stay, for receivers of webhooks that allow only known ones.
resource "google_compute_address" "nat" {
  count = var.nat_addresses

  name         = "${var.name}-nat-${count.index}"
  region       = var.region
  address_type = "EXTERNAL"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_router_nat" "this" {
  name   = var.name
  router = google_compute_router.this.name
  region = var.region

  nat_ip_allocate_option = "MANUAL_ONLY"
  nat_ips                = google_compute_address.nat[*].self_link

  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.nodes.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  # A node that delivers webhooks opens many connections to few hosts: ports grow with it.
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 128
  max_ports_per_vm                    = 8192

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
