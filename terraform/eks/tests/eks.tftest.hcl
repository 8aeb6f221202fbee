mock_provider "aws" {
  mock_data "aws_eks_addon_version" {
    defaults = {
      version = "v1.0.0-eksbuild.1"
    }
  }

  mock_resource "aws_eks_cluster" {
    override_during = plan
    defaults = {
      arn                   = "arn:aws:eks:eu-central-1:111122223333:cluster/plinth"
      endpoint              = "https://plinth.example"
      certificate_authority = [{ data = "Q0E=" }]
    }
  }
}

mock_provider "helm" {}

mock_provider "random" {
  mock_resource "random_password" {
    override_during = plan
    defaults = {
      result = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
    }
  }
}

variables {
  alert_urls = {
    page   = "https://page.example.com/"
    ticket = "https://ticket.example.com/"
  }
  region             = "eu-central-1"
  account_id         = "111122223333"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  admin_role_arns    = ["arn:aws:iam::111122223333:role/platform"]
  repo_url           = "https://git.example/plinth.git"
}

run "backups_are_kept_from_the_world" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.backups.block_public_acls,
      aws_s3_bucket_public_access_block.backups.block_public_policy,
      aws_s3_bucket_public_access_block.backups.ignore_public_acls,
      aws_s3_bucket_public_access_block.backups.restrict_public_buckets,
    ])
    error_message = "Nobody can make a backup public."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.backups.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "Backups are encrypted with a key of our own."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.backups.policy).Statement[0].Effect == "Deny"
    error_message = "Backups are reached by TLS alone."
  }
}

run "deleted_backups_can_be_brought_back" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.backups.versioning_configuration[0].status == "Enabled" && aws_s3_bucket.backups.force_destroy == false
    error_message = "What is deleted stays as an old version."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.backups.rule[0].noncurrent_version_expiration).noncurrent_days == 30
    error_message = "Old versions stay for 30 days."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.backups.rule[0].expiration).expired_object_delete_marker == true
    error_message = "Only markers of deletion are cleared away; the operator decides how long backups are kept."
  }
}

run "redis_speaks_tls_with_a_password" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.redis.transit_encryption_mode == "required" && tostring(aws_elasticache_replication_group.redis.at_rest_encryption_enabled) == "true"
    error_message = "Redis is encrypted on the wire and on disk."
  }

  assert {
    condition     = aws_elasticache_replication_group.redis.auth_token == "0123456789abcdefghijklmnopqrstuvwxyzABCD"
    error_message = "Redis asks for the password that the gateway's secret has."
  }

  assert {
    condition     = aws_elasticache_replication_group.redis.multi_az_enabled == true && aws_elasticache_replication_group.redis.num_cache_clusters == 2
    error_message = "Redis outlives a zone."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.redis.cidr_ipv4 == null && aws_vpc_security_group_ingress_rule.redis.from_port == 6379
    error_message = "Only the cluster reaches Redis."
  }
}

run "each_service_has_its_secret" {
  command = plan

  assert {
    condition     = toset([for secret in aws_secretsmanager_secret.plinth : secret.name]) == toset(["plinth/alerts", "plinth/auth", "plinth/gateway", "plinth/grafana", "plinth/notify", "plinth/prefs", "plinth/redis", "plinth/webhook"])
    error_message = "External Secrets finds a secret for each service below plinth/."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.plinth : secret.recovery_window_in_days == 30])
    error_message = "A deleted secret can be brought back."
  }
}

run "cilium_knows_the_api_without_a_proxy" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.cilium.values[0]).k8sServiceHost == "plinth.example" && yamldecode(helm_release.cilium.values[0]).kubeProxyReplacement == true
    error_message = "Without kube-proxy Cilium must know where the API is."
  }

  assert {
    condition     = helm_release.cilium.wait == false
    error_message = "Nodes wait for Cilium, so it may not wait for nodes."
  }
}

run "argocd_reads_the_environments_folder" {
  command = plan

  assert {
    condition     = [for source in yamldecode(helm_release.root.values[0]).applications.root.sources : source.path] == ["argocd/projects", "argocd/infra", "argocd/bootstrap/prod", "argocd/appsets/prod"]
    error_message = "The root Application reads the projects, and the folder of its environment."
  }
}

run "zones_of_another_region_are_refused" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  }

  expect_failures = [var.availability_zones]
}

run "dev_is_refused" {
  command = plan

  variables {
    environment = "dev"
  }

  expect_failures = [var.environment]
}

run "a_folder_as_repository_is_refused" {
  command = plan

  variables {
    repo_url = "/home/somebody/plinth"
  }

  expect_failures = [var.repo_url]
}
