# The network of the pods, in place of the VPC CNI and kube-proxy: module-aws/eks/addons.tf says why.
#
# Nodes turn ready only when this is there, and the node group waits for its nodes. So this may wait for the API and for
# Pod Identity, but neither for nodes nor for its own pods. Never add `depends_on = [module.eks]`: that is a deadlock.
resource "helm_release" "cilium" {
  name       = "cilium"
  namespace  = "kube-system"
  repository = "https://helm.cilium.io"
  chart      = "cilium"
  version    = var.chart_versions.cilium
  wait       = false

  values = [yamlencode({
    # Without kube-proxy the service address of the API leads nowhere: name the API itself.
    kubeProxyReplacement = true
    k8sServiceHost       = trimprefix(module.eks.endpoint, "https://")
    k8sServicePort       = 443

    # Pods have addresses of the VPC. They come in prefixes of 16, so AWS is asked less often.
    ipam = { mode = "eni" }
    eni = {
      enabled                   = true
      awsEnablePrefixDelegation = true
    }
    routingMode = "native"

    # Inside the VPC pods show their own address; towards the world the node's.
    ipv4NativeRoutingCIDR = module.network.vpc_cidr
    enableIPv4Masquerade  = true
    bpf                   = { masquerade = true }

    # Traefik serves the Gateway API.
    gatewayAPI = { enabled = false }

    operator = { replicas = 2 }
  })]

  depends_on = [module.cilium_operator]
}

# Only the operator touches network interfaces; nodes themselves may not.
module "cilium_operator" {
  source = "../module-aws/pod-identity"

  name            = "${var.name}-cilium-operator"
  cluster_name    = module.eks.name
  namespace       = "kube-system"
  service_account = "cilium-operator"

  policies = {
    interfaces = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "LookAround"
          Effect = "Allow"
          Action = [
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeTags",
            "ec2:DescribeVpcs",
          ]
          Resource = "*"
        },
        {
          Sid    = "GivePodsAddresses"
          Effect = "Allow"
          Action = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:AttachNetworkInterface",
            "ec2:CreateNetworkInterface",
            "ec2:CreateTags",
            "ec2:DeleteNetworkInterface",
            "ec2:ModifyNetworkInterfaceAttribute",
            "ec2:UnassignPrivateIpAddresses",
          ]
          Resource = "*"
          Condition = {
            StringEquals = { "aws:RequestedRegion" = var.region }
          }
        },
      ]
    })
  }
}
