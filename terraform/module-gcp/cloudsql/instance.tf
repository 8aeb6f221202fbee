# PostgreSQL in two zones, with a private address alone, brought back to any second of the last week when needed.
resource "google_sql_database_instance" "this" {
  name             = var.name
  region           = var.region
  database_version = "POSTGRES_17"

  # Two locks: Terraform's, and Google's below. Whoever wants it gone opens both.
  deletion_protection = var.deletion_protection
  encryption_key_name = var.encryption_key_name

  settings {
    tier                        = var.tier
    edition                     = "ENTERPRISE"
    availability_type           = "REGIONAL"
    deletion_protection_enabled = var.deletion_protection

    disk_type             = "PD_SSD"
    disk_size             = var.disk_size_gib
    disk_autoresize       = true
    disk_autoresize_limit = var.disk_limit_gib

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network_id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      location                       = var.backup_location
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.retained_backups
        retention_unit   = "COUNT"
      }
    }

    # Sunday night, a week after others had the same release.
    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      query_plans_per_minute  = 5
      record_application_tags = false
      record_client_address   = false
    }

    # What takes long, waits for a lock, or sorts on disk shows in the log; and who came and went.
    dynamic "database_flags" {
      for_each = {
        log_checkpoints            = "on"
        log_connections            = "on"
        log_disconnections         = "on"
        log_min_duration_statement = "1000"
        log_lock_waits             = "on"
        log_temp_files             = "10240"
        max_connections            = tostring(var.max_connections)
      }

      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  # Autoresize grows the disk; a later run must not try to shrink it.
  lifecycle {
    ignore_changes = [settings[0].disk_size]
  }
}
