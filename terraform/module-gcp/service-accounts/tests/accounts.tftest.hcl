mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name  = "projects/plinth-prod/serviceAccounts/made@plinth-prod.iam.gserviceaccount.com"
      email = "made@plinth-prod.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id = "plinth-prod"
  accounts = {
    external-secret = {
      namespace       = "external-secrets"
      service_account = "external-secrets"
      roles           = ["roles/secretmanager.secretAccessor"]
    }
    postgres = {
      namespace       = "plinth"
      service_account = "postgres"
    }
  }
}

run "only_the_named_pods_take_an_account" {
  command = plan

  assert {
    condition     = google_service_account_iam_member.workload_identity["postgres"].member == "serviceAccount:plinth-prod.svc.id.goog[plinth/postgres]"
    error_message = "The pods of one service account of Kubernetes take it."
  }

  assert {
    condition     = alltrue([for member in google_service_account_iam_member.workload_identity : member.role == "roles/iam.workloadIdentityUser"])
    error_message = "They take it by Workload Identity."
  }

  assert {
    condition     = google_service_account.this["external-secret"].account_id == "plinth-external-secret"
    error_message = "Accounts are named with the prefix."
  }
}

run "only_the_named_roles_are_given" {
  command = apply

  assert {
    condition     = keys(google_project_iam_member.this) == ["external-secret roles/secretmanager.secretAccessor"]
    error_message = "One role was asked for, and one is given."
  }

  assert {
    condition     = alltrue([for member in google_project_iam_member.this : member.member == "serviceAccount:made@plinth-prod.iam.gserviceaccount.com"])
    error_message = "It is given to the account."
  }

  assert {
    condition     = toset(keys(output.emails)) == toset(["external-secret", "postgres"])
    error_message = "Each account's address is known."
  }
}

run "a_basic_role_is_refused" {
  command = plan

  variables {
    accounts = {
      postgres = {
        namespace       = "plinth"
        service_account = "postgres"
        roles           = ["roles/editor"]
      }
    }
  }

  expect_failures = [var.accounts]
}

run "a_pattern_is_refused" {
  command = plan

  variables {
    accounts = {
      postgres = {
        namespace       = "*"
        service_account = "postgres"
      }
    }
  }

  expect_failures = [var.accounts]
}

run "a_long_name_is_refused" {
  command = plan

  variables {
    accounts = {
      a-name-that-is-too-long = {
        namespace       = "plinth"
        service_account = "postgres"
      }
    }
  }

  expect_failures = [var.accounts]
}
