variable "project_id" {
  description = "The project of the accounts and of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The id of a project, not its number or its display name."
  }
}

variable "prefix" {
  description = "What the accounts' names begin with."
  type        = string
  default     = "plinth"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}$", var.prefix))
    error_message = "Lower-case letters, digits and dashes, 2 to 14 of them, a letter first."
  }
}

variable "accounts" {
  description = "The accounts by name: the service account of Kubernetes that takes each, and its roles in the project."
  type = map(object({
    namespace       = string
    service_account = string
    roles           = optional(set(string), [])
  }))

  validation {
    condition     = alltrue([for name in keys(var.accounts) : can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", name))])
    error_message = "Names have 3 to 15 lower-case letters, digits and dashes: with the prefix Google takes 30."
  }

  validation {
    condition = alltrue([for account in values(var.accounts) :
      can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", account.namespace)) && can(regex("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", account.service_account))
    ])
    error_message = "One namespace and one service account each: a pattern would let others in."
  }

  validation {
    condition     = alltrue(flatten([for account in values(var.accounts) : [for role in account.roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)]]))
    error_message = "No basic role: they reach everything in the project."
  }
}
