variable "name" {
  description = "The name of the instance. A deleted one's name is free again after a week."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,79}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 2 to 80 of them, a letter first."
  }
}

variable "region" {
  description = "The region; the instance is in two of its zones."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region of Google Cloud: europe-west3."
  }
}

variable "network_id" {
  description = "The network that the instance is in: private_network_id of the network module."
  type        = string

  validation {
    condition     = length(var.network_id) > 0
    error_message = "Without a network the instance would need a public address."
  }
}

variable "services" {
  description = "The services that have a database."
  type        = list(string)

  validation {
    condition     = length(var.services) > 0 && length(distinct(var.services)) == length(var.services)
    error_message = "One service or more, each once."
  }

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z][a-z0-9_]{0,50}$", service)) && !endswith(service, "_owner")])
    error_message = "Lower-case letters, digits and underscores, a letter first, 51 at most; never ending in _owner."
  }
}

variable "tier" {
  description = "The size of the instance. The edition ENTERPRISE takes db-custom-<cores>-<MiB>."
  type        = string
  default     = "db-custom-2-7680"

  validation {
    condition     = can(regex("^db-custom-[0-9]+-[0-9]+$", var.tier))
    error_message = "As db-custom-2-7680: shared cores have no promise of availability."
  }
}

variable "disk_size_gib" {
  description = "The disk at the start, in GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.disk_size_gib >= 10
    error_message = "10 GiB or more."
  }
}

variable "disk_limit_gib" {
  description = "How far the disk may grow, in GiB. 0: without limit."
  type        = number
  default     = 500

  validation {
    condition     = var.disk_limit_gib == 0 || var.disk_limit_gib >= var.disk_size_gib
    error_message = "0, or at least what it has at the start."
  }
}

variable "max_connections" {
  description = "How many connections there may be: the pools of all replicas, and some for people."
  type        = number
  default     = 400

  validation {
    condition     = var.max_connections >= 50 && var.max_connections <= 5000
    error_message = "From 50 to 5000."
  }
}

variable "retained_backups" {
  description = "How many daily backups are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.retained_backups >= 7 && var.retained_backups <= 365
    error_message = "From 7 to 365."
  }
}

variable "backup_location" {
  description = "Where backups are kept: a region, or eu, us or asia for several. Null: near the instance."
  type        = string
  default     = null
}

variable "encryption_key_name" {
  description = "A key of Cloud KMS that the disk is encrypted with. Null: a key of Google's."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_name == null || can(regex("^projects/.+/locations/.+/keyRings/.+/cryptoKeys/.+$", var.encryption_key_name))
    error_message = "As projects/…/locations/…/keyRings/…/cryptoKeys/…"
  }
}

variable "deletion_protection" {
  description = "Whether neither Terraform nor anybody else can delete the instance."
  type        = bool
  default     = true
}
