output "cluster_name" {
  description = "For `aws eks update-kubeconfig --name …`"
  value       = module.eks.name
}

output "backup_bucket" {
  description = "The bucket that the ObjectStore in k8s/infra writes to: s3://<bucket>/"
  value       = aws_s3_bucket.backups.bucket
}

output "karpenter_node_role" {
  description = "For `spec.role` of the EC2NodeClass in k8s/."
  value       = module.karpenter.node_role_name
}

output "nat_addresses" {
  description = "Where calls to the world come from: webhooks' receivers may want to know."
  value       = module.network.nat_addresses
}

output "secrets" {
  description = "What External Secrets finds in Secrets Manager."
  value       = [for secret in aws_secretsmanager_secret.plinth : secret.name]
}
