mock_provider "google" {
  mock_resource "google_redis_instance" {
    defaults = {
      host            = "10.12.0.4"
      port            = 6378
      auth_string     = "made"
      server_ca_certs = [{ cert = "-----BEGIN CERTIFICATE-----" }]
    }
  }
}

variables {
  name       = "plinth"
  region     = "europe-west3"
  network_id = "projects/plinth/global/networks/plinth"
}

run "a_password_and_tls" {
  command = apply

  assert {
    condition     = google_redis_instance.this.auth_enabled == true && google_redis_instance.this.transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "It asks for a password, by TLS."
  }

  assert {
    condition     = output.url == "rediss://:made@10.12.0.4:6378"
    error_message = "The URL has TLS, the password and the port."
  }

  assert {
    condition     = output.server_ca_certs == ["-----BEGIN CERTIFICATE-----"]
    error_message = "Clients learn whom to trust."
  }
}

run "private_and_in_two_zones" {
  command = plan

  assert {
    condition     = google_redis_instance.this.connect_mode == "PRIVATE_SERVICE_ACCESS" && google_redis_instance.this.authorized_network == var.network_id
    error_message = "It has a private address in our network."
  }

  assert {
    condition     = google_redis_instance.this.tier == "STANDARD_HA" && google_redis_instance.this.redis_version == "REDIS_7_2"
    error_message = "Redis 7.2 with a replica in another zone."
  }
}

run "no_memory_is_refused" {
  command = plan

  variables {
    memory_size_gb = 0
  }

  expect_failures = [var.memory_size_gb]
}

run "no_network_is_refused" {
  command = plan

  variables {
    network_id = ""
  }

  expect_failures = [var.network_id]
}
