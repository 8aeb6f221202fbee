# A service account of Google for each that needs one, with no key: Workload Identity hands its credentials to the pods
# of one service account of Kubernetes, and to nobody else.
resource "google_service_account" "this" {
  for_each = var.accounts

  account_id   = "${var.prefix}-${each.key}"
  display_name = "Plinth: ${each.key}"
  description  = "For pods of ${each.value.namespace}/${each.value.service_account}"
}

resource "google_service_account_iam_member" "workload_identity" {
  for_each = var.accounts

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project_id}.svc.id.goog[${each.value.namespace}/${each.value.service_account}]"
}

locals {
  grants = merge([for name, account in var.accounts : {
    for role in account.roles : "${name} ${role}" => { account = name, role = role }
  }]...)
}

# Adds one member to a role, and leaves the others of the project alone.
resource "google_project_iam_member" "this" {
  for_each = local.grants

  project = var.project_id
  role    = each.value.role
  member  = "serviceAccount:${google_service_account.this[each.value.account].email}"
}
