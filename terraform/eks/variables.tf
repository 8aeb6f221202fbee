variable "region" {
  description = "The region of everything here."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region of AWS: eu-central-1."
  }
}

variable "account_id" {
  description = "The account that this may change, and no other."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The 12 digits of an account of AWS."
  }
}

variable "availability_zones" {
  description = "Three zones of the region, in an order that stays."
  type        = list(string)

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "Zones of var.region: eu-central-1a."
  }
}

variable "admin_role_arns" {
  description = "The IAM roles that administer the cluster, the one that runs Terraform among them."
  type        = list(string)
}

variable "api_access_cidrs" {
  description = "Who reaches the API of Kubernetes from outside the VPC, whoever runs Terraform among them. Empty: nobody, and Terraform runs inside of the VPC."
  type        = list(string)
  default     = []
}

variable "alert_urls" {
  description = "Where Alertmanager tells of what wakes somebody (page) and of what waits for the morning (ticket): whatever takes its webhooks."
  sensitive   = true
  type = object({
    page   = string
    ticket = string
  })

  validation {
    condition     = alltrue([for url in values(var.alert_urls) : startswith(url, "https://")])
    error_message = "Two URLs by https://."
  }
}

variable "name" {
  description = "The name of the cluster, and the prefix of what belongs to it."
  type        = string
  default     = "plinth"
}

variable "environment" {
  description = "Whose folder of argocd/appsets the root Application reads."
  type        = string
  default     = "prod"

  validation {
    condition     = contains(["staging", "prod"], var.environment)
    error_message = "Staging or prod: dev is for kind-local."
  }
}

variable "vpc_cidr" {
  description = "The address range of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, or one for all: only for what may stand still for an hour."
  type        = bool
  default     = true
}

variable "kubernetes_version" {
  description = "The minor version of Kubernetes."
  type        = string
  default     = "1.34"
}

variable "addon_versions" {
  description = "Pinned versions of EKS add-ons, by name."
  type        = map(string)
  default     = {}
}

variable "redis_node_type" {
  description = "The size of a Redis node. The gateway's cache and limits take some 100 MB for a million keys."
  type        = string
  default     = "cache.t4g.small"

  validation {
    condition     = startswith(var.redis_node_type, "cache.")
    error_message = "A type of ElastiCache: cache.t4g.small."
  }
}

variable "backup_undo_days" {
  description = "For how many days a deleted backup can still be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.backup_undo_days >= 14
    error_message = "14 days or more: a break-in is seldom seen sooner."
  }
}

variable "repo_url" {
  description = "The Git repository that ArgoCD reads."
  type        = string

  validation {
    condition     = can(regex("^(https|ssh)://", var.repo_url))
    error_message = "ArgoCD reads a repository by https:// or ssh://."
  }
}

variable "repo_revision" {
  description = "The branch, tag or commit that ArgoCD follows."
  type        = string
  default     = "main"

  validation {
    condition     = length(trimspace(var.repo_revision)) > 0
    error_message = "Name a branch, a tag or a commit."
  }
}

variable "chart_versions" {
  description = "The exact version of each chart. What is on kind, too, has the same version there, and is tried there first."
  type = object({
    argocd                   = optional(string, "9.1.4")
    argocd_apps              = optional(string, "2.0.2")
    cilium                   = optional(string, "1.18.4")
    karpenter                = optional(string, "1.8.1")
    load_balancer_controller = optional(string, "1.14.1")
    traefik_crds             = optional(string, "1.12.0")
  })
  default = {}

  validation {
    condition     = alltrue([for version in values(var.chart_versions) : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", version))])
    error_message = "Each version is exact: 1.2.3."
  }
}
