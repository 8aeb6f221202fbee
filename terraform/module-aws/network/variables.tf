variable "name" {
  description = "The name of the VPC, and the prefix of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name))
    error_message = "Lower-case letters, digits and dashes, 2 to 30 of them, a letter first."
  }
}

variable "cluster_name" {
  description = "The cluster whose Karpenter finds the private subnets by their tag."
  type        = string

  validation {
    condition     = length(var.cluster_name) > 0
    error_message = "Name the cluster."
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

variable "cidr" {
  description = "The address range of the VPC. It can't be changed later, and peers may not overlap."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 0) <= 18
    error_message = "A range from /16 to /18: smaller ones leave too few addresses for pods."
  }

  validation {
    condition     = try(cidrhost(var.cidr, 0), "") == split("/", var.cidr)[0]
    error_message = "Write the first address of the range: 10.0.0.0/16, not 10.0.0.7/16."
  }
}

variable "availability_zones" {
  description = "The three zones, in an order that stays: a subnet's range comes from its zone's place."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) == 3 && length(distinct(var.availability_zones)) == 3
    error_message = "Three different zones: databases and quorums need the third."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, or one for all."
  type        = bool
  default     = true
}

variable "flow_log_retention_days" {
  description = "How many days flow logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.flow_log_retention_days)
    error_message = "A number of days that CloudWatch knows, 30 or more: 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
