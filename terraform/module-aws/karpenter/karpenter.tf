# Karpenter makes nodes for pods that have none. Which nodes it may make (NodePool, EC2NodeClass) is said in k8s/, where
# it changes with the workloads and needs no run of Terraform.
locals {
  namespace       = "kube-system"
  service_account = "karpenter"
}

# The kinds have a chart of their own: Helm never upgrades those that come inside of another chart.
resource "helm_release" "crds" {
  name       = "karpenter-crd"
  namespace  = local.namespace
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter-crd"
  version    = var.chart_version
}

resource "helm_release" "karpenter" {
  name       = "karpenter"
  namespace  = local.namespace
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter"
  version    = var.chart_version
  skip_crds  = true
  timeout    = 600

  values = [yamlencode({
    serviceAccount = { name = local.service_account }

    settings = {
      clusterName       = var.cluster_name
      interruptionQueue = aws_sqs_queue.interruption.name
    }

    # Two, on the system's nodes: it must never run on a node that it may itself take away.
    replicas     = 2
    nodeSelector = { "plinth.dev/nodes" = "system" }

    # It must start before DNS does, as DNS may be waiting for the node that it is to make.
    dnsPolicy = "Default"

    controller = {
      resources = {
        requests = { cpu = "250m", memory = "512Mi" }
        limits   = { memory = "512Mi" }
      }
    }
  })]

  depends_on = [
    helm_release.crds,
    module.controller,
    aws_eks_access_entry.node,
    aws_cloudwatch_event_target.interruption,
  ]
}
