variable "name" {
  description = "The name of the instance."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "Lower-case letters, digits and dashes, 2 to 40 of them, a letter first and no dash at the end."
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
    error_message = "Name a network: the default one is not ours."
  }
}

variable "memory_size_gb" {
  description = "Its memory. The gateway's cache and limits take some 100 MB for a million keys."
  type        = number
  default     = 1

  validation {
    condition     = var.memory_size_gb >= 1 && var.memory_size_gb <= 300
    error_message = "From 1 to 300."
  }
}

variable "encryption_key_name" {
  description = "A key of Cloud KMS. Null: a key of Google's."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_name == null || can(regex("^projects/.+/locations/.+/keyRings/.+/cryptoKeys/.+$", var.encryption_key_name))
    error_message = "As projects/…/locations/…/keyRings/…/cryptoKeys/…"
  }
}
