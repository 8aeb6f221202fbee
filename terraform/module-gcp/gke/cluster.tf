# A regional control plane, private nodes, and Dataplane V2: Cilium run by Google, so the same network policies hold as
# on kind and EKS.
resource "google_container_cluster" "this" {
  name     = var.name
  location = var.region

  deletion_protection = var.deletion_protection

  # Nodes are in a pool of their own (nodes.tf), which can be changed without the cluster; GKE wants one to start with.
  remove_default_node_pool = true
  initial_node_count       = 1

  # The pool above lives for minutes, but must be one that the organisation's policies let be.
  node_config {
    service_account = google_service_account.nodes.email

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
  }

  # Upgrades come by the channel, within the window below; the minimum moves a cluster up at once.
  min_master_version = var.kubernetes_version

  release_channel {
    channel = var.release_channel
  }

  network           = var.network_id
  subnetwork        = var.subnetwork_id
  networking_mode   = "VPC_NATIVE"
  datapath_provider = "ADVANCED_DATAPATH"

  ip_allocation_policy {
    cluster_secondary_range_name  = var.pods_range_name
    services_secondary_range_name = var.services_range_name
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = length(var.authorized_cidrs) == 0
    master_ipv4_cidr_block  = var.control_plane_cidr
  }

  # Who reaches the API from outside the network. The block is always there: without it everybody does.
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = var.authorized_cidrs

      content {
        display_name = cidr_blocks.key
        cidr_block   = cidr_blocks.value
      }
    }
  }

  # Pods take service accounts of Google without keys, and nobody signs in by a certificate that can't be withdrawn.
  workload_identity_config {
    workload_pool = "${var.project_id}.svc.id.goog"
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  enable_shielded_nodes = true
  enable_legacy_abac    = false

  # Secrets are sealed with a key of our own where one is named; Google's seals the disk in any case.
  database_encryption {
    state    = var.secrets_key_name == null ? "DECRYPTED" : "ENCRYPTED"
    key_name = var.secrets_key_name
  }

  # The kinds of the Gateway API, which Traefik and cert-manager speak.
  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "WORKLOADS"]
  }

  # Prometheus comes by ArgoCD, the same as elsewhere.
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]

    managed_prometheus {
      enabled = false
    }
  }

  security_posture_config {
    mode = "BASIC"
  }

  maintenance_policy {
    recurring_window {
      start_time = "2026-01-03T02:00:00Z"
      end_time   = "2026-01-03T06:00:00Z"
      recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
    }
  }

  lifecycle {
    # GKE writes there what the first pool had.
    ignore_changes = [node_config]

    precondition {
      condition     = var.secrets_key_name != null || !var.require_secrets_key
      error_message = "Name a key for the cluster's Secrets, or say that none is required."
    }
  }

  depends_on = [google_project_iam_member.nodes]
}
