# The nodes that Karpenter makes: they may do what the system's nodes may. The EC2NodeClass names this role.
resource "aws_iam_role" "node" {
  name = "${var.cluster_name}-karpenter-node"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset([
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
  ])

  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

# EKS enters nodes of managed groups by itself; these must be entered here, or they cannot join.
resource "aws_eks_access_entry" "node" {
  cluster_name  = var.cluster_name
  principal_arn = aws_iam_role.node.arn
  type          = "EC2_LINUX"

  tags = var.tags
}

module "controller" {
  source = "../pod-identity"

  name            = "${var.cluster_name}-karpenter"
  cluster_name    = var.cluster_name
  namespace       = local.namespace
  service_account = local.service_account
  tags            = var.tags

  policies = {
    instances = jsonencode({ Version = "2012-10-17", Statement = local.may_run_instances })
    reads     = jsonencode({ Version = "2012-10-17", Statement = local.may_read })
    roles     = jsonencode({ Version = "2012-10-17", Statement = local.may_use_the_node_role })
  }
}

locals {
  ec2     = "arn:aws:ec2:${var.region}"
  cluster = "kubernetes.io/cluster/${var.cluster_name}"

  # What it makes it must tag as this cluster's and as a node pool's, and only what is so tagged may it change or end:
  # whatever else runs in the account is out of its reach.
  tags_when_made = {
    StringEquals = {
      "aws:RequestTag/${local.cluster}"     = "owned"
      "aws:RequestTag/eks:eks-cluster-name" = var.cluster_name
    }
    StringLike = { "aws:RequestTag/karpenter.sh/nodepool" = "*" }
  }
  tags_of_its_own = {
    StringEquals = { "aws:ResourceTag/${local.cluster}" = "owned" }
    StringLike   = { "aws:ResourceTag/karpenter.sh/nodepool" = "*" }
  }

  may_run_instances = [
    {
      Sid    = "UseWhatIsThere"
      Effect = "Allow"
      Action = ["ec2:RunInstances", "ec2:CreateFleet"]
      Resource = [
        "${local.ec2}::image/*",
        "${local.ec2}::snapshot/*",
        "${local.ec2}:*:security-group/*",
        "${local.ec2}:*:subnet/*",
        "${local.ec2}:*:capacity-reservation/*",
      ]
    },
    {
      Sid       = "UseItsLaunchTemplates"
      Effect    = "Allow"
      Action    = ["ec2:RunInstances", "ec2:CreateFleet"]
      Resource  = ["${local.ec2}:*:launch-template/*"]
      Condition = local.tags_of_its_own
    },
    {
      Sid    = "MakeTagged"
      Effect = "Allow"
      Action = ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"]
      Resource = [
        "${local.ec2}:*:fleet/*",
        "${local.ec2}:*:instance/*",
        "${local.ec2}:*:volume/*",
        "${local.ec2}:*:network-interface/*",
        "${local.ec2}:*:launch-template/*",
        "${local.ec2}:*:spot-instances-request/*",
      ]
      Condition = local.tags_when_made
    },
    {
      Sid    = "TagWhileMaking"
      Effect = "Allow"
      Action = ["ec2:CreateTags"]
      Resource = [
        "${local.ec2}:*:fleet/*",
        "${local.ec2}:*:instance/*",
        "${local.ec2}:*:volume/*",
        "${local.ec2}:*:network-interface/*",
        "${local.ec2}:*:launch-template/*",
        "${local.ec2}:*:spot-instances-request/*",
      ]
      Condition = {
        StringEquals = merge(local.tags_when_made.StringEquals, {
          "ec2:CreateAction" = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]
        })
        StringLike = local.tags_when_made.StringLike
      }
    },
    {
      Sid      = "NameItsInstances"
      Effect   = "Allow"
      Action   = ["ec2:CreateTags"]
      Resource = ["${local.ec2}:*:instance/*"]
      Condition = {
        StringEquals = local.tags_of_its_own.StringEquals
        StringLike   = local.tags_of_its_own.StringLike
        StringEqualsIfExists = {
          "aws:RequestTag/eks:eks-cluster-name" = var.cluster_name
        }
        "ForAllValues:StringEquals" = {
          "aws:TagKeys" = ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
        }
      }
    },
    {
      Sid       = "EndItsOwn"
      Effect    = "Allow"
      Action    = ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"]
      Resource  = ["${local.ec2}:*:instance/*", "${local.ec2}:*:launch-template/*"]
      Condition = local.tags_of_its_own
    },
  ]

  may_read = [
    {
      Sid    = "LookAround"
      Effect = "Allow"
      Action = [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
      ]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
    },
    {
      Sid      = "ReadWhichImageIsCurrent"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = "arn:aws:ssm:${var.region}::parameter/aws/service/*"
    },
    {
      Sid      = "ReadPrices"
      Effect   = "Allow"
      Action   = "pricing:GetProducts"
      Resource = "*"
    },
    {
      Sid      = "ReadTheCluster"
      Effect   = "Allow"
      Action   = "eks:DescribeCluster"
      Resource = var.cluster_arn
    },
    {
      Sid      = "ReadInterruptions"
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
      Resource = aws_sqs_queue.interruption.arn
    },
  ]

  may_use_the_node_role = [
    {
      Sid       = "GiveNodesTheirRole"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = aws_iam_role.node.arn
      Condition = { StringEquals = { "iam:PassedToService" = ["ec2.amazonaws.com"] } }
    },
    {
      Sid      = "MakeItsProfiles"
      Effect   = "Allow"
      Action   = ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"]
      Resource = "arn:aws:iam::*:instance-profile/*"
      Condition = {
        StringEquals = {
          "aws:RequestTag/${local.cluster}"              = "owned"
          "aws:RequestTag/eks:eks-cluster-name"          = var.cluster_name
          "aws:RequestTag/topology.kubernetes.io/region" = var.region
        }
        StringLike = { "aws:RequestTag/karpenter.k8s.aws/ec2nodeclass" = "*" }
      }
    },
    {
      Sid      = "ChangeItsProfiles"
      Effect   = "Allow"
      Action   = ["iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"]
      Resource = "arn:aws:iam::*:instance-profile/*"
      Condition = {
        StringEquals = {
          "aws:ResourceTag/${local.cluster}"              = "owned"
          "aws:ResourceTag/topology.kubernetes.io/region" = var.region
        }
        StringLike = { "aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass" = "*" }
      }
    },
    {
      Sid      = "ReadProfiles"
      Effect   = "Allow"
      Action   = ["iam:GetInstanceProfile", "iam:ListInstanceProfiles"]
      Resource = "*"
    },
  ]
}
