# How requests come in: a network load balancer in front of Traefik. This controller makes it from Traefik's Service;
# Traefik itself, and the Gateway with its routes, come by ArgoCD.
resource "helm_release" "load_balancer_controller" {
  name       = "aws-load-balancer-controller"
  namespace  = "kube-system"
  repository = "https://aws.github.io/eks-charts"
  chart      = "aws-load-balancer-controller"
  version    = var.chart_versions.load_balancer_controller

  values = [yamlencode({
    clusterName  = module.eks.name
    replicaCount = 2

    # Pods cannot ask the node where they are (IMDSv2 with one hop): say it.
    region = var.region
    vpcId  = module.network.vpc_id

    serviceAccount = { name = local.load_balancer_service_account }

    # Its hook on every Service would keep all others from being made while it is down.
    enableServiceMutatorWebhook = false
  })]

  depends_on = [module.load_balancer_controller, terraform_data.nodes]
}

# The kinds of the Gateway API must be there before cert-manager and Traefik start. Traefik's chart of CRDs pins the
# version that this Traefik was tested with; kind-local/gateway.tf installs the same.
resource "helm_release" "gateway_api" {
  name       = "gateway-api"
  namespace  = "kube-system"
  repository = "https://traefik.github.io/charts"
  chart      = "traefik-crds"
  version    = var.chart_versions.traefik_crds

  values = [yamlencode({
    gatewayAPI = true
    traefik    = false
    hub        = false

    # Removing the kinds would remove every gateway and route with them.
    deleteOnUninstall = false
  })]
}

locals {
  load_balancer_service_account = "aws-load-balancer-controller"

  ec2 = "arn:aws:ec2:${var.region}:${var.account_id}"
  elb = "arn:aws:elasticloadbalancing:${var.region}:${var.account_id}"

  # What the controller makes it tags with this key, and only what is so tagged may it change.
  elb_tag = "elbv2.k8s.aws/cluster"
}

# What network load balancers take, and no more: no certificates, firewalls or user pools, which only those of
# applications (ALB) have.
module "load_balancer_controller" {
  source = "../module-aws/pod-identity"

  name            = "${var.name}-load-balancer-controller"
  cluster_name    = module.eks.name
  namespace       = "kube-system"
  service_account = local.load_balancer_service_account

  policies = {
    load-balancers = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "LookAround"
          Effect = "Allow"
          Action = [
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeCoipPools",
            "ec2:DescribeInstances",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeTags",
            "ec2:DescribeVpcPeeringConnections",
            "ec2:DescribeVpcs",
            "ec2:GetSecurityGroupsForVpc",
            "elasticloadbalancing:DescribeCapacityReservation",
            "elasticloadbalancing:DescribeListenerAttributes",
            "elasticloadbalancing:DescribeListenerCertificates",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeSSLPolicies",
            "elasticloadbalancing:DescribeTags",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
          ]
          Resource = "*"
        },
        {
          # Load balancing works through a role of its own, which AWS makes with the account's first one.
          Sid       = "LetTheServiceWork"
          Effect    = "Allow"
          Action    = "iam:CreateServiceLinkedRole"
          Resource  = "*"
          Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
        },
        {
          Sid    = "OpenTheNodes"
          Effect = "Allow"
          Action = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
          Resource = [
            "${local.ec2}:security-group/${module.eks.security_group_id}",
          ]
        },
        {
          Sid      = "MakeGroups"
          Effect   = "Allow"
          Action   = "ec2:CreateSecurityGroup"
          Resource = ["${local.ec2}:security-group/*", "${local.ec2}:vpc/${module.network.vpc_id}"]
        },
        {
          Sid      = "TagGroups"
          Effect   = "Allow"
          Action   = "ec2:CreateTags"
          Resource = "${local.ec2}:security-group/*"
          Condition = {
            StringEquals = {
              "ec2:CreateAction"                = "CreateSecurityGroup"
              "aws:RequestTag/${local.elb_tag}" = var.name
            }
          }
        },
        {
          Sid    = "ChangeItsGroups"
          Effect = "Allow"
          Action = [
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:RevokeSecurityGroupIngress",
          ]
          Resource  = "${local.ec2}:security-group/*"
          Condition = { StringEquals = { "aws:ResourceTag/${local.elb_tag}" = var.name } }
        },
        {
          Sid    = "MakeLoadBalancers"
          Effect = "Allow"
          Action = [
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:CreateTargetGroup",
          ]
          Resource = [
            "${local.elb}:loadbalancer/net/*",
            "${local.elb}:targetgroup/*",
          ]
          Condition = { StringEquals = { "aws:RequestTag/${local.elb_tag}" = var.name } }
        },
        {
          Sid    = "ChangeItsLoadBalancers"
          Effect = "Allow"
          Action = [
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:ModifyCapacityReservation",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:RemoveTags",
            "elasticloadbalancing:SetIpAddressType",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetSubnets",
          ]
          Resource = [
            "${local.elb}:loadbalancer/net/*",
            "${local.elb}:targetgroup/*",
          ]
          Condition = { StringEquals = { "aws:ResourceTag/${local.elb_tag}" = var.name } }
        },
        {
          # Listeners carry no tag of the cluster when they are asked for.
          Sid    = "ChangeListeners"
          Effect = "Allow"
          Action = [
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:ModifyListenerAttributes",
            "elasticloadbalancing:RemoveTags",
          ]
          Resource = [
            "${local.elb}:loadbalancer/net/*",
            "${local.elb}:listener/net/*",
          ]
        },
        {
          Sid      = "SendToPods"
          Effect   = "Allow"
          Action   = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
          Resource = "${local.elb}:targetgroup/*"
        },
      ]
    })
  }
}
