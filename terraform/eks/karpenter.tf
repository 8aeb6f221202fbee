module "karpenter" {
  source = "../module-aws/karpenter"

  cluster_name  = module.eks.name
  cluster_arn   = module.eks.arn
  region        = var.region
  chart_version = var.chart_versions.karpenter

  # Its own pods run on the system's nodes.
  depends_on = [terraform_data.nodes]
}
