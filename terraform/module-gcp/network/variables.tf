variable "name" {
  description = "The name of the network, and the prefix of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 2 to 30 of them, a letter first."
  }
}

variable "region" {
  description = "The region of the subnet."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region of Google Cloud: europe-west3."
  }
}

variable "nodes_cidr" {
  description = "The nodes' range."
  type        = string
  default     = "10.0.0.0/20"

  validation {
    condition     = can(cidrhost(var.nodes_cidr, 0))
    error_message = "A range of addresses: 10.0.0.0/20."
  }
}

variable "pods_cidr" {
  description = "The pods' range. A node takes a /24 of it, so a /14 has room for 1024 nodes."
  type        = string
  default     = "10.4.0.0/14"

  validation {
    condition     = can(cidrhost(var.pods_cidr, 0)) && try(tonumber(split("/", var.pods_cidr)[1]), 32) <= 18
    error_message = "A range of /18 or wider: smaller ones hold fewer than 64 nodes, and it can't grow."
  }
}

variable "services_cidr" {
  description = "The range of the services' addresses."
  type        = string
  default     = "10.8.0.0/20"

  validation {
    condition     = can(cidrhost(var.services_cidr, 0))
    error_message = "A range of addresses: 10.8.0.0/20."
  }
}

variable "services_access_cidr" {
  description = "The range of what Google runs for us, such as Cloud SQL."
  type        = string
  default     = "10.12.0.0/20"

  validation {
    condition     = can(cidrhost(var.services_access_cidr, 0)) && try(tonumber(split("/", var.services_access_cidr)[1]), 32) <= 24
    error_message = "A range of /24 or wider: each service of each region takes one of its own."
  }
}

variable "nat_addresses" {
  description = "How many public addresses calls to the world come from. Each has 64,000 ports."
  type        = number
  default     = 2

  validation {
    condition     = var.nat_addresses >= 1 && var.nat_addresses <= 16 && floor(var.nat_addresses) == var.nat_addresses
    error_message = "From 1 to 16."
  }
}
