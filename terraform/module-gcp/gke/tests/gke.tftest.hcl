mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "made@plinth-prod.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_container_cluster" {
    defaults = {
      endpoint = "172.16.0.2"
    }
  }
}

variables {
  name                = "plinth"
  project_id          = "plinth-prod"
  region              = "europe-west3"
  network_id          = "projects/plinth-prod/global/networks/plinth"
  subnetwork_id       = "projects/plinth-prod/regions/europe-west3/subnetworks/plinth-nodes"
  pods_range_name     = "pods"
  services_range_name = "services"
  secrets_key_name    = "projects/plinth-prod/locations/europe-west3/keyRings/plinth/cryptoKeys/secrets"
}

run "nodes_and_api_are_private" {
  command = plan

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_nodes == true
    error_message = "Nodes have no public address."
  }

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint == true
    error_message = "Unless ranges are named, only the network reaches the API."
  }
}

run "the_api_opens_for_named_ranges" {
  command = plan

  variables {
    authorized_cidrs = {
      office = "198.51.100.0/24"
    }
  }

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint == false
    error_message = "The API has an address outside."
  }

  assert {
    condition     = [for block in google_container_cluster.this.master_authorized_networks_config[0].cidr_blocks : block.cidr_block] == ["198.51.100.0/24"]
    error_message = "Only the named range reaches it."
  }
}

run "the_data_path_is_cilium" {
  command = plan

  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH" && google_container_cluster.this.networking_mode == "VPC_NATIVE"
    error_message = "Dataplane V2, with addresses of the network."
  }

  assert {
    condition     = google_container_cluster.this.ip_allocation_policy[0].cluster_secondary_range_name == "pods" && google_container_cluster.this.ip_allocation_policy[0].services_secondary_range_name == "services"
    error_message = "Pods and services have their ranges."
  }
}

run "releases_come_by_a_channel" {
  command = plan

  assert {
    condition     = google_container_cluster.this.release_channel[0].channel == "REGULAR" && google_container_cluster.this.min_master_version == "1.34"
    error_message = "The channel upgrades, from 1.34 on."
  }
}

run "pods_and_nodes_have_identities_of_their_own" {
  command = plan

  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "plinth-prod.svc.id.goog" && google_container_node_pool.this.node_config[0].workload_metadata_config[0].mode == "GKE_METADATA"
    error_message = "Pods take service accounts of Google by Workload Identity."
  }

  assert {
    condition     = toset([for member in google_project_iam_member.nodes : member.role]) == toset(["roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount"])
    error_message = "Nodes pull images and write logs and metrics, and no more."
  }
}

run "nodes_are_shielded" {
  command = plan

  assert {
    condition     = google_container_node_pool.this.node_config[0].shielded_instance_config[0].enable_secure_boot == true && google_container_node_pool.this.node_config[0].shielded_instance_config[0].enable_integrity_monitoring == true
    error_message = "Nodes start only what is signed."
  }

  assert {
    condition     = google_container_node_pool.this.upgrade_settings[0].max_unavailable == 0 && google_container_node_pool.this.management[0].auto_repair == true
    error_message = "Nodes are repaired, and replaced only once another is ready."
  }
}

run "secrets_are_sealed_with_our_key" {
  command = plan

  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "ENCRYPTED" && google_container_cluster.this.database_encryption[0].key_name == var.secrets_key_name
    error_message = "Secrets are sealed with the named key."
  }
}

run "no_key_is_refused" {
  command = plan

  variables {
    secrets_key_name = null
  }

  expect_failures = [google_container_cluster.this]
}

run "no_key_when_none_is_required" {
  command = plan

  variables {
    secrets_key_name    = null
    require_secrets_key = false
  }

  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "DECRYPTED"
    error_message = "Google's key seals the disk alone."
  }
}

run "the_whole_world_is_refused" {
  command = plan

  variables {
    authorized_cidrs = {
      all = "0.0.0.0/0"
    }
  }

  expect_failures = [var.authorized_cidrs]
}

run "rapid_is_refused" {
  command = plan

  variables {
    release_channel = "RAPID"
  }

  expect_failures = [var.release_channel]
}

run "a_zone_is_refused" {
  command = plan

  variables {
    region = "europe-west3-a"
  }

  expect_failures = [var.region]
}
