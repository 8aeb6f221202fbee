output "url" {
  description = "For GATEWAY__REDIS__URL, with the password. rediss: with TLS."
  value       = "rediss://:${google_redis_instance.this.auth_string}@${google_redis_instance.this.host}:${google_redis_instance.this.port}"
  sensitive   = true
}

output "server_ca_certs" {
  description = "The authorities of its certificate, to trust. There are two while one follows the other."
  value       = [for authority in google_redis_instance.this.server_ca_certs : authority.cert]
}
