mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:eu-central-1:111122223333:cluster/plinth"
      endpoint              = "https://plinth.example"
      certificate_authority = [{ data = "Q0E=" }]
    }
  }

  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
      key_id = "00000000-0000-0000-0000-000000000000"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::111122223333:role/made"
    }
  }

  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 1
    }
  }

  mock_data "aws_eks_addon_version" {
    defaults = {
      version = "v1.0.0-eksbuild.1"
    }
  }
}

variables {
  name            = "plinth"
  subnet_ids      = ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"]
  admin_role_arns = ["arn:aws:iam::111122223333:role/platform"]
}

run "the_api_is_private" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access == true && aws_eks_cluster.this.vpc_config[0].endpoint_public_access == false
    error_message = "Unless ranges are named, only the VPC reaches the API."
  }
}

run "the_api_opens_for_named_ranges" {
  command = plan

  variables {
    public_access_cidrs = ["198.51.100.0/24"]
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access == true && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["198.51.100.0/24"])
    error_message = "Only the named range reaches the API from outside."
  }
}

run "secrets_are_sealed_with_our_key" {
  command = apply

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == aws_kms_key.secrets.arn
    error_message = "Secrets are sealed with the cluster's key."
  }

  assert {
    condition     = aws_kms_key.secrets.enable_key_rotation == true && aws_kms_key.secrets.deletion_window_in_days == 30
    error_message = "The key is rotated, and not gone at once when somebody deletes it."
  }
}

run "who_enters_is_decided_here" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions == false
    error_message = "Access entries alone decide; who made the cluster has no lasting right to it."
  }

  assert {
    condition     = keys(aws_eks_access_entry.admin) == ["arn:aws:iam::111122223333:role/platform"]
    error_message = "The named role has an entry."
  }

  assert {
    condition     = alltrue([for association in aws_eks_access_policy_association.admin : endswith(association.policy_arn, "/AmazonEKSClusterAdminPolicy")])
    error_message = "The named role administers the cluster."
  }
}

run "everything_is_logged" {
  command = plan

  assert {
    condition     = toset(aws_eks_cluster.this.enabled_cluster_log_types) == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "All five logs are kept."
  }

  assert {
    condition     = aws_cloudwatch_log_group.cluster.name == "/aws/eks/plinth/cluster" && aws_cloudwatch_log_group.cluster.retention_in_days == 90
    error_message = "The group is the one that EKS writes to, and keeps logs for 90 days."
  }
}

run "nodes_are_private_and_keep_their_credentials" {
  command = plan

  assert {
    condition     = aws_eks_node_group.system.subnet_ids == toset(var.subnet_ids)
    error_message = "Nodes are in the private subnets."
  }

  assert {
    condition     = aws_launch_template.system.metadata_options[0].http_tokens == "required" && aws_launch_template.system.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, and no pod reaches it."
  }

  assert {
    condition     = aws_launch_template.system.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "Disks are encrypted."
  }

  assert {
    condition     = length(aws_launch_template.system.network_interfaces) == 0 && length(aws_eks_node_group.system.remote_access) == 0
    error_message = "No public address, and no SSH."
  }

  assert {
    condition     = toset(keys(aws_iam_role_policy_attachment.node)) == toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"])
    error_message = "Nodes may join, pull images and be looked at; network interfaces are Cilium's operator's."
  }
}

run "cilium_is_the_network" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.bootstrap_self_managed_addons == false
    error_message = "EKS brings neither the VPC CNI nor kube-proxy by itself."
  }

  assert {
    condition     = !anytrue([for addon in concat(keys(aws_eks_addon.before_nodes), keys(aws_eks_addon.on_nodes)) : contains(["vpc-cni", "kube-proxy"], addon)])
    error_message = "Nor do the add-ons."
  }

  assert {
    condition     = [for taint in aws_eks_node_group.system.taint : taint.effect if taint.key == "node.cilium.io/agent-not-ready"] == ["NO_EXECUTE"]
    error_message = "No pod runs on a node that Cilium does not hold yet."
  }
}

run "an_addon_is_pinned" {
  command = plan

  variables {
    addon_versions = {
      coredns = "v1.12.3-eksbuild.1"
    }
  }

  assert {
    condition     = aws_eks_addon.on_nodes["coredns"].addon_version == "v1.12.3-eksbuild.1"
    error_message = "The pinned version is taken."
  }

  assert {
    condition     = aws_eks_addon.on_nodes["metrics-server"].addon_version == "v1.0.0-eksbuild.1"
    error_message = "The others follow AWS."
  }
}

run "the_whole_world_is_refused" {
  command = plan

  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.public_access_cidrs]
}

run "nobody_to_administer_is_refused" {
  command = plan

  variables {
    admin_role_arns = []
  }

  expect_failures = [var.admin_role_arns]
}

run "a_user_as_administrator_is_refused" {
  command = plan

  variables {
    admin_role_arns = ["arn:aws:iam::111122223333:user/somebody"]
  }

  expect_failures = [var.admin_role_arns]
}

run "an_old_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "1.28"
  }

  expect_failures = [var.kubernetes_version]
}

run "an_unknown_addon_is_refused" {
  command = plan

  variables {
    addon_versions = {
      vpc-cni = "v1.20.0-eksbuild.1"
    }
  }

  expect_failures = [var.addon_versions]
}

run "a_single_system_node_is_refused" {
  command = plan

  variables {
    system_size = {
      min = 1
      max = 2
    }
  }

  expect_failures = [var.system_size]
}
