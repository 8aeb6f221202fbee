# Who installs charts waits for the right to do so, but not for the nodes: they turn ready only when Cilium is there.
output "endpoint" {
  description = "The address of the API."
  value       = aws_eks_cluster.this.endpoint

  depends_on = [aws_eks_access_policy_association.admin]
}

output "ca_certificate" {
  description = "The authority of the API's certificate, as PEM."
  value       = base64decode(aws_eks_cluster.this.certificate_authority[0].data)
}

output "name" {
  description = "The name of the cluster, known when it is there."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "The cluster."
  value       = aws_eks_cluster.this.arn
}

output "security_group_id" {
  description = "The group that nodes, pods and control plane share."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "node_group" {
  description = "The system's nodes, once they are ready: wait for it to run pods."
  value       = aws_eks_node_group.system.arn

  depends_on = [aws_eks_addon.on_nodes]
}

output "pod_identity" {
  description = "The agent that gives pods their credentials, once it is there."
  value       = aws_eks_addon.before_nodes["eks-pod-identity-agent"].arn
}
