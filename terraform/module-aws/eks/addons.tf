# What AWS keeps up to date inside the cluster. Not among it: the VPC CNI and kube-proxy. Cilium does the work of both,
# in ENI mode: pods still have addresses of the VPC, so load balancers and the control plane's webhooks reach them
# directly, but there is one data path and one place for network policy, the same as on kind. To chain Cilium behind
# the VPC CNI would keep two of each, and lose policy on the seventh layer.
locals {
  # Pods get their credentials from this agent, Cilium's operator first of all: it must be there before any node is.
  addons_before_nodes = ["eks-pod-identity-agent"]

  # They need a node to run on. metrics-server is what autoscalers read.
  addons_on_nodes = ["coredns", "aws-ebs-csi-driver", "metrics-server"]
}

# The class says nothing of encryption: the account does, for every volume of the region.
resource "aws_ebs_encryption_by_default" "this" {
  enabled = true
}

# The version that AWS takes by default for this Kubernetes, unless var.addon_versions pins another.
data "aws_eks_addon_version" "default" {
  for_each = toset(concat(local.addons_before_nodes, local.addons_on_nodes))

  addon_name         = each.key
  kubernetes_version = var.kubernetes_version
}

locals {
  addon_versions = { for addon, found in data.aws_eks_addon_version.default : addon => lookup(var.addon_versions, addon, found.version) }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = toset(local.addons_before_nodes)

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = local.addon_versions[each.key]
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  tags = var.tags
}

resource "aws_eks_addon" "on_nodes" {
  for_each = toset(local.addons_on_nodes)

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = local.addon_versions[each.key]
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  # Claims that name no class get this one: no class is the default by itself since EKS 1.30.
  configuration_values = each.key == "aws-ebs-csi-driver" ? jsonencode({ defaultStorageClass = { enabled = true } }) : null

  tags = var.tags

  depends_on = [aws_eks_node_group.system, module.ebs_csi]
}
