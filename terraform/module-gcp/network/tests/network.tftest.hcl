mock_provider "google" {}

variables {
  name   = "plinth"
  region = "europe-west3"
}

run "only_our_own_subnet" {
  command = plan

  assert {
    condition     = google_compute_network.this.auto_create_subnetworks == false
    error_message = "Google makes no subnets by itself."
  }

  assert {
    condition     = google_compute_subnetwork.nodes.private_ip_google_access == true
    error_message = "Nodes reach Google's services without a public address."
  }

  assert {
    condition     = { for range in google_compute_subnetwork.nodes.secondary_ip_range : range.range_name => range.ip_cidr_range } == { pods = "10.4.0.0/14", services = "10.8.0.0/20" }
    error_message = "Pods and services have ranges of their own."
  }

  assert {
    condition     = output.pods_range_name == "pods" && output.services_range_name == "services"
    error_message = "The outputs name the right ranges."
  }

  assert {
    condition     = google_compute_subnetwork.nodes.log_config[0].flow_sampling == 0.5
    error_message = "Flows are kept."
  }
}

run "a_way_out_by_known_addresses" {
  command = plan

  assert {
    condition     = length(google_compute_address.nat) == 2 && google_compute_router_nat.this.nat_ip_allocate_option == "MANUAL_ONLY"
    error_message = "Calls to the world come from addresses that stay."
  }

  assert {
    condition     = one([for subnet in google_compute_router_nat.this.subnetwork : subnet.source_ip_ranges_to_nat]) == toset(["ALL_IP_RANGES"])
    error_message = "Pods have a way out, too."
  }
}

run "managed_services_are_private" {
  command = plan

  assert {
    condition     = google_compute_global_address.services_access.purpose == "VPC_PEERING" && google_compute_global_address.services_access.address_type == "INTERNAL"
    error_message = "What Google runs for us is a peer with private addresses."
  }

  assert {
    condition     = google_compute_global_address.services_access.address == "10.12.0.0" && google_compute_global_address.services_access.prefix_length == 20
    error_message = "Its range is the one that was named."
  }
}

run "few_pods_are_refused" {
  command = plan

  variables {
    pods_cidr = "10.4.0.0/22"
  }

  expect_failures = [var.pods_cidr]
}

run "a_zone_is_no_region" {
  command = plan

  variables {
    region = "europe-west3-a"
  }

  expect_failures = [var.region]
}

run "no_address_is_refused" {
  command = plan

  variables {
    nat_addresses = 0
  }

  expect_failures = [var.nat_addresses]
}
