output "private_ip_address" {
  description = "Where the instance is reached, inside the network."
  value       = google_sql_database_instance.this.private_ip_address
}

output "server_ca_cert" {
  description = "The authority of its certificate, for <S>__DATABASE__CA_FILE."
  value       = google_sql_database_instance.this.server_ca_cert[0].cert
}

output "connection_name" {
  description = "Its name for the Cloud SQL Auth Proxy."
  value       = google_sql_database_instance.this.connection_name
}

output "passwords" {
  description = "The passwords by user."
  sensitive   = true

  value = merge(
    { for service in var.services : service => random_password.service[service].result },
    { for service in var.services : "${service}_owner" => random_password.owner[service].result },
  )
}
