output "role_arn" {
  description = "The role, once its association is there."
  value       = aws_iam_role.this.arn

  # Credentials are handed to pods that start after the association, so who starts pods must wait for it.
  depends_on = [aws_eks_pod_identity_association.this]
}
