output "names" {
  description = "The names of the secrets, which are none themselves."
  value       = ["auth", "gateway", "grafana", "notify", "prefs", "redis", "webhook"]
}

output "values" {
  description = "Each secret's keys and values, by its name."
  value       = local.secrets
  sensitive   = true
}
