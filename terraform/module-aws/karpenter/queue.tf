# AWS says some minutes before that it takes an instance away. Karpenter reads that here, and moves the pods in time.
resource "aws_sqs_queue" "interruption" {
  name                      = "${var.cluster_name}-karpenter"
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true

  tags = var.tags
}

resource "aws_sqs_queue_policy" "interruption" {
  queue_url = aws_sqs_queue.interruption.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "EventsWrite"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.interruption.arn

        # Only from our own rules: who else could write here could have nodes drained.
        Condition = { ArnEquals = { "aws:SourceArn" = [for rule in aws_cloudwatch_event_rule.interruption : rule.arn] } }
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.interruption.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

locals {
  interruptions = {
    health    = { source = "aws.health", kind = "AWS Health Event" }
    spot      = { source = "aws.ec2", kind = "EC2 Spot Instance Interruption Warning" }
    rebalance = { source = "aws.ec2", kind = "EC2 Instance Rebalance Recommendation" }
    state     = { source = "aws.ec2", kind = "EC2 Instance State-change Notification" }
  }
}

resource "aws_cloudwatch_event_rule" "interruption" {
  for_each = local.interruptions

  name        = "${var.cluster_name}-karpenter-${each.key}"
  description = "${each.value.kind}, for Karpenter"

  event_pattern = jsonencode({
    source      = [each.value.source]
    detail-type = [each.value.kind]
  })

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "interruption" {
  for_each = aws_cloudwatch_event_rule.interruption

  rule      = each.value.name
  target_id = "karpenter"
  arn       = aws_sqs_queue.interruption.arn

  depends_on = [aws_sqs_queue_policy.interruption]
}
