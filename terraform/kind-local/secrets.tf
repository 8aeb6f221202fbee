# What production keeps in Secrets Manager, development keeps in this namespace: the ClusterSecretStore of the dev
# environment reads it, so services get their secrets in the same way in both. Nobody else mounts anything from here.
resource "kubernetes_namespace_v1" "secrets" {
  metadata {
    name = "plinth-secrets"
  }

  depends_on = [helm_release.cilium]
}

module "secrets" {
  source = "../module-secrets"
}

# MinIO stands in for object storage here alone.
resource "random_password" "minio" {
  for_each = toset(["access-key", "secret-key"])

  length  = each.key == "access-key" ? 20 : 40
  special = false
}

locals {
  secrets = merge(module.secrets.values, {
    minio = { for key, made in random_password.minio : key => made.result }
    # Nobody is woken by a laptop: Alertmanager tells its own address, and says so in its log.
    alerts = { "page-url" = "http://127.0.0.1:9093/", "ticket-url" = "http://127.0.0.1:9093/" }
  })
}

resource "kubernetes_secret_v1" "plinth" {
  # The names are no secret, and for_each may not have any.
  for_each = toset(concat(module.secrets.names, ["minio", "alerts"]))

  metadata {
    name      = each.key
    namespace = kubernetes_namespace_v1.secrets.metadata[0].name
  }

  data = local.secrets[each.key]
}
