resource "google_container_node_pool" "this" {
  name_prefix = "${var.name}-"
  cluster     = google_container_cluster.this.name
  location    = var.region

  # Per zone; a region has three.
  initial_node_count = var.nodes_per_zone.min

  autoscaling {
    min_node_count  = var.nodes_per_zone.min
    max_node_count  = var.nodes_per_zone.max
    location_policy = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  # A new node is ready before an old one is drained.
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type    = var.machine_type
    image_type      = "COS_CONTAINERD"
    disk_type       = "pd-balanced"
    disk_size_gb    = var.disk_size_gb
    service_account = google_service_account.nodes.email

    # What a node may do is said by its account's roles alone.
    oauth_scopes = ["https://www.googleapis.com/auth/cloud-platform"]

    metadata = {
      disable-legacy-endpoints = "true"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    # Pods get their own identity, never the node's.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [initial_node_count]
  }
}
