variable "name" {
  description = "The name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}[a-z0-9]$", var.name))
    error_message = "Lower-case letters, digits and dashes, 3 to 22 of them, a letter first and no dash at the end."
  }
}

variable "project_id" {
  description = "The project of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The id of a project, not its number or its display name."
  }
}

variable "region" {
  description = "The region: control plane and nodes are in its zones."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region, not a zone: europe-west3."
  }
}

variable "network_id" {
  description = "The network: network_id of the network module."
  type        = string
}

variable "subnetwork_id" {
  description = "The nodes' subnet: subnetwork_id of the network module."
  type        = string
}

variable "pods_range_name" {
  description = "The name of the pods' range in the subnet."
  type        = string
}

variable "services_range_name" {
  description = "The name of the services' range in the subnet."
  type        = string
}

variable "control_plane_cidr" {
  description = "The control plane's range, a /28 that nothing else has."
  type        = string
  default     = "172.16.0.0/28"

  validation {
    condition     = can(cidrhost(var.control_plane_cidr, 0)) && endswith(var.control_plane_cidr, "/28")
    error_message = "A /28: 172.16.0.0/28."
  }
}

variable "authorized_cidrs" {
  description = "Who reaches the API from outside the network: ranges by a name each. Empty: nobody."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for cidr in values(var.authorized_cidrs) : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]), 0) >= 8])
    error_message = "Ranges of addresses, /8 at the widest: the API is not for the whole world."
  }
}

variable "kubernetes_version" {
  description = "The least version of the control plane."
  type        = string
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.(3[2-9]|[4-9][0-9])", var.kubernetes_version))
    error_message = "Version 1.32 or later: 1.34."
  }
}

variable "release_channel" {
  description = "How soon releases come: REGULAR, or STABLE some months later."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["REGULAR", "STABLE"], var.release_channel)
    error_message = "REGULAR or STABLE: RAPID comes without a promise of availability."
  }
}

variable "nodes_per_zone" {
  description = "How many nodes a zone has. A region has three zones."
  type = object({
    min = number
    max = number
  })
  default = {
    min = 1
    max = 5
  }

  validation {
    condition     = var.nodes_per_zone.min >= 1 && var.nodes_per_zone.max >= var.nodes_per_zone.min
    error_message = "One or more, and the most no fewer than the least."
  }
}

variable "machine_type" {
  description = "The size of a node."
  type        = string
  default     = "e2-standard-4"
}

variable "disk_size_gb" {
  description = "The disk of a node: images and logs."
  type        = number
  default     = 60

  validation {
    condition     = var.disk_size_gb >= 30
    error_message = "30 or more: images alone take 20."
  }
}

variable "secrets_key_name" {
  description = "A key of Cloud KMS that seals the cluster's Secrets."
  type        = string
  default     = null

  validation {
    condition     = var.secrets_key_name == null || can(regex("^projects/.+/locations/.+/keyRings/.+/cryptoKeys/.+$", var.secrets_key_name))
    error_message = "As projects/…/locations/…/keyRings/…/cryptoKeys/…"
  }
}

variable "require_secrets_key" {
  description = "Whether a cluster without secrets_key_name is refused."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the cluster."
  type        = bool
  default     = true
}
