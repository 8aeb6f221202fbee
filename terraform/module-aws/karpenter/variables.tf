variable "cluster_name" {
  description = "The cluster that Karpenter makes nodes for."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.cluster_name))
    error_message = "Lower-case letters, digits and dashes, 2 to 30 of them, a letter first."
  }
}

variable "cluster_arn" {
  description = "The same cluster, as IAM names it."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:eks:", var.cluster_arn))
    error_message = "An ARN of EKS: arn:aws:eks:<region>:<account>:cluster/<name>."
  }
}

variable "region" {
  description = "The region that all of it is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region of AWS: eu-central-1."
  }
}

variable "chart_version" {
  description = "The exact version of Karpenter's charts; both have the same."
  type        = string
  default     = "1.8.1"

  validation {
    condition     = can(regex("^1\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "An exact version of Karpenter 1: 1.8.1."
  }
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
