variable "repo_url" {
  description = "The Git repository that ArgoCD reads, as a pod can reach it: https://… or ssh://…"
  type        = string

  validation {
    condition     = can(regex("^(https|ssh)://", var.repo_url))
    error_message = "ArgoCD reads a repository by https:// or ssh://, never a folder of this machine."
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

variable "environment" {
  description = "Whose folder of argocd/appsets the root Application reads."
  type        = string
  default     = "dev"

  validation {
    condition     = var.environment == "dev"
    error_message = "Only dev runs on a laptop: the others want a cloud's secrets and nodes."
  }
}

variable "cluster_name" {
  description = "The name of the kind cluster, and the prefix of its containers."
  type        = string
  default     = "plinth"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.cluster_name))
    error_message = "Lower-case letters, digits and dashes, 31 at most, a letter first."
  }
}

variable "workers" {
  description = "How many worker nodes there are. Two show what a drain does; more need more memory."
  type        = number
  default     = 2

  validation {
    condition     = var.workers >= 1 && var.workers <= 5 && floor(var.workers) == var.workers
    error_message = "From 1 to 5 workers."
  }
}

variable "node_image" {
  description = "The image of the nodes, with its digest: a tag of kindest/node can be built anew."
  type        = string
  default     = "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"

  validation {
    condition     = can(regex("^[^@]+:v1\\.34\\.[0-9]+@sha256:[0-9a-f]{64}$", var.node_image))
    error_message = "Name an image of Kubernetes 1.34, as production runs, with its digest."
  }
}

variable "registry_image" {
  description = "The image of the registry."
  type        = string
  default     = "registry:3.0.0"

  validation {
    condition     = can(regex(":3\\.[0-9]+\\.[0-9]+(@sha256:[0-9a-f]{64})?$", var.registry_image))
    error_message = "Pin a release of registry 3."
  }
}

variable "chart_versions" {
  description = "The exact version of each chart."
  type = object({
    argocd         = optional(string, "9.1.4")
    argocd_apps    = optional(string, "2.0.2")
    cilium         = optional(string, "1.18.4")
    metrics_server = optional(string, "3.13.0")
    traefik_crds   = optional(string, "1.12.0")
  })
  default = {}

  validation {
    condition     = alltrue([for version in values(var.chart_versions) : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", version))])
    error_message = "Each version is exact: 1.2.3."
  }
}
