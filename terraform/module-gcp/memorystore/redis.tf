# The gateway's cache and its limits. Never the only copy of anything, so nothing is kept on disk; but a replica in
# another zone takes over, as signing in is closed while it is away.
resource "google_redis_instance" "this" {
  name           = var.name
  region         = var.region
  redis_version  = "REDIS_7_2"
  tier           = "STANDARD_HA"
  memory_size_gb = var.memory_size_gb

  # A private address alone, a password, and TLS with an authority of Google's (see the output server_ca_certs).
  authorized_network      = var.network_id
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  customer_managed_key    = var.encryption_key_name

  # When memory is short, what would expire soonest goes first; limits and cached answers all expire.
  redis_configs = {
    maxmemory-policy = "volatile-ttl"
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"

      start_time {
        hours   = 3
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }
}
