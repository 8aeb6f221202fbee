provider "aws" {
  region = var.region

  # Credentials of another account make nothing here.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

# A token for each call, so that none is kept anywhere. It is of whoever runs Terraform: a role among admin_role_arns.
provider "helm" {
  kubernetes = {
    host                   = module.eks.endpoint
    cluster_ca_certificate = module.eks.ca_certificate

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = ["eks", "get-token", "--output", "json", "--region", var.region, "--cluster-name", module.eks.name]
    }
  }
}
