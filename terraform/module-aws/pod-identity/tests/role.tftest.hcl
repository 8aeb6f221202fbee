mock_provider "aws" {}

variables {
  name            = "plinth-postgres"
  cluster_name    = "plinth"
  namespace       = "plinth"
  service_account = "postgres"
  policies = {
    backups = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

run "only_that_service_account_takes_the_role" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com"
    error_message = "Only EKS hands the role out."
  }

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals == {
      "aws:RequestTag/eks-cluster-name"           = "plinth"
      "aws:RequestTag/kubernetes-namespace"       = "plinth"
      "aws:RequestTag/kubernetes-service-account" = "postgres"
    }
    error_message = "Cluster, namespace and service account must all fit."
  }

  assert {
    condition     = aws_eks_pod_identity_association.this.namespace == "plinth" && aws_eks_pod_identity_association.this.service_account == "postgres"
    error_message = "The association is with the same service account."
  }

  assert {
    condition     = keys(aws_iam_role_policy.this) == ["backups"]
    error_message = "The role has the policies that were given."
  }
}

run "a_pattern_is_refused" {
  command = plan

  variables {
    service_account = "*"
  }

  expect_failures = [var.service_account]
}
