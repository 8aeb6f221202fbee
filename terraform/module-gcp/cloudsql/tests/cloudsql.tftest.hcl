mock_provider "google" {
  mock_resource "google_sql_database_instance" {
    defaults = {
      private_ip_address = "10.12.0.3"
      server_ca_cert     = [{ cert = "-----BEGIN CERTIFICATE-----" }]
    }
  }
}

mock_provider "random" {
  mock_resource "random_password" {
    defaults = {
      result = "made"
    }
  }
}

variables {
  name       = "plinth"
  region     = "europe-west3"
  network_id = "projects/plinth/global/networks/plinth"
  services   = ["auth", "prefs", "webhook"]
}

run "it_outlives_a_zone_and_a_mistake" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.database_version == "POSTGRES_17" && google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "PostgreSQL 17 in two zones."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled == true && google_sql_database_instance.this.settings[0].backup_configuration[0].transaction_log_retention_days == 7
    error_message = "Any second of the last week can be brought back."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 30
    error_message = "30 daily backups are kept."
  }

  assert {
    condition     = google_sql_database_instance.this.deletion_protection == true && google_sql_database_instance.this.settings[0].deletion_protection_enabled == true
    error_message = "Neither Terraform nor anybody else deletes it by mistake."
  }
}

run "it_is_private_and_encrypted" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "It has no public address."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].private_network == var.network_id && length(google_sql_database_instance.this.settings[0].ip_configuration[0].authorized_networks) == 0
    error_message = "It is in our network, and no other is let in."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "It refuses who does not speak TLS."
  }
}

run "who_came_and_what_took_long_is_logged" {
  command = plan

  assert {
    condition = alltrue([for name in ["log_connections", "log_disconnections", "log_lock_waits", "log_min_duration_statement"] :
      contains([for flag in google_sql_database_instance.this.settings[0].database_flags : flag.name], name)
    ])
    error_message = "The log shows connections, waits and slow statements."
  }
}

run "a_database_and_two_users_a_service" {
  command = apply

  assert {
    condition     = toset(keys(google_sql_database.service)) == toset(["auth", "prefs", "webhook"])
    error_message = "Each service has a database."
  }

  assert {
    condition     = toset([for user in concat(values(google_sql_user.service), values(google_sql_user.owner)) : user.name]) == toset(["auth", "auth_owner", "prefs", "prefs_owner", "webhook", "webhook_owner"])
    error_message = "Each database has an owner and a user."
  }

  assert {
    condition     = toset(keys(output.passwords)) == toset(["auth", "auth_owner", "prefs", "prefs_owner", "webhook", "webhook_owner"])
    error_message = "Each user has a password."
  }

  assert {
    condition     = alltrue([for made in concat(values(random_password.service), values(random_password.owner)) : made.special == false && made.length == 40])
    error_message = "Passwords fit into URLs."
  }

  assert {
    condition     = output.private_ip_address == "10.12.0.3"
    error_message = "It is reached by its private address."
  }
}

run "a_service_named_like_an_owner_is_refused" {
  command = plan

  variables {
    services = ["auth", "auth_owner"]
  }

  expect_failures = [var.services]
}

run "a_service_twice_is_refused" {
  command = plan

  variables {
    services = ["auth", "auth"]
  }

  expect_failures = [var.services]
}

run "a_shared_core_is_refused" {
  command = plan

  variables {
    tier = "db-f1-micro"
  }

  expect_failures = [var.tier]
}

run "no_network_is_refused" {
  command = plan

  variables {
    network_id = ""
  }

  expect_failures = [var.network_id]
}

run "a_limit_below_the_start_is_refused" {
  command = plan

  variables {
    disk_size_gib  = 100
    disk_limit_gib = 50
  }

  expect_failures = [var.disk_limit_gib]
}
