# The nodes that are always there. They run what must run before Karpenter can make others: Karpenter itself, ArgoCD
# and what ArgoCD brings. For that reason they take any pod; a taint for "critical" ones would have to be tolerated by
# every chart, and a fresh cluster would stand still on the first that does not.
resource "aws_eks_node_group" "system" {
  cluster_name           = aws_eks_cluster.this.name
  node_group_name_prefix = "system-"
  node_role_arn          = aws_iam_role.node.arn
  subnet_ids             = var.subnet_ids
  ami_type               = "AL2023_x86_64_STANDARD"
  instance_types         = var.system_instance_types
  version                = var.kubernetes_version

  launch_template {
    id      = aws_launch_template.system.id
    version = aws_launch_template.system.latest_version
  }

  scaling_config {
    min_size     = var.system_size.min
    max_size     = var.system_size.max
    desired_size = var.system_size.min
  }

  update_config {
    max_unavailable = 1
  }

  node_repair_config {
    enabled = true
  }

  labels = {
    "plinth.dev/nodes" = "system"
  }

  # No pod starts before Cilium has its hold on the node; Cilium removes the taint itself.
  taint {
    key    = "node.cilium.io/agent-not-ready"
    value  = "true"
    effect = "NO_EXECUTE"
  }

  tags = var.tags

  # A new group stands before the old one is drained.
  lifecycle {
    create_before_destroy = true
    ignore_changes        = [scaling_config[0].desired_size]
  }

  depends_on = [
    aws_iam_role_policy_attachment.node,
    aws_eks_addon.before_nodes,
  ]
}

resource "aws_launch_template" "system" {
  name_prefix = "${var.name}-system-"

  # No pod gets the node's own credentials: a session must be asked for first (IMDSv2), and its answer does not
  # outlive the one hop to the node.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = var.system_disk_gib
      volume_type           = "gp3"
      encrypted             = "true"
      delete_on_termination = "true"
    }
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(var.tags, { Name = "${var.name}-system" })
  }

  tag_specifications {
    resource_type = "volume"
    tags          = merge(var.tags, { Name = "${var.name}-system" })
  }

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}
