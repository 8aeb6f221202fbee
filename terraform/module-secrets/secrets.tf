# The secrets of Plinth by service, made once and the same in every environment's store. Their names and keys are what
# k8s/services/<service>/base/externalsecret.yaml asks for.
#
# All values are in the state of whoever calls this: keep that state encrypted, and its readers few.
locals {
  databases = toset(["auth", "prefs", "webhook"])
  clients   = toset(["gateway", "notify", "prefs", "webhook"])
}

# Letters and digits only: passwords become part of a URL. 40 of them are 238 bits.
resource "random_password" "database" {
  for_each = local.databases

  length  = 40
  special = false
}

resource "random_password" "database_owner" {
  for_each = local.databases

  length  = 40
  special = false
}

# What a service shows auth to prove who it is; auth reads the same value from that service's secret.
resource "random_password" "client" {
  for_each = local.clients

  length  = 64
  special = false
}

resource "random_password" "grafana" {
  length  = 40
  special = false
}

resource "random_password" "redis" {
  length  = 40
  special = false
}

# 32 bytes are a key of AES-256.
resource "random_bytes" "sealing" {
  for_each = local.databases

  length = 32
}

resource "random_bytes" "token" {
  length = 32
}

locals {
  database_secrets = { for service in local.databases : service => {
    "database-password"       = random_password.database[service].result
    "database-owner-password" = random_password.database_owner[service].result
    "sealing-keys"            = "k1:${random_bytes.sealing[service].base64}"
  } }

  client_secrets = { for service in local.clients : service => {
    "client-secret" = random_password.client[service].result
  } }

  secrets = {
    auth    = local.database_secrets["auth"]
    prefs   = merge(local.database_secrets["prefs"], local.client_secrets["prefs"])
    webhook = merge(local.database_secrets["webhook"], local.client_secrets["webhook"])
    gateway = merge(local.client_secrets["gateway"], { "token-keys" = random_bytes.token.base64 })
    notify  = local.client_secrets["notify"]
    grafana = { "admin-password" = random_password.grafana.result }
    redis = {
      password = random_password.redis.result
      # That of k8s/infra/redis; a cloud's has a URL of its own.
      url = "redis://:${random_password.redis.result}@redis:6379"
    }
  }
}
