mock_provider "aws" {
  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:plinth-karpenter"
      url = "https://sqs.example/111122223333/plinth-karpenter"
    }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = {
      arn = "arn:aws:events:eu-central-1:111122223333:rule/made"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::111122223333:role/made"
    }
  }
}

mock_provider "helm" {}

variables {
  cluster_name = "plinth"
  region       = "eu-central-1"
  cluster_arn  = "arn:aws:eks:eu-central-1:111122223333:cluster/plinth"
}

run "interruptions_arrive" {
  command = apply

  assert {
    condition = toset([for rule in aws_cloudwatch_event_rule.interruption : one(jsondecode(rule.event_pattern)["detail-type"])]) == toset([
      "AWS Health Event",
      "EC2 Spot Instance Interruption Warning",
      "EC2 Instance Rebalance Recommendation",
      "EC2 Instance State-change Notification",
    ])
    error_message = "Karpenter hears of all four kinds."
  }

  assert {
    condition     = one(jsondecode(aws_cloudwatch_event_rule.interruption["health"].event_pattern)["source"]) == "aws.health"
    error_message = "Events of AWS Health come from its own source."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.interruption : target.arn == aws_sqs_queue.interruption.arn])
    error_message = "Each rule writes to the queue."
  }

  assert {
    condition     = toset([for key, target in aws_cloudwatch_event_target.interruption : target.rule]) == toset(["plinth-karpenter-health", "plinth-karpenter-rebalance", "plinth-karpenter-spot", "plinth-karpenter-state"])
    error_message = "Each rule has a target."
  }
}

run "the_queue_takes_only_events_by_tls" {
  command = apply

  assert {
    condition     = aws_sqs_queue.interruption.sqs_managed_sse_enabled == true && aws_sqs_queue.interruption.message_retention_seconds == 300
    error_message = "Messages are encrypted, and old ones are of no use."
  }

  assert {
    condition = anytrue([for statement in jsondecode(aws_sqs_queue_policy.interruption.policy).Statement :
      statement.Effect == "Deny" && statement.Condition.Bool["aws:SecureTransport"] == "false" if statement.Sid == "OnlyTls"
    ])
    error_message = "Without TLS nobody reads or writes."
  }

  assert {
    condition = [for statement in jsondecode(aws_sqs_queue_policy.interruption.policy).Statement :
      statement.Principal.Service if statement.Effect == "Allow"
    ] == ["events.amazonaws.com"]
    error_message = "Only events are let in."
  }
}

run "karpenter_has_its_role_by_pod_identity" {
  command = apply

  assert {
    condition     = output.controller_role_arn == "arn:aws:iam::111122223333:role/made"
    error_message = "The controller has a role."
  }

  assert {
    condition     = yamldecode(helm_release.karpenter.values[0]).serviceAccount == { name = "karpenter" }
    error_message = "The service account has the name that the role is for, and no annotation with a role."
  }

  assert {
    condition     = yamldecode(helm_release.karpenter.values[0]).settings == { clusterName = "plinth", interruptionQueue = "plinth-karpenter" }
    error_message = "Karpenter knows its cluster and its queue."
  }

  assert {
    condition     = helm_release.crds.version == helm_release.karpenter.version && helm_release.karpenter.skip_crds == true
    error_message = "The kinds and what speaks them have one version."
  }
}

run "nodes_may_join" {
  command = plan

  assert {
    condition     = aws_eks_access_entry.node.type == "EC2_LINUX" && aws_eks_access_entry.node.cluster_name == "plinth"
    error_message = "Nodes have an access entry of their own."
  }

  assert {
    condition     = output.node_role_name == "plinth-karpenter-node"
    error_message = "The EC2NodeClass in k8s/ names this role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.node.assume_role_policy).Statement[0].Principal.Service == "ec2.amazonaws.com"
    error_message = "Only instances take it."
  }
}

run "the_policies_fit_into_a_role" {
  command = apply

  # IAM takes 10,240 characters of them.
  assert {
    condition     = length(jsonencode([local.may_run_instances, local.may_read, local.may_use_the_node_role])) < 10000
    error_message = "The policies are too long for one role: split them."
  }
}

run "only_what_karpenter_made_may_it_end" {
  command = plan

  assert {
    condition = [for statement in local.may_run_instances :
      statement.Condition.StringEquals["aws:ResourceTag/kubernetes.io/cluster/plinth"] if contains(statement.Action, "ec2:TerminateInstances")
    ] == ["owned"]
    error_message = "Instances of others are out of its reach."
  }
}

run "a_floating_version_is_refused" {
  command = plan

  variables {
    chart_version = "1.8"
  }

  expect_failures = [var.chart_version]
}

run "another_services_arn_is_refused" {
  command = plan

  variables {
    cluster_arn = "arn:aws:ecs:eu-central-1:111122223333:cluster/plinth"
  }

  expect_failures = [var.cluster_arn]
}
