# The floor that all else stands on: a network over three zones, and the cluster in it.
locals {
  tags = {
    project     = "plinth"
    environment = var.environment
    managed-by  = "terraform"
  }
}

module "network" {
  source = "../module-aws/network"

  name               = var.name
  cluster_name       = var.name
  region             = var.region
  cidr               = var.vpc_cidr
  availability_zones = var.availability_zones
  nat_per_zone       = var.nat_per_zone
}

module "eks" {
  source = "../module-aws/eks"

  name                = var.name
  kubernetes_version  = var.kubernetes_version
  subnet_ids          = module.network.private_subnet_ids
  public_access_cidrs = var.api_access_cidrs
  admin_role_arns     = var.admin_role_arns
  addon_versions      = var.addon_versions
}
