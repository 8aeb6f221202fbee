output "node_role_name" {
  description = "The role of the nodes, for `spec.role` of the EC2NodeClass."
  value       = aws_iam_role.node.name
}

output "controller_role_arn" {
  description = "The role of Karpenter itself."
  value       = module.controller.role_arn
}

output "queue_name" {
  description = "Where AWS says that it takes an instance away."
  value       = aws_sqs_queue.interruption.name
}
