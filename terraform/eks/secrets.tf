# The services' secrets, in Secrets Manager below plinth/. External Secrets copies them into the cluster.
#
# First values are made here so that a new environment comes up by itself. They are in Terraform's state, too: hence the
# encrypted backend (versions.tf). A rotation later is done in Secrets Manager and stays: Terraform does not look again.
module "secrets" {
  source = "../module-secrets"
}

locals {
  secrets = merge(module.secrets.values, {
    redis  = merge(module.secrets.values["redis"], { url = local.redis_url })
    alerts = { "page-url" = var.alert_urls.page, "ticket-url" = var.alert_urls.ticket }
  })
}

resource "aws_kms_key" "secrets" {
  description             = "The services' secrets of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "secrets" {
  name          = "alias/${var.name}-services-secrets"
  target_key_id = aws_kms_key.secrets.key_id
}

resource "aws_secretsmanager_secret" "plinth" {
  # The names are no secret, and for_each may not have any.
  for_each = toset(concat(module.secrets.names, ["alerts"]))

  name       = "plinth/${each.key}"
  kms_key_id = aws_kms_key.secrets.arn

  # Sealed data and derived tokens cannot be read without sealing-keys: leave time to notice.
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "plinth" {
  for_each = aws_secretsmanager_secret.plinth

  secret_id     = each.value.id
  secret_string = jsonencode(local.secrets[each.key])

  lifecycle {
    ignore_changes = [secret_string]
  }
}

# External Secrets reads them, and nothing else of the account.
module "external_secrets" {
  source = "../module-aws/pod-identity"

  name            = "${var.name}-external-secrets"
  cluster_name    = module.eks.name
  namespace       = "external-secrets"
  service_account = "external-secrets"

  policies = {
    secrets = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "Read"
          Effect   = "Allow"
          Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
          Resource = "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:plinth/*"
        },
        {
          Sid      = "Open"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = aws_kms_key.secrets.arn
        },
      ]
    })
  }
}
