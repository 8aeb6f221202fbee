variable "name" {
  description = "The name of the role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{1,63}$", var.name))
    error_message = "Letters, digits and dashes, 64 at most, as IAM has it."
  }
}

variable "cluster_name" {
  description = "The cluster that the pods are in."
  type        = string
}

variable "namespace" {
  description = "The namespace of the service account."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "The name of one namespace: a pattern would let others in."
  }
}

variable "service_account" {
  description = "The service account whose pods take the role."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", var.service_account))
    error_message = "The name of one service account: a pattern would let others in."
  }
}

variable "policies" {
  description = "What the role may do: JSON documents of IAM, by a name each."
  type        = map(string)
  default     = {}
}

variable "managed_policy_arns" {
  description = "Policies of AWS that the role has besides."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
