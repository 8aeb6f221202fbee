variable "name" {
  description = "The name of the cluster, and the prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 2 to 30 of them, a letter first."
  }
}

variable "kubernetes_version" {
  description = "The minor version of Kubernetes. EKS goes up by one at a time, and never down."
  type        = string
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.(3[2-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "A minor version, 1.32 or later: 1.34."
  }
}

variable "subnet_ids" {
  description = "The private subnets of control plane and nodes, in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "EKS wants subnets in two zones or more."
  }
}

variable "public_access_cidrs" {
  description = "Who reaches the API from outside the VPC. Empty: nobody."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]), 0) >= 8])
    error_message = "Ranges of addresses, /8 at the widest: the API is not for the whole world."
  }
}

variable "admin_role_arns" {
  description = "The IAM roles that administer the cluster. The role that runs Terraform must be among them, as it installs Cilium and ArgoCD."
  type        = list(string)

  validation {
    condition     = length(var.admin_role_arns) > 0 && alltrue([for arn in var.admin_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "One IAM role or more, as arn:aws:iam::<account>:role/<name>. Users and root are not taken."
  }
}

variable "log_retention_days" {
  description = "How many days the control plane's logs are kept, the audit log among them."
  type        = number
  default     = 90

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "A number of days that CloudWatch knows, 30 or more: 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "system_instance_types" {
  description = "What the system's nodes may be; the first that is to be had is taken. Nitro, x86-64."
  type        = list(string)
  default     = ["m7i.large", "m6i.large", "m7a.large"]

  validation {
    condition     = length(var.system_instance_types) > 0
    error_message = "Name one type or more."
  }
}

variable "system_size" {
  description = "How many of the system's nodes there are."
  type = object({
    min = number
    max = number
  })
  default = {
    min = 3
    max = 6
  }

  validation {
    condition     = var.system_size.min >= 2 && var.system_size.max > var.system_size.min
    error_message = "Two or more, as one is always being replaced at some time; and room for one more while it is."
  }
}

variable "system_disk_gib" {
  description = "The disk of a system node, in GiB: images and logs."
  type        = number
  default     = 50

  validation {
    condition     = var.system_disk_gib >= 30
    error_message = "30 GiB or more: images alone take 20."
  }
}

variable "addon_versions" {
  description = "Pinned versions of add-ons, by name; the others follow what AWS takes by default for the Kubernetes version."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for addon, version in var.addon_versions :
      contains(["eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "metrics-server"], addon) && can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))
    ])
    error_message = "Add-ons that are installed here (addons.tf), with versions as v1.2.3-eksbuild.1."
  }
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
